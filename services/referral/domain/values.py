"""Clinical values that referrals, consultations, episodes and the directory share.

The names are those of `tierlink.type.v1` and `tierlink.referral.v1`; a value's proto name is its name here
behind the enum's prefix (`URGENCY_EMERGENCY`). Unspecified is None.
"""

from dataclasses import dataclass
from enum import StrEnum


class Urgency(StrEnum):
    """How soon the patient must be seen."""

    EMERGENCY = "EMERGENCY"
    URGENT = "URGENT"
    ROUTINE = "ROUTINE"


class Pathway(StrEnum):
    """The clinical pathway: it decides which centre is capable, and which clocks run."""

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


class BedType(StrEnum):
    """The kind of bed to hold; None where no bed is needed."""

    GENERAL = "GENERAL"
    ICU = "ICU"
    CCU = "CCU"
    STROKE_UNIT = "STROKE_UNIT"
    MATERNITY = "MATERNITY"
    NICU = "NICU"
    ISOLATION = "ISOLATION"
    REHABILITATION = "REHABILITATION"
    DIALYSIS_STATION = "DIALYSIS_STATION"


class FacilityLevel(StrEnum):
    """The tier of a facility, from the village to the province."""

    VILLAGE = "VILLAGE"
    TOWNSHIP = "TOWNSHIP"
    COUNTY = "COUNTY"
    CITY = "CITY"
    PROVINCE = "PROVINCE"


class Direction(StrEnum):
    """Computed from the levels of origin and destination; callers never send it."""

    UP = "UP"
    DOWN = "DOWN"
    LATERAL = "LATERAL"


class Scope(StrEnum):
    """Computed from the communities of origin and destination; callers never send it."""

    WITHIN_COMMUNITY = "WITHIN_COMMUNITY"
    BETWEEN_COMMUNITIES = "BETWEEN_COMMUNITIES"
    OUT_OF_COUNTY = "OUT_OF_COUNTY"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedReason:
    """A reason by code, with the words of the person who gave it."""

    #: upper-case code of the site's catalogue, such as NO_CAPACITY
    code: str
    #: free text, may be empty
    text: str = ""
