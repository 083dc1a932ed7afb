"""Reads events of beds as news for the referrals that they concern."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.referral.domain.commands import BedNews, FollowBed
from services.referral.domain.free_beds import WardCounts, WardNews
from services.referral.domain.referral_values import BedAssignment
from services.referral.domain.values import BedType
from services.shared.protocodec.shapes import timestamp_to_datetime
from tierlink.bed.v1 import bed_events_pb2 as pb
from tierlink.type.v1 import type_pb2

BED_TOPIC = "tierlink.bed.events.v1"

_NEWS = {
    "bed_held": BedNews.HELD,
    "bed_hold_extended": BedNews.HELD,
    "bed_unavailable": BedNews.UNAVAILABLE,
    "bed_hold_lapsed": BedNews.HOLD_LAPSED,
    "bed_occupied": BedNews.OCCUPIED,
    "bed_transferred": BedNews.OCCUPIED,
    "bed_transferred_in": BedNews.OCCUPIED,
    "bed_released": BedNews.RELEASED,
}

_BED_TYPES = {
    number: BedType(name.removeprefix("BED_TYPE_")) for name, number in type_pb2.BedType.items() if number
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralBedNews:
    """News of the bed of one referral."""

    referral: str
    command: FollowBed


@dataclass(frozen=True, kw_only=True, slots=True)
class BedWord:
    """What one bed event says here."""

    #: clinical time
    occurred_at: datetime
    #: None when it concerns no referral
    referral: ReferralBedNews | None
    #: None for a desk, which has no beds
    ward: WardNews | None


def read_bed_event(value: bytes) -> BedWord:
    """Raises google.protobuf.message.DecodeError for bytes that are no event, ValueError for an empty one."""
    event: Any = pb.BedEvent.FromString(value)
    payload = event.WhichOneof("payload")
    if payload is None:
        raise ValueError("a bed event without a payload")
    return BedWord(
        occurred_at=timestamp_to_datetime(event.metadata.occurred_at),
        referral=_referral_news(event, payload),
        ward=_ward_news(event),
    )


def _ward_news(event: Any) -> WardNews | None:
    """The ward's counts after the event; a bed type that this version does not know is passed over."""
    bed_type = _BED_TYPES.get(event.bed_type)
    if not event.HasField("counts") or bed_type is None:
        return None
    counts = event.counts
    return WardNews(
        ward=event.metadata.aggregate_id.removeprefix("wards/"),
        version=event.metadata.version,
        facility=event.facility,
        bed_type=bed_type,
        counts=WardCounts(
            beds=counts.beds,
            free=counts.free,
            held=counts.held,
            occupied=counts.occupied,
            cleaning=counts.cleaning,
            blocked=counts.blocked,
        ),
        confirmed_at=timestamp_to_datetime(event.confirmed_at) if event.HasField("confirmed_at") else None,
        recorded_at=timestamp_to_datetime(event.metadata.recorded_at),
    )


def _referral_news(event: Any, payload: str) -> ReferralBedNews | None:
    """What the event means for a referral; None when it concerns none."""
    news = _NEWS.get(payload)
    if news is None:
        return None
    body = getattr(event, payload)
    if news is BedNews.UNAVAILABLE:
        return ReferralBedNews(
            referral=body.referral,
            command=FollowBed(news=news, bed=BedAssignment(facility=body.facility, reason=body.reason)),
        )
    if not body.HasField("hold"):
        return None
    hold = body.hold
    bed = BedAssignment(
        hold=hold.name,
        facility=hold.facility,
        ward=hold.ward,
        bed=body.to_bed if payload == "bed_transferred" else hold.bed,
        fencing_token=hold.fencing_token,
        held_at=timestamp_to_datetime(hold.held_at) if hold.HasField("held_at") else None,
        expires_at=timestamp_to_datetime(hold.expires_at) if hold.HasField("expires_at") else None,
        reason=body.reason.code if payload == "bed_released" else "",
    )
    return ReferralBedNews(referral=hold.referral, command=FollowBed(news=news, bed=bed))
