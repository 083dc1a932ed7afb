"""What an event says, read from its message."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.operator.events.record import EventRecord
from services.operator.replay_page.happening import (
    Happening,
    OfAlert,
    OfConsultation,
    OfReferral,
    OfWard,
)
from services.operator.replay_page.story import ReferralStands, WardCounts
from services.shared.kernel.text import BilingualText
from tierlink.notification.v1 import alert_pb2
from tierlink.referral.v1 import episode_pb2, referral_pb2
from tierlink.type.v1 import type_pb2

#: No title on a page is longer.
_TITLE_MAX = 160
_CASE_LENGTH = 8
#: Which state a consultation's or an alert's event leaves behind; others leave it as it was.
_CONSULTATION_STATES = {
    "ConsultationRequested": "REQUESTED",
    "ConsultationClaimed": "CLAIMED",
    "ClaimReleased": "REQUESTED",
    "ConsultationReturned": "RETURNED",
    "ConsultationResubmitted": "REQUESTED",
    "ConsultationReported": "REPORTED",
    "ReportAmended": "REPORTED",
    "ConsultationCancelled": "CANCELLED",
}
_ALERT_STATES = {
    "AlertTriggered": "OPEN",
    "AlertRetriggered": "OPEN",
    "AlertAcknowledged": "ACKNOWLEDGED",
    "AlertResolved": "RESOLVED",
}
#: They say how something is, and nothing happened to anybody.
_DESCRIPTIONS = frozenset({"WardApplied", "WardListed"})
_Of = OfReferral | OfConsultation | OfWard | OfAlert | None


class Clock(StrEnum):
    """By which time a page goes."""

    #: when it happened, as the people there said
    CLINICAL = "clinical"
    #: when the platform recorded it: what was known at each moment
    RECORDED = "recorded"


def read_happening(record: EventRecord, clock: Clock) -> Happening | None:
    """The event of a record; None for one that could not be read."""
    message, payload, metadata = record.message, record.payload, record.metadata()
    if message is None or payload is None or metadata is None:
        return None
    recorded_at = _ms(metadata.recorded_at)
    of = _READERS.get(record.topic.name.split(".")[1], _nothing)(record.type, message, payload)
    subject = of.subject if isinstance(of, OfAlert) else of.referral if isinstance(of, OfWard) else ""
    return Happening(
        aggregate=record.aggregate,
        version=record.version,
        type=record.type,
        at=recorded_at if clock is Clock.RECORDED else _ms(metadata.occurred_at) or recorded_at,
        recorded_at=recorded_at,
        facility=_facility(metadata, message, payload),
        case=subject or ("" if isinstance(of, OfAlert | OfWard) else record.aggregate),
        detail=_detail(record.aggregate, payload),
        facilities=record.facilities() - {""},
        episodes=record.episodes() - {""},
        of=of,
        is_description=record.type in _DESCRIPTIONS,
    )


def short_case(name: str) -> str:
    """A case as boards call it: the beginning of its id."""
    return name.partition("/")[2][:_CASE_LENGTH].upper()


def _referral(_: str, message: Any, payload: Any) -> _Of:
    expected = getattr(payload, "estimated_arrival_time", None)
    return OfReferral(
        stands=ReferralStands(
            state=_name(referral_pb2.ReferralState, message.state),
            origin=message.origin_facility,
            destination=message.destination_facility,
            custodian=message.custodian_facility,
        ),
        episode=message.episode,
        urgency=_name(type_pb2.Urgency, message.urgency),
        pathway=_name(type_pb2.Pathway, message.pathway),
        direction=_name(referral_pb2.Direction, message.direction),
        green_channel=message.green_channel,
        expected_at=_ms(expected) if expected is not None else None,
    )


def _consultation(type_: str, _: Any, payload: Any) -> _Of:
    return OfConsultation(
        state=_CONSULTATION_STATES.get(type_),
        requester=getattr(payload, "requesting_facility", ""),
        centre=getattr(payload, "centre_facility", ""),
    )


def _bed(type_: str, message: Any, payload: Any) -> _Of:
    counts = message.counts
    return OfWard(
        counts=WardCounts(
            free=counts.free,
            held=counts.held,
            occupied=counts.occupied,
            cleaning=counts.cleaning,
            blocked=counts.blocked,
        ),
        facility=message.facility or getattr(payload, "facility", ""),
        bed_type=_name(type_pb2.BedType, message.bed_type),
        name=_text(payload.name) if type_ == "WardApplied" else None,
        referral=_referral_of(payload),
    )


def _alert(type_: str, _: Any, payload: Any) -> _Of:
    state = _ALERT_STATES.get(type_)
    if type_ != "AlertTriggered":
        return OfAlert(state=state)
    return OfAlert(
        state=state,
        facility=payload.facility,
        severity=_name(alert_pb2.Severity, payload.severity),
        title=_text(payload.title),
        is_drill=payload.drill,
        subject=payload.subject,
    )


def _nothing(_: str, __: Any, ___: Any) -> _Of:
    return None


_READERS: Mapping[str, Callable[[str, Any, Any], _Of]] = {
    "referral": _referral,
    "consultation": _consultation,
    "bed": _bed,
    "notification": _alert,
}


def _facility(metadata: Any, message: Any, payload: Any) -> str:
    """Where it happened: where the actor works, else whom the event names. Empty for none."""
    in_payload = getattr(payload, "facility", "") or getattr(getattr(payload, "bed", None), "facility", "")
    found = metadata.actor.facility or in_payload or getattr(message, "facility", "")
    return str(found or getattr(message, "custodian_facility", ""))


def _detail(aggregate: str, payload: Any) -> str:
    if aggregate.startswith("wards/"):
        return aggregate.removeprefix("wards/")
    if payload.DESCRIPTOR.name in ("MilestoneRecorded", "MilestoneCorrected"):
        return _name(episode_pb2.MilestoneKind, payload.milestone.kind)
    if payload.DESCRIPTOR.name == "EpisodeJoined":
        return str(payload.member.partition("/")[0])
    reason = getattr(payload, "reason", "")
    return str(getattr(reason, "code", reason))


def _referral_of(payload: Any) -> str:
    hold = getattr(payload, "hold", None)
    named = getattr(hold, "referral", "") or getattr(payload, "referral", "")
    return str(named or getattr(getattr(payload, "entry", None), "referral", ""))


def _text(pair: Any) -> BilingualText:
    return BilingualText(zh=pair.zh[:_TITLE_MAX], en=pair.en[:_TITLE_MAX])


def _name(enum: Any, number: int) -> str:
    """Without its prefix; empty where nothing is said, or what this version does not know."""
    if number == 0 or number not in enum.values():
        return ""
    return str(enum.Name(number)).removeprefix(enum.Name(0).removesuffix("UNSPECIFIED"))


def _ms(moment: Timestamp) -> int:
    return moment.seconds * 1000 + moment.nanos // 1_000_000
