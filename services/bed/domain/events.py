"""What happened to a ward's beds. Names and fields are those of `bed_events.proto`."""

from dataclasses import dataclass
from datetime import datetime

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


@dataclass(frozen=True, kw_only=True, slots=True)
class BedVacated:
    """OCCUPIED → CLEANING."""

    bed: str
    #: pseudonym
    patient: str = ""
    #: empty for a patient without one
    referral: str = ""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class BedBlocked:
    """FREE → BLOCKED."""

    bed: str
    reason: CodedReason
    #: when it should be in use again; nothing happens by itself then
    blocked_until: datetime | None = None


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
    | BedBlocked
    | BedUnblocked
    | CountsConfirmed
)

EVENTS: tuple[type[Event], ...] = (
    WardApplied,
    BedHeld,
    BedUnavailable,
    BedHoldExtended,
    BedHoldInTransit,
    BedHoldOverdue,
    BedHoldLapsed,
    BedReleased,
    BedOccupied,
    BedVacated,
    BedMarkedReady,
    BedTransferred,
    BedBlocked,
    BedUnblocked,
    CountsConfirmed,
)
