"""Where a patient finds a bed: within a drive, at a place that treats them, in a bed that may take them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from services.bed.domain.availability import availability
from services.bed.domain.fitting import Needs, misfit
from services.bed.domain.state import Ward
from services.bed.domain.values import Availability, BedState, BedType, Pathway
from services.shared.kernel.text import BilingualText

#: The bed that a pathway's patient is looked for first (product default, confidence C); others by `bed_type`.
BED_OF_PATHWAY: Mapping[Pathway, BedType] = {
    Pathway.GENERAL: BedType.GENERAL,
    Pathway.STROKE: BedType.STROKE_UNIT,
    Pathway.CHEST_PAIN: BedType.CCU,
    Pathway.TRAUMA: BedType.ICU,
    Pathway.MATERNAL: BedType.MATERNITY,
    Pathway.NEONATAL: BedType.NICU,
    Pathway.CRITICAL_CARE: BedType.ICU,
    Pathway.HEMODIALYSIS: BedType.DIALYSIS_STATION,
    Pathway.REHABILITATION: BedType.REHABILITATION,
    Pathway.DAY_SURGERY: BedType.GENERAL,
}
#: The centre or department that a pathway needs, by the directory's names.
CAPABILITY_OF_PATHWAY: Mapping[Pathway, str] = {
    Pathway.STROKE: "STROKE",
    Pathway.CHEST_PAIN: "CHEST_PAIN",
    Pathway.TRAUMA: "TRAUMA",
    Pathway.MATERNAL: "CRITICAL_MATERNAL",
    Pathway.NEONATAL: "CRITICAL_NEONATAL",
    Pathway.CRITICAL_CARE: "CRITICAL_CARE",
    Pathway.HEMODIALYSIS: "HEMODIALYSIS",
    Pathway.REHABILITATION: "REHABILITATION",
    Pathway.DAY_SURGERY: "DAY_SURGERY",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Facility:
    """What the bed service knows of a facility: a copy of what topic `tierlink.directory.v1` says."""

    id: str
    name: BilingualText
    capabilities: tuple[str, ...] = ()
    #: minutes by road to other facilities
    travel_minutes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class BedSearch:
    """Who needs a bed, and how far they may go."""

    #: where the patient is
    origin: str = ""
    pathway: Pathway | None = None
    #: that of the pathway when left out
    bed_type: BedType | None = None
    #: None for any distance
    travel_minutes_max: int | None = None
    #: M, F, or empty when it is not known
    sex: str = ""
    age_years: int | None = None
    isolation_needed: bool = False

    @property
    def wanted_type(self) -> BedType:
        if self.bed_type is not None:
            return self.bed_type
        return BedType.GENERAL if self.pathway is None else BED_OF_PATHWAY[self.pathway]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reachable:
    """A facility that may be asked, and how far it is."""

    facility: Facility
    minutes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundBeds:
    """Beds at one facility that would take the patient now."""

    facility: str
    name: BilingualText
    travel_minutes: int
    #: free beds that may take this patient
    fitting_count: int
    #: all beds of that type there
    availability: Availability


def reachable(facilities: Mapping[str, Facility], search: BedSearch) -> tuple[Reachable, ...]:
    """The facilities to ask, the nearest first: with the pathway's capability, within the drive.

    Where the patient is counts as no drive. A facility without a known road is not reachable.
    """
    capability = "" if search.pathway is None else CAPABILITY_OF_PATHWAY.get(search.pathway, "")
    found = []
    for facility in facilities.values():
        if capability and capability not in facility.capabilities:
            continue
        minutes = _minutes(facilities, search.origin, facility)
        limit = search.travel_minutes_max
        if minutes is not None and (limit is None or minutes <= limit):
            found.append(Reachable(facility=facility, minutes=minutes))
    found.sort(key=lambda each: (each.minutes, each.facility.id))
    return tuple(found)


def _minutes(facilities: Mapping[str, Facility], origin: str, destination: Facility) -> int | None:
    """Travel times go both ways unless the other way is given."""
    if origin == destination.id:
        return 0
    known = facilities.get(origin)
    there = None if known is None else known.travel_minutes.get(destination.id)
    return there if there is not None else destination.travel_minutes.get(origin)


def found_beds(
    places: Iterable[Reachable],
    wards: Mapping[str, Iterable[Ward]],
    search: BedSearch,
    *,
    now: datetime,
    stale_after_s: float,
) -> tuple[FoundBeds, ...]:
    """Where there is a bed for this patient; the nearest first, then where more are free.

    `wards` are those of the wanted type by facility. What is free for others only is not counted.
    """
    needs = Needs(
        facility="",
        bed_type=search.wanted_type,
        sex=search.sex,
        age_years=search.age_years,
        isolation_needed=search.isolation_needed,
    )
    found = []
    for place in places:
        here = tuple(wards.get(place.facility.id, ()))
        fitting = sum(
            bed.state is BedState.FREE and misfit(bed.constraints, ward.bed_type, needs) is not None
            for ward in here
            for bed in ward.beds
        )
        if fitting:
            found.append(
                FoundBeds(
                    facility=place.facility.id,
                    name=place.facility.name,
                    travel_minutes=place.minutes,
                    fitting_count=fitting,
                    availability=availability(here, now, stale_after_s)[0],
                )
            )
    return tuple(sorted(found, key=lambda each: (each.travel_minutes, -each.fitting_count, each.facility)))
