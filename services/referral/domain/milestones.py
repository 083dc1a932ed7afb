"""Milestones of an episode: what happened, where, when, and who said so."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.shared.kernel.actor import Actor


class MilestoneKind(StrEnum):
    """What happened."""

    ONSET = "ONSET"
    LAST_KNOWN_WELL = "LAST_KNOWN_WELL"
    FIRST_MEDICAL_CONTACT = "FIRST_MEDICAL_CONTACT"
    ECG_DONE = "ECG_DONE"
    ECG_SENT = "ECG_SENT"
    ECG_READ = "ECG_READ"
    TROPONIN = "TROPONIN"
    CT_DONE = "CT_DONE"
    CT_READ = "CT_READ"
    #: start of the bolus: the needle
    THROMBOLYSIS = "THROMBOLYSIS"
    CATH_LAB_READY = "CATH_LAB_READY"
    PUNCTURE = "PUNCTURE"
    #: the guide wire passes the lesion: the balloon of door-to-balloon
    WIRE_CROSSING = "WIRE_CROSSING"
    DOOR_IN = "DOOR_IN"
    DOOR_OUT = "DOOR_OUT"
    HANDOVER = "HANDOVER"
    #: the stroke team has assessed the patient: the NIHSS is known
    STROKE_ASSESSED = "STROKE_ASSESSED"
    #: results of the emergency laboratory are reported
    LAB_REPORTED = "LAB_REPORTED"
    #: blood for troponin is drawn; TROPONIN is its result
    TROPONIN_SAMPLED = "TROPONIN_SAMPLED"
    #: the cath-lab team is called; CATH_LAB_READY is when it is there
    CATH_LAB_ACTIVATED = "CATH_LAB_ACTIVATED"


class ArrivalMode(StrEnum):
    """How a patient came to a door, as the chest pain centre standard tells patients apart."""

    #: sent on by another facility
    TRANSFER = "TRANSFER"
    #: fetched by an emergency ambulance, from where he fell ill
    AMBULANCE = "AMBULANCE"
    #: on his own
    WALK_IN = "WALK_IN"


class FirstStation(StrEnum):
    """Where a patient was taken from the door."""

    EMERGENCY_ROOM = "EMERGENCY_ROOM"
    CCU = "CCU"
    CT_ROOM = "CT_ROOM"
    CATH_LAB = "CATH_LAB"
    OTHER = "OTHER"


#: what comes first of things that are recorded for the same moment
_USUAL_ORDER = (
    MilestoneKind.LAST_KNOWN_WELL,
    MilestoneKind.ONSET,
    MilestoneKind.FIRST_MEDICAL_CONTACT,
    MilestoneKind.DOOR_IN,
    MilestoneKind.STROKE_ASSESSED,
    MilestoneKind.ECG_DONE,
    MilestoneKind.ECG_SENT,
    MilestoneKind.ECG_READ,
    MilestoneKind.TROPONIN_SAMPLED,
    MilestoneKind.TROPONIN,
    MilestoneKind.CT_DONE,
    MilestoneKind.CT_READ,
    MilestoneKind.LAB_REPORTED,
    MilestoneKind.THROMBOLYSIS,
    MilestoneKind.CATH_LAB_ACTIVATED,
    MilestoneKind.CATH_LAB_READY,
    MilestoneKind.PUNCTURE,
    MilestoneKind.WIRE_CROSSING,
    MilestoneKind.HANDOVER,
    MilestoneKind.DOOR_OUT,
)
_RANK: dict[MilestoneKind, int] = {kind: rank for rank, kind in enumerate(_USUAL_ORDER)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Milestone:
    """One thing that happened. A reading (ECG_READ, CT_READ) belongs to the facility whose patient it is,
    wherever the reader sits."""

    #: `milestones/{uuid}`
    name: str
    kind: MilestoneKind
    #: facility at which it happened: a door is a door of some facility
    facility: str
    #: as stated, by the device's clock where a device said it
    occurred_at: datetime
    recorded_by: Actor
    recorded_at: datetime
    #: device's clock less true time, when known
    device_clock_offset_ms: int | None = None
    #: a correction superseded an earlier entry
    corrected: bool = False
    #: of DOOR_IN; None where nobody said so
    arrived_by: ArrivalMode | None = None
    #: of DOOR_IN; None where nobody said so
    taken_to: FirstStation | None = None

    def true_time(self) -> datetime:
        """`occurred_at` freed of the device's known clock offset: what orders and clocks go by."""
        return true_time(self.occurred_at, self.device_clock_offset_ms)


def true_time(stated: datetime, device_clock_offset_ms: int | None) -> datetime:
    """A device's time less its clock's known offset; the time itself when no offset is known."""
    return stated - timedelta(milliseconds=device_clock_offset_ms or 0)


def in_clinical_order(milestones: Iterable[Milestone]) -> tuple[Milestone, ...]:
    """By true time; things of one moment in their usual order."""
    return tuple(
        sorted(
            milestones,
            key=lambda milestone: (milestone.true_time(), _RANK[milestone.kind], milestone.name),
        )
    )


def first_of(milestones: Iterable[Milestone], *kinds: MilestoneKind) -> Milestone | None:
    """The earliest of `kinds`; None when there is none."""
    return next(iter(in_clinical_order(m for m in milestones if m.kind in kinds)), None)
