"""The directory of facilities and medical communities, by which the norms decide."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from services.referral.domain.directory_entries import (
    Alliance,
    FacilityIdentifier,
    GreenChannel,
    PoolingArea,
    RecognitionArea,
    holding,
    region_holds,
)
from services.referral.domain.values import Direction, FacilityLevel, Scope
from services.shared.kernel.text import BilingualText

DIRECTORY_NAME = "directory/main"

_RANK = {level: rank for rank, level in enumerate(FacilityLevel)}


def level_rank(level: FacilityLevel) -> int:
    """0 for a village, 4 for a province."""
    return _RANK[level]


@dataclass(frozen=True, kw_only=True, slots=True)
class Community:
    """A medical community 医共体: one lead facility and its members."""

    id: str
    name: BilingualText
    #: six-digit code of the county (GB/T 2260)
    county: str = ""
    #: facility id
    lead: str
    #: community of a higher tier that it belongs to, such as an urban medical group 城市医疗集团
    parent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facility:
    """A facility 医疗机构."""

    id: str
    name: BilingualText
    level: FacilityLevel
    #: community id; empty when it belongs to none
    community: str = ""
    #: six-digit code of the region (GB/T 2260)
    region: str = ""
    #: centres and departments, such as STROKE
    capabilities: tuple[str, ...] = ()
    #: by road to other facilities, as applied
    travel_minutes: dict[str, int] = field(default_factory=dict)
    #: what registers know it by
    identifiers: tuple[FacilityIdentifier, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """The facilities and communities in force, by id, with what follows from them for quick look-ups."""

    name: str = DIRECTORY_NAME
    version: int = 0
    communities: dict[str, Community] = field(default_factory=dict)
    facilities: dict[str, Facility] = field(default_factory=dict)
    update_time: datetime | None = None
    #: minutes by road from each facility: both ways, unless the other way was given
    roads: dict[str, dict[str, int]] = field(default_factory=dict)
    alliances: dict[str, Alliance] = field(default_factory=dict)
    pooling_areas: dict[str, PoolingArea] = field(default_factory=dict)
    recognition_areas: dict[str, RecognitionArea] = field(default_factory=dict)
    green_channels: dict[str, GreenChannel] = field(default_factory=dict)

    def facility(self, facility_id: str) -> Facility | None:
        return self.facilities.get(facility_id)

    def community_of(self, facility: Facility) -> Community | None:
        return self.communities.get(facility.community)

    def lead_of(self, facility: Facility) -> str:
        """The lead facility of its community; the facility itself when it belongs to none."""
        community = self.communities.get(facility.community)
        return facility.id if community is None else community.lead

    def leads_above(self, facility: Facility) -> tuple[str, ...]:
        """The lead of its community, then of the groups that the community belongs to, from the nearest."""
        leads: list[str] = []
        passed: set[str] = set()
        community = self.communities.get(facility.community)
        while community is not None and community.id not in passed:
            passed.add(community.id)
            leads.append(community.lead)
            community = self.communities.get(community.parent)
        return tuple(leads)

    def alliance_between(self, left: str, right: str, specialties: Collection[str]) -> Alliance | None:
        """The alliance, in one of some specialties, that has both facilities as members."""
        for alliance in self.alliances.values():
            if alliance.specialty in specialties and left in alliance.members and right in alliance.members:
                return alliance
        return None

    def pooling_area_of(self, facility: Facility) -> PoolingArea | None:
        """The insurance pooling area it belongs to: by its own id, else by the closest region."""
        found: tuple[int, PoolingArea] | None = None
        for area in self.pooling_areas.values():
            if facility.id in area.facilities:
                return area
            digits = holding(area.regions, facility.region)
            if digits and (found is None or digits > found[0]):
                found = (digits, area)
        return None if found is None else found[1]

    def filing_exemption(self, area: PoolingArea, destination: Facility) -> str:
        """The exemption by which patients of an area go there without a filing; empty when there is none."""
        there = self.pooling_area_of(destination)
        for each in area.exemptions:
            if each == destination.id or (there is not None and each == there.id):
                return each
            if region_holds(each, destination.region):
                return each
        return ""

    def recognition_areas_of(self, facility: Facility) -> tuple[str, ...]:
        """Ids of the recognition areas that it takes part in."""
        return tuple(
            [
                area.id
                for area in self.recognition_areas.values()
                if (facility.id in area.facilities or holding(area.regions, facility.region))
                and facility.id not in area.exemptions
                and not any(region_holds(each, facility.region) for each in area.exemptions)
            ]
        )

    def same_community(self, left: str, right: str) -> bool:
        """Whether two facilities, by id, are one or members of one community."""
        if left == right:
            return True
        one, other = self.facilities.get(left), self.facilities.get(right)
        return one is not None and other is not None and one.community == other.community != ""

    def members(self, community: str) -> tuple[str, ...]:
        """Facilities of a community, by id."""
        return tuple([each.id for each in self.facilities.values() if each.community == community])

    def county_of(self, facility: Facility) -> str:
        """The county of its community, else its own region; empty when neither is known."""
        community = self.communities.get(facility.community)
        return (community.county if community is not None else "") or facility.region

    def direction(self, origin: Facility, destination: Facility) -> Direction:
        """UP, DOWN or LATERAL, by the levels."""
        step = _RANK[destination.level] - _RANK[origin.level]
        if step > 0:
            return Direction.UP
        return Direction.DOWN if step < 0 else Direction.LATERAL

    def scope(self, origin: Facility, destination: Facility) -> Scope:
        """By the communities; a county that is not known on either side counts as another one."""
        if self.same_community(origin.id, destination.id):
            return Scope.WITHIN_COMMUNITY
        county = self.county_of(origin)
        if county and county == self.county_of(destination):
            return Scope.BETWEEN_COMMUNITIES
        return Scope.OUT_OF_COUNTY

    def travel_minutes(self, origin: str, destination: str) -> int | None:
        """Minutes by road; None when unknown."""
        return self.roads.get(origin, _NO_ROADS).get(destination)

    def reachable(self, origin: str) -> Iterator[tuple[Facility, int]]:
        """Facilities with a known travel time from `origin`, in no particular order, with the minutes."""
        for facility_id, minutes in self.roads.get(origin, _NO_ROADS).items():
            facility = self.facilities.get(facility_id)
            if facility is not None:
                yield facility, minutes


_NO_ROADS: dict[str, int] = {}

EMPTY_DIRECTORY = Directory()


def roads_of(facilities: dict[str, Facility]) -> dict[str, dict[str, int]]:
    """Travel times both ways: the way back takes as long as the way there unless it was given."""
    roads: dict[str, dict[str, int]] = {}
    for facility in facilities.values():
        for other, minutes in facility.travel_minutes.items():
            roads.setdefault(facility.id, {})[other] = minutes
            back = facilities.get(other)
            if back is not None and facility.id not in back.travel_minutes:
                roads.setdefault(other, {})[facility.id] = minutes
    return {origin: dict(sorted(ways.items())) for origin, ways in sorted(roads.items())}
