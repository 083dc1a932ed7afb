"""Reads events of referrals as news for the wards."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.bed.application.follow_referral import BedWanted, News, PatientDiverted, ReferralMoved
from services.bed.domain.commands import AdjustHold, GiveUpHold, HoldBed, MarkInTransit, OccupyOnArrival
from services.bed.domain.values import BedType, CodedReason, Urgency
from services.shared.protocodec.shapes import timestamp_to_datetime
from tierlink.referral.v1 import referral_events_pb2 as pb
from tierlink.type.v1 import type_pb2

REFERRAL_TOPIC = "tierlink.referral.events.v1"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralNews:
    """What an event of a referral means for beds."""

    #: None when it means nothing
    news: News | None
    #: clinical time
    occurred_at: datetime


def news_of(value: bytes) -> ReferralNews:
    """What the event means for beds.

    Raises google.protobuf.message.DecodeError for bytes that are no event, ValueError for one that says less
    than it must.
    """
    event: Any = pb.ReferralEvent.FromString(value)
    payload = event.WhichOneof("payload")
    if payload is None:
        raise ValueError("a referral event without a payload")
    read = _READERS.get(payload)
    return ReferralNews(
        news=None if read is None else read(event, getattr(event, payload)),
        occurred_at=timestamp_to_datetime(event.metadata.occurred_at),
    )


def _accepted(event: Any, accepted: Any) -> News | None:
    bed_type = _bed_type(accepted.bed_type)
    if bed_type is None:
        return None
    return BedWanted(
        hold=HoldBed(
            facility=accepted.facility,
            referral=event.metadata.aggregate_id,
            patient=accepted.patient,
            bed_type=bed_type,
            expires_at=_needed_time(accepted, "hold_until"),
            sex=accepted.sex,
            age_years=accepted.age_years if accepted.HasField("age_years") else None,
            isolation_needed=accepted.isolation_needed,
            record_refusal=True,
            urgency=_urgency(event),
            asked_at=timestamp_to_datetime(event.metadata.recorded_at),
        )
    )


def _held_until(event: Any, moved: Any) -> News | None:
    until = _time(moved, "hold_until")
    if until is None:
        return None
    return ReferralMoved(command=AdjustHold(referral=event.metadata.aggregate_id, expires_at=until))


def _departed(event: Any, departed: Any) -> News:
    return ReferralMoved(
        command=MarkInTransit(referral=event.metadata.aggregate_id, expires_at=_time(departed, "hold_until"))
    )


def _diverted(event: Any, diverted: Any) -> News:
    referral = event.metadata.aggregate_id
    bed_type = _bed_type(diverted.bed_type)
    hold = None
    if bed_type is not None:
        hold = HoldBed(
            facility=diverted.destination_facility,
            referral=referral,
            patient=event.patient,
            bed_type=bed_type,
            expires_at=_needed_time(diverted, "hold_until"),
            sex=diverted.sex,
            age_years=diverted.age_years if diverted.HasField("age_years") else None,
            isolation_needed=diverted.isolation_needed,
            record_refusal=True,
            urgency=_urgency(event),
            asked_at=timestamp_to_datetime(event.metadata.recorded_at),
            # This hold must not lapse under a patient who is on the road already.
            patient_in_transit=True,
        )
    reason = CodedReason(code=diverted.reason.code or "DIVERTED", text=diverted.reason.text)
    return PatientDiverted(referral=referral, reason=reason, hold=hold)


def _arrived(event: Any, arrived: Any) -> News:
    return ReferralMoved(command=OccupyOnArrival(referral=event.metadata.aggregate_id))


def _ended(code: str) -> Callable[[Any, Any], News]:
    def read(event: Any, ended: Any) -> News:
        return ReferralMoved(
            command=GiveUpHold(referral=event.metadata.aggregate_id, reason=CodedReason(code=code, text=""))
        )

    return read


def _refused(code: str) -> Callable[[Any, Any], News]:
    """The destination does not take the patient: what it promised before it was asked is void."""

    def read(event: Any, refused: Any) -> News:
        reason = CodedReason(code=code, text="")
        return ReferralMoved(
            command=GiveUpHold(referral=event.metadata.aggregate_id, reason=reason, facility=refused.facility)
        )

    return read


_READERS: dict[str, Callable[[Any, Any], News | None]] = {
    "referral_accepted": _accepted,
    "transport_arranged": _held_until,
    # On the road, too, a hold follows its patient to another time of arrival.
    "arrival_estimate_changed": _held_until,
    "patient_departed": _departed,
    "patient_diverted": _diverted,
    "patient_arrived": _arrived,
    "offer_declined": _refused("OFFER_DECLINED"),
    "offer_lapsed": _refused("OFFER_LAPSED"),
    "acceptance_withdrawn": _ended("ACCEPTANCE_WITHDRAWN"),
    "patient_no_show": _ended("NO_SHOW"),
    "referral_cancelled": _ended("REFERRAL_CANCELLED"),
    "referral_expired": _ended("REFERRAL_EXPIRED"),
    "referral_closed": _ended("REFERRAL_CLOSED"),
    "patient_died": _ended("PATIENT_DIED"),
    "entered_in_error": _ended("ENTERED_IN_ERROR"),
}


def _bed_type(number: Any) -> BedType | None:
    name = type_pb2.BedType.Name(number).removeprefix("BED_TYPE_")
    return None if name == "UNSPECIFIED" else BedType(name)


def _urgency(event: Any) -> Urgency:
    """One that is not known counts as an emergency."""
    name = type_pb2.Urgency.Name(event.urgency).removeprefix("URGENCY_")
    return Urgency.EMERGENCY if name == "UNSPECIFIED" else Urgency(name)


def _time(message: Any, field: str) -> datetime | None:
    return timestamp_to_datetime(getattr(message, field)) if message.HasField(field) else None


def _needed_time(message: Any, field: str) -> datetime:
    found = _time(message, field)
    if found is None:
        raise ValueError(f"{message.DESCRIPTOR.name} asks for a bed and does not say until when")
    return found
