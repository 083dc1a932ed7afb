"""What may be asked of a ward. Names and fields are those of the requests in `bed_service.proto`.

The last five are the system's own: nobody can send them. Four of these follow a referral by its name, and
where the ward has no bed for it (any more) they do nothing, because what they react to has happened and
cannot be refused.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from services.bed.domain.patient_commands import AdmitPatient, DischargePatient, TransferPatient
from services.bed.domain.values import BedConstraints, BedType, CodedReason, Urgency, WardCounts
from services.shared.kernel.text import BilingualText

__all__ = [
    "COMMANDS",
    "REACTIONS",
    "REQUESTS",
    "AdjustHold",
    "AdmitPatient",
    "ApplyWard",
    "ApplyWards",
    "BedSpecification",
    "BlockBed",
    "Command",
    "ConfirmCounts",
    "DischargePatient",
    "ExtendHold",
    "GiveUpHold",
    "HoldBed",
    "MarkBedReady",
    "MarkInTransit",
    "MeetDeadline",
    "OccupyBed",
    "OccupyOnArrival",
    "Reaction",
    "ReleaseHold",
    "Request",
    "TransferBed",
    "TransferPatient",
    "UnblockBed",
    "VacateBed",
    "WardSpecification",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class BedSpecification:
    id: str
    constraints: BedConstraints | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WardSpecification:
    """A ward as its facility describes it."""

    id: str
    bed_type: BedType
    #: the id stands in for it when it is left out
    name: BilingualText | None = None
    #: beds by id
    beds: tuple[BedSpecification, ...] = ()
    #: or a number of beds, which are then called `{ward}-01`, `{ward}-02`…
    bed_count: int = 0
    #: free beds that patients without a referral may not take, emergencies excepted
    reserved_for_referrals: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyWards:
    """The request as it is sent; `description.split` makes one ApplyWard of each ward."""

    #: the caller's when left out
    facility: str = ""
    wards: tuple[WardSpecification, ...] = ()
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyWard:
    """Makes one ward what its description says."""

    facility: str
    ward: WardSpecification


@dataclass(frozen=True, kw_only=True, slots=True)
class HoldBed:
    """Holds the best fitting free bed for one referral; does nothing for one that has a bed here."""

    facility: str
    referral: str
    #: pseudonym
    patient: str
    bed_type: BedType
    expires_at: datetime
    #: M, F, or empty when it is not known
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False
    #: True where nobody waits for the answer: that there is no bed is then an event, and the referral waits
    record_refusal: bool = False
    #: how it waits where there is no bed
    urgency: Urgency = Urgency.ROUTINE
    #: when the referral asked, where that is not now
    asked_at: datetime | None = None
    patient_in_transit: bool = False
    patient_arrived: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ExtendHold:
    """Moves the end of a hold, in either direction."""

    hold: str
    fencing_token: int
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseHold:
    hold: str
    fencing_token: int
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class OccupyBed:
    """Of a hold by `hold` and `fencing_token`; of a patient without one by `bed` and `patient`."""

    ward: str
    hold: str = ""
    fencing_token: int = 0
    bed: str = ""
    #: pseudonym
    patient: str = ""
    #: why a patient without a referral takes a bed that is reserved for referrals
    emergency_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VacateBed:
    ward: str
    bed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkBedReady:
    ward: str
    bed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TransferBed:
    ward: str
    from_bed: str
    to_bed: str
    #: the ward of `to_bed`; the same one when left out
    to_ward: str = ""
    #: why a patient without a referral takes another ward's bed that is reserved for referrals
    emergency_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BlockBed:
    ward: str
    bed: str
    reason: CodedReason
    #: when it should be in use again
    blocked_until: datetime | None = None
    #: it ends by itself then; else the bed desk is told that it did not
    unblock_at_end: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class UnblockBed:
    ward: str
    bed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmCounts:
    """The ward counted its beds."""

    ward: str
    counts: WardCounts


@dataclass(frozen=True, kw_only=True, slots=True)
class AdjustHold:
    """Follows a referral's new time of arrival."""

    referral: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MarkInTransit:
    """Follows the patient's departure: the hold does not lapse any more."""

    referral: str
    #: new end of the hold; as before when left out
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OccupyOnArrival:
    """Follows the patient's arrival: the hold becomes an occupancy."""

    referral: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveUpHold:
    """Follows the end or the diversion of a referral. A patient who already lies in the bed stays in it."""

    referral: str
    reason: CodedReason
    #: only what this facility gave, where that is said
    facility: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MeetDeadline:
    """A deadline is due."""

    key: str


#: given by people and hospital systems through the API
Request = (
    ApplyWard
    | HoldBed
    | ExtendHold
    | ReleaseHold
    | OccupyBed
    | VacateBed
    | MarkBedReady
    | TransferBed
    | BlockBed
    | UnblockBed
    | ConfirmCounts
    | AdmitPatient
    | TransferPatient
    | DischargePatient
)
#: given by the system alone
Reaction = AdjustHold | MarkInTransit | OccupyOnArrival | GiveUpHold | MeetDeadline
Command = Request | Reaction

REQUESTS: tuple[type[Request], ...] = get_args(Request)
REACTIONS: tuple[type[Reaction], ...] = get_args(Reaction)
COMMANDS: tuple[type[Command], ...] = (*REQUESTS, *REACTIONS)
