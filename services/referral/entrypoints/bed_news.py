"""Reads events of beds as news for the referrals that they concern."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.referral.domain.commands import BedNews, FollowBed
from services.referral.domain.referral_values import BedAssignment
from services.shared.protocodec.shapes import timestamp_to_datetime
from tierlink.bed.v1 import bed_events_pb2 as pb

BED_TOPIC = "tierlink.bed.events.v1"

_NEWS = {
    "bed_held": BedNews.HELD,
    "bed_hold_extended": BedNews.HELD,
    "bed_unavailable": BedNews.UNAVAILABLE,
    "bed_hold_lapsed": BedNews.HOLD_LAPSED,
    "bed_occupied": BedNews.OCCUPIED,
    "bed_transferred": BedNews.OCCUPIED,
    "bed_released": BedNews.RELEASED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralBedNews:
    """News of the bed of one referral."""

    referral: str
    command: FollowBed
    #: clinical time
    occurred_at: datetime


def bed_news_of(value: bytes) -> ReferralBedNews | None:
    """What the event means for a referral; None when it concerns none.

    Raises google.protobuf.message.DecodeError for bytes that are no event, ValueError for an empty one.
    """
    event: Any = pb.BedEvent.FromString(value)
    payload = event.WhichOneof("payload")
    if payload is None:
        raise ValueError("a bed event without a payload")
    news = _NEWS.get(payload)
    if news is None:
        return None
    body = getattr(event, payload)
    occurred_at = timestamp_to_datetime(event.metadata.occurred_at)
    if news is BedNews.UNAVAILABLE:
        return ReferralBedNews(
            referral=body.referral,
            occurred_at=occurred_at,
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
    return ReferralBedNews(
        referral=hold.referral, occurred_at=occurred_at, command=FollowBed(news=news, bed=bed)
    )
