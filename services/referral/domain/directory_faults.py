"""What is wrong with a directory that somebody applies: every fault at once, each at its field.

A directory is applied whole or not at all: the norms decide by it, and half of one would refuse patients.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from services.referral.domain.directory_commands import ApplyDirectory
from services.referral.domain.directory_entries import GreenChannel, PoolingArea, RecognitionArea
from services.referral.domain.directory_identifiers import identifier_fault, identifies_one
from services.referral.domain.directory_regions import RegionsKnown, area_repetitions, is_region
from services.referral.domain.directory_state import Community, Facility
from services.shared.kernel.refusals import FieldViolation

_MINUTES_MAX = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What the entries of one directory may name."""

    facilities: Mapping[str, Facility]
    communities: Mapping[str, Community]
    pooling_areas: frozenset[str]
    regions: RegionsKnown


def violations(command: ApplyDirectory) -> Iterator[FieldViolation]:
    """Every fault of an applied directory."""
    known = _Known(
        facilities={each.id: each for each in command.facilities},
        communities={each.id: each for each in command.communities},
        pooling_areas=frozenset(each.id for each in command.pooling_areas),
        regions=RegionsKnown.of(command.communities, command.facilities),
    )
    ids = {
        "communities": [each.id for each in command.communities],
        "facilities": [each.id for each in command.facilities],
        "alliances": [each.id for each in command.alliances],
        "pooling_areas": [each.id for each in command.pooling_areas],
        "recognition_areas": [each.id for each in command.recognition_areas],
        "green_channels": [each.id for each in command.green_channels],
    }
    for field, given in ids.items():
        yield from _repeated(field, given)
    for index, community in enumerate(command.communities):
        yield from _community_faults(f"communities[{index}]", community, known)
    yield from _cycles(command.communities, known)
    for index, facility in enumerate(command.facilities):
        yield from _facility_faults(f"facilities[{index}]", facility, known)
    yield from _identifiers_of_two(command.facilities)
    for index, alliance in enumerate(command.alliances):
        yield from _members(f"alliances[{index}].members", alliance.members, known)
        if len(set(alliance.members)) < 2:
            yield _fault(
                f"alliances[{index}].members", "TOO_FEW", f"alliance {alliance.id} links two members at least"
            )
    for index, pool in enumerate(command.pooling_areas):
        yield from _area_faults(f"pooling_areas[{index}]", pool, known)
    for index, area in enumerate(command.recognition_areas):
        yield from _area_faults(f"recognition_areas[{index}]", area, known)
    for path, description in area_repetitions(command.pooling_areas):
        yield _fault(f"pooling_areas{path}", "IN_TWO_AREAS", description)
    for index, channel in enumerate(command.green_channels):
        yield from _channel_faults(f"green_channels[{index}]", channel, known)


def _community_faults(path: str, community: Community, known: _Known) -> Iterator[FieldViolation]:
    if community.id in known.facilities:
        yield _fault(f"{path}.id", "ID_OF_FACILITY", f"{community.id} is the id of a facility too")
    if community.county and not is_region(community.county):
        yield _fault(f"{path}.county", "MALFORMED_REGION", f"county {community.county} is no region code")
    lead = known.facilities.get(community.lead)
    if lead is None:
        yield _fault(f"{path}.lead", "UNKNOWN_LEAD", f"lead {community.lead} is not in the directory")
    elif lead.community and lead.community != community.id:
        description = (
            f"lead {lead.id} would be a member of two communities, {community.id} and {lead.community}"
        )
        yield _fault(f"{path}.lead", "MEMBER_OF_TWO_COMMUNITIES", description)
    elif lead.community != community.id:
        yield _fault(f"{path}.lead", "LEAD_NOT_MEMBER", f"lead {lead.id} is no member of {community.id}")
    if community.parent and community.parent not in known.communities:
        description = f"community {community.parent} is not in the directory"
        yield _fault(f"{path}.parent", "UNKNOWN_COMMUNITY", description)


def _cycles(communities: Iterable[Community], known: _Known) -> Iterator[FieldViolation]:
    """Communities that stand above themselves, by their parents or by leads that others lead."""
    above = {each.id: _above(each, known) for each in known.communities.values()}
    told: set[frozenset[str]] = set()
    for index, community in enumerate(communities):
        for field, first in above[community.id].items():
            way = _way_back(community.id, first, above)
            if way and frozenset(way) not in told:
                told.add(frozenset(way))
                circle = " → ".join([*way, way[0]])
                yield _fault(f"communities[{index}].{field}", "CYCLE", f"communities in a circle: {circle}")


def _above(community: Community, known: _Known) -> dict[str, str]:
    """By field: the community that stands above this one."""
    lead = known.facilities.get(community.lead)
    found = {"parent": community.parent, "lead": "" if lead is None else lead.community}
    return {
        field: each
        for field, each in found.items()
        if each in known.communities and (each != community.id or field == "parent")
    }


def _way_back(start: str, first: str, above: Mapping[str, Mapping[str, str]]) -> tuple[str, ...]:
    """The communities on a way up from `start` that comes back to it; empty when none does."""
    if first == start:
        return (start,)
    ways: list[tuple[str, ...]] = [(start, first)]
    seen = {first}
    while ways:
        way = ways.pop(0)
        for each in above[way[-1]].values():
            if each == start:
                return way
            if each not in seen:
                seen.add(each)
                ways.append((*way, each))
    return ()


def _facility_faults(path: str, facility: Facility, known: _Known) -> Iterator[FieldViolation]:
    if facility.community and facility.community not in known.communities:
        description = f"community {facility.community} is not in the directory"
        yield _fault(f"{path}.community", "UNKNOWN_COMMUNITY", description)
    if facility.region and not is_region(facility.region):
        yield _fault(f"{path}.region", "MALFORMED_REGION", f"region {facility.region} is no region code")
    if len(set(facility.capabilities)) != len(facility.capabilities):
        yield _fault(f"{path}.capabilities", "DUPLICATE", f"{facility.id} names a capability twice")
    yield from _travel_faults(path, facility, known)
    for index, identifier in enumerate(facility.identifiers):
        what = identifier_fault(identifier)
        if what:
            yield _fault(f"{path}.identifiers[{index}].value", "MALFORMED_IDENTIFIER", what)


def _travel_faults(path: str, facility: Facility, known: _Known) -> Iterator[FieldViolation]:
    for other, minutes in facility.travel_minutes.items():
        where = f"{path}.travel_minutes[{other}]"
        if other == facility.id:
            yield _fault(where, "TRAVEL_TO_ITSELF", f"{facility.id} has a travel time to itself")
        elif other not in known.facilities:
            yield _fault(where, "UNKNOWN_FACILITY", f"facility {other} is not in the directory")
        if minutes < 0:
            yield _fault(where, "NEGATIVE", "a travel time is not negative")
        elif minutes > _MINUTES_MAX:
            yield _fault(where, "TOO_LONG", f"a travel time is at most {_MINUTES_MAX} minutes")


def _identifiers_of_two(facilities: Iterable[Facility]) -> Iterator[FieldViolation]:
    owners: dict[tuple[str, str], str] = {}
    for place, facility in enumerate(facilities):
        mine: set[tuple[str, str]] = set()
        for index, identifier in enumerate(facility.identifiers):
            key = (identifier.scheme.value, identifier.value)
            where = f"facilities[{place}].identifiers[{index}].value"
            other = owners.setdefault(key, facility.id) if identifies_one(identifier) else facility.id
            if key in mine:
                yield _fault(where, "DUPLICATE", f"{facility.id} has {identifier.value} twice")
            elif other != facility.id:
                description = f"{identifier.scheme} {identifier.value} is that of {other} too"
                yield _fault(where, "DUPLICATE_IDENTIFIER", description)
            mine.add(key)


def _area_faults(path: str, area: PoolingArea | RecognitionArea, known: _Known) -> Iterator[FieldViolation]:
    if not area.regions and not area.facilities:
        yield _fault(path, "EMPTY_AREA", f"area {area.id} names neither regions nor facilities")
    for index, region in enumerate(area.regions):
        yield from _region_faults(f"{path}.regions[{index}]", region, known)
        if region in area.regions[:index]:
            yield _fault(f"{path}.regions[{index}]", "DUPLICATE", f"region {region} is named twice")
    yield from _members(f"{path}.facilities", area.facilities, known)
    pools = known.pooling_areas - {area.id} if isinstance(area, PoolingArea) else frozenset()
    for index, exemption in enumerate(area.exemptions):
        where = f"{path}.exemptions[{index}]"
        if exemption in area.exemptions[:index]:
            yield _fault(where, "DUPLICATE", f"{exemption} is named twice")
        elif (
            exemption not in known.facilities and exemption not in pools and not known.regions.has(exemption)
        ):
            description = f"{exemption} is no region, facility or other area of the directory"
            yield _fault(where, "UNKNOWN_EXEMPTION", description)


def _region_faults(path: str, region: str, known: _Known) -> Iterator[FieldViolation]:
    if not is_region(region):
        yield _fault(path, "MALFORMED_REGION", f"{region} is no region code")
    elif not known.regions.has(region):
        # It would decide nothing for anybody: a slip of the pen that makes everyone else file.
        yield _fault(path, "UNKNOWN_REGION", f"no facility of the directory lies in region {region}")


def _channel_faults(path: str, channel: GreenChannel, known: _Known) -> Iterator[FieldViolation]:
    if channel.facility not in known.facilities:
        description = f"facility {channel.facility} is not in the directory"
        yield _fault(f"{path}.facility", "UNKNOWN_FACILITY", description)
    if channel.holder == channel.facility:
        description = f"{channel.facility} holds a green channel to itself"
        yield _fault(f"{path}.holder", "HOLDER_IS_FACILITY", description)


def _members(path: str, members: tuple[str, ...], known: _Known) -> Iterator[FieldViolation]:
    for index, member in enumerate(members):
        if member not in known.facilities:
            yield _fault(f"{path}[{index}]", "UNKNOWN_FACILITY", f"facility {member} is not in the directory")
        if member in members[:index]:
            yield _fault(f"{path}[{index}]", "DUPLICATE", f"{member} is named twice")


def _repeated(field: str, ids: list[str]) -> Iterator[FieldViolation]:
    seen: set[str] = set()
    for index, each in enumerate(ids):
        if each in seen:
            yield _fault(f"{field}[{index}].id", "DUPLICATE_ID", f"{each} is given twice")
        seen.add(each)


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)
