"""What beds, holds and counts are made of. Names and fields are those of `tierlink.bed.v1`."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class BedType(StrEnum):
    """Kinds of bed (docs/domain.md, Beds)."""

    GENERAL = "GENERAL"
    ICU = "ICU"
    CCU = "CCU"
    STROKE_UNIT = "STROKE_UNIT"
    MATERNITY = "MATERNITY"
    NICU = "NICU"
    ISOLATION = "ISOLATION"
    REHABILITATION = "REHABILITATION"
    DIALYSIS_STATION = "DIALYSIS_STATION"


class Urgency(StrEnum):
    """How urgent a referral is; in this order they wait."""

    EMERGENCY = "EMERGENCY"
    URGENT = "URGENT"
    ROUTINE = "ROUTINE"


class Pathway(StrEnum):
    """What a referral is about."""

    GENERAL = "GENERAL"
    STROKE = "STROKE"
    CHEST_PAIN = "CHEST_PAIN"
    TRAUMA = "TRAUMA"
    MATERNAL = "MATERNAL"
    NEONATAL = "NEONATAL"
    CRITICAL_CARE = "CRITICAL_CARE"
    HEMODIALYSIS = "HEMODIALYSIS"
    REHABILITATION = "REHABILITATION"
    DAY_SURGERY = "DAY_SURGERY"


class BedState(StrEnum):
    """Where a bed stands; `transitions.py` says what may follow what."""

    #: may be held, occupied or blocked
    FREE = "FREE"
    #: leased to one referral
    HELD = "HELD"
    #: a patient lies in it
    OCCUPIED = "OCCUPIED"
    #: the patient left; to be made ready
    CLEANING = "CLEANING"
    #: out of use, with a reason
    BLOCKED = "BLOCKED"


#: states in which somebody was promised the bed or lies in it: such a bed is never removed
IN_USE = frozenset({BedState.HELD, BedState.OCCUPIED})


class UnavailableReason(StrEnum):
    """Why a referral got no bed."""

    #: beds that could take the patient exist, and none of them is free
    NO_FREE_BED = "NO_FREE_BED"
    #: no bed could take the patient even if all were free
    NO_SUITABLE_WARD = "NO_SUITABLE_WARD"
    #: the patient lies in another facility's bed for the same referral
    IN_BED_ELSEWHERE = "IN_BED_ELSEWHERE"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedReason:
    """A reason by the site's code, with the words of the person who gave it."""

    code: str
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BedConstraints:
    """Whom a bed may take. What is not known of a patient satisfies no constraint."""

    #: M, F, or empty for either
    sex: str = ""
    #: inclusive
    min_age_years: int | None = None
    #: inclusive
    max_age_years: int | None = None
    #: fit for isolation
    isolation: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """A lease on a bed for one referral. 床位预留"""

    #: `holds/{uuid}`
    name: str
    referral: str
    #: pseudonym
    patient: str
    ward: str
    bed: str
    facility: str
    #: grows with each hold of the ward
    fencing_token: int
    #: when the platform gave the bed; nobody had it before
    held_at: datetime
    expires_at: datetime
    #: the patient is on the road: the hold does not lapse, its deadline alerts the bed desk
    patient_in_transit: bool = False
    #: when its deadline alerted the bed desk
    overdue_since: datetime | None = None
    #: the patient is at the facility and waits for the bed: it does not lapse either
    patient_arrived: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingEntry:
    """A referral that waits for a bed at a facility. 候床"""

    referral: str
    #: pseudonym
    patient: str
    facility: str
    bed_type: BedType
    urgency: Urgency
    #: by the platform's clock: nobody comes earlier by saying so
    asked_at: datetime
    #: M, F, or empty when it is not known
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False
    #: until when the referral would have the bed held
    hold_until: datetime | None = None
    patient_in_transit: bool = False
    patient_arrived: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Bed:
    """One bed of a ward."""

    id: str
    state: BedState = BedState.FREE
    constraints: BedConstraints = BedConstraints()
    #: set when it is held, or occupied for a referral
    hold: Hold | None = None
    block_reason: CodedReason | None = None
    blocked_until: datetime | None = None
    #: pseudonym of the patient it is held for or who lies in it
    patient: str = ""
    #: the hospital system's id of the stay; empty when it gave none
    encounter: str = ""
    #: the block ends by itself at `blocked_until`
    unblock_at_end: bool = False
    #: when the block was found to last longer than it should
    block_overdue_since: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class WardCounts:
    """Absolute counts: free + held + occupied + cleaning + blocked = beds."""

    beds: int = 0
    free: int = 0
    held: int = 0
    occupied: int = 0
    cleaning: int = 0
    blocked: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Availability:
    """Counts of one bed type at one facility."""

    facility: str
    bed_type: BedType
    counts: WardCounts
    #: the least recent confirmation among its wards; None when one was never confirmed
    confirmed_at: datetime | None
    #: never confirmed, or longer ago than the site's limit
    stale: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class BedEnvelope:
    """What every BedEvent carries beside its payload, by the message's field names.

    `counts`, `bed_type` and `confirmed_at` are None for a bed desk, which has no beds: a reader that adds up
    counts leaves such an event out.
    """

    counts: WardCounts | None
    facility: str
    bed_type: BedType | None
    confirmed_at: datetime | None
    #: the ward's version when it last left another type, by that type's name
    left_types: dict[str, int] = field(default_factory=dict)


#: Kind of the claim to a bed that is promised, held or waited for: a referral that has ended has none.
PROMISE = "referral-promise"


class Claim(NamedTuple):
    """Something that at most one may have, platform-wide: (kind, key) is unique in the store's table.

    A tuple, because a full ward makes a hundred of them at every command.
    """

    #: `bed`, `referral-bed`, `referral-promise` or `encounter`
    kind: str
    #: `{ward}/{bed}`, the referral's name, or `{facility}/{encounter}`
    key: str
    #: the hold's name, the patient's pseudonym where there is no referral, the desk where a referral waits,
    #: the ward where an encounter lies
    holder: str
