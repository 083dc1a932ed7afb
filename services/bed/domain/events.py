"""What happened to a ward's beds. Names and fields are those of `bed_events.proto`."""

from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from services.bed.domain.values import Bed, BedType, CodedReason, Hold, WardCounts
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class WardApplied:
    """The ward's description. Of `changed_beds` only the constraints are new: every bed keeps its state."""

    facility: str
    bed_type: BedType
    name: BilingualText
    added_beds: tuple[Bed, ...] = ()
    removed_beds: tuple[str, ...] = ()
    changed_beds: tuple[Bed, ...] = ()
    reserved_for_referrals: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BedHeld:
    """FREE → HELD."""

    hold: Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class BedUnavailable:
    """No bed for a referral."""

    referral: str
    #: pseudonym
    patient: str
    facility: str
    bed_type: BedType
    #: an UnavailableReason
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BedHoldExtended:
    """The hold ends at another moment; its deadline counts anew."""

    hold: Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class BedHoldInTransit:
    """The patient is on the road: from now on the hold does not lapse."""

    hold: Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class BedHoldOverdue:
    """The hold of a patient on the road passed its end; the bed desk decides."""

    hold: Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class BedHoldLapsed:
    """HELD → FREE, because nobody came in time."""

    hold: Hold


@dataclass(frozen=True, kw_only=True, slots=True)
class BedReleased:
    """HELD → FREE, because somebody said so."""

    hold: Hold
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class BedOccupied:
    """HELD → OCCUPIED with a hold, FREE → OCCUPIED without one."""

    bed: str
    hold: Hold | None = None
    #: pseudonym
    patient: str = ""
    #: the hospital system's id of the stay
    encounter: str = ""
    #: why a patient without a referral took a bed that is reserved for referrals
    emergency_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class BedVacated:
    """OCCUPIED → CLEANING."""

    bed: str
    #: pseudonym
    patient: str = ""
    #: empty for a patient without one
    referral: str = ""
    encounter: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BedMarkedReady:
    """CLEANING → FREE."""

    bed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BedTransferred:
    """OCCUPIED → CLEANING of one bed and FREE → OCCUPIED of another, in one step."""

    from_bed: str
    to_bed: str
    #: as it is on the new bed; None for a patient without a referral
    hold: Hold | None = None
    #: pseudonym
    patient: str = ""
    encounter: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BedTransferredOut:
    """OCCUPIED → CLEANING, because the patient went to another ward; that ward has BedTransferredIn."""

    bed: str
    to_ward: str
    to_bed: str
    #: empty for a patient without one
    referral: str = ""
    #: pseudonym
    patient: str = ""
    encounter: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BedTransferredIn:
    """FREE → OCCUPIED, because the patient came from another ward."""

    bed: str
    from_ward: str
    from_bed: str
    #: as it is on the new bed, with a token of this ward; None for a patient without a referral
    hold: Hold | None = None
    #: pseudonym
    patient: str = ""
    encounter: str = ""
    emergency_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class EncounterLinked:
    """The hospital system knows the stay of a patient who lies in the bed already."""

    bed: str
    #: pseudonym
    patient: str
    encounter: str


@dataclass(frozen=True, kw_only=True, slots=True)
class BedBlocked:
    """FREE → BLOCKED."""

    bed: str
    reason: CodedReason
    #: when it should be in use again
    blocked_until: datetime | None = None
    #: it ends by itself then; else the bed desk is told that it did not
    unblock_at_end: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BedBlockOverdue:
    """The bed is still blocked when it should be in use again."""

    bed: str
    reason: CodedReason
    blocked_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class BedUnblocked:
    """BLOCKED → FREE."""

    bed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CountsConfirmed:
    """The ward counted. Only where it found what is shown are the counts confirmed by it."""

    ward_counts: WardCounts
    differs: bool = False


Event = (
    WardApplied
    | BedHeld
    | BedUnavailable
    | BedHoldExtended
    | BedHoldInTransit
    | BedHoldOverdue
    | BedHoldLapsed
    | BedReleased
    | BedOccupied
    | BedVacated
    | BedMarkedReady
    | BedTransferred
    | BedTransferredOut
    | BedTransferredIn
    | EncounterLinked
    | BedBlocked
    | BedBlockOverdue
    | BedUnblocked
    | CountsConfirmed
)
EVENTS: tuple[type[Event], ...] = get_args(Event)
