"""What a directory file says of itself that cannot be: each fault at its place, before anybody is asked.

The service refuses the same (and has the last word); this names the line. Values that are of a wrong type are
left out here: they were named when the file was read.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from services.shared.located.nodes import Node

_REGION_DIGITS = (6, 9, 12)
_IDENTIFIER_LENGTHS = {"WS218": 10, "LICENCE": 22, "CREDIT_CODE": 18}
_MINUTES_MAX = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """A value, and the file that it is in."""

    path: Path
    node: Node

    def text(self, key: str) -> str:
        """The text of a key; empty without one."""
        node = self.node.get(key)
        return node.value if node is not None and isinstance(node.value, str) else ""

    def at(self, *keys: str) -> "Placed":
        """The value of a key, or of the closest that is there."""
        node = self.node
        for key in keys:
            node = node.get(key) or node
        return Placed(path=self.path, node=node)

    def items(self, key: str) -> "list[Placed]":
        """The elements of a list."""
        node = self.node.get(key)
        return [] if node is None else [Placed(path=self.path, node=each) for each in node.items]


Faulty = tuple[Placed, str]
Lists = Mapping[str, Sequence[Placed]]


def reference_faults(lists: Lists) -> Iterator[Faulty]:
    """Everything that is given twice, names what is not there, or goes in a circle."""
    return _Checks(lists).faults()


class _Checks:
    """The checks of one directory, with what its entries may name."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._facilities = _by_id(lists["facilities"])
        self._communities = _by_id(lists["communities"])
        self._pools = _by_id(lists["pooling_areas"])
        self._regions = {each.text("region") for each in lists["facilities"]} | {
            each.text("county") for each in lists["communities"]
        }

    def faults(self) -> Iterator[Faulty]:
        lists = self._lists
        return chain(
            *(self._repeated(key) for key in lists),
            *(self._community(each) for each in lists["communities"]),
            self._circles(),
            *(self._facility(each) for each in lists["facilities"]),
            self._identifiers(),
            *(self._members(each, "members") for each in lists["alliances"]),
            *(self._few(each) for each in lists["alliances"]),
            *(self._area(each, self._pools) for each in lists["pooling_areas"]),
            *(self._area(each, {}) for each in lists["recognition_areas"]),
            self._claimed_twice(),
            *(self._channel(each) for each in lists["green_channels"]),
        )

    def _repeated(self, key: str) -> Iterator[Faulty]:
        first: dict[str, Placed] = {}
        for each in self._lists[key]:
            name = each.text("id")
            known = first.setdefault(name, each) if name else each
            if known is not each:
                where = f"line {known.node.line}" + (f" of {known.path}" if known.path != each.path else "")
                yield each.at("id"), f"{name} is given twice, first at {where}"
                communities = (known.text("community"), each.text("community"))
                if key == "facilities" and all(communities) and communities[0] != communities[1]:
                    text = f"{name} would be a member of two communities, {' and '.join(communities)}"
                    yield each.at("community"), text

    def _community(self, each: Placed) -> Iterator[Faulty]:
        name, lead_id = each.text("id"), each.text("lead")
        if name in self._facilities:
            yield each.at("id"), f"{name} is the id of a facility too"
        lead = self._facilities.get(lead_id)
        if lead_id and lead is None:
            yield each.at("lead"), f"lead {lead_id} is not in the directory"
        elif lead is not None and not lead.text("community"):
            yield each.at("lead"), f"lead {lead_id} is no member of {name}"
        elif lead is not None and lead.text("community") != name:
            text = f"lead {lead_id} would be a member of two communities, {name} and {lead.text('community')}"
            yield each.at("lead"), text
        yield from self._known(each, "parent", self._communities, "community")
        yield from _region(each, "county")

    def _circles(self) -> Iterator[Faulty]:
        told: set[frozenset[str]] = set()
        for name, each in self._communities.items():
            for field in ("parent", "lead"):
                way = self._way_back(name, self._above(each, field))
                if way and frozenset(way) not in told:
                    told.add(frozenset(way))
                    yield each.at(field), f"communities in a circle: {' → '.join([*way, way[0]])}"

    def _above(self, community: Placed, field: str) -> str:
        """The community that stands above this one; empty when none does."""
        if field == "parent":
            found = community.text("parent")
            return found if found in self._communities else ""
        lead = self._facilities.get(community.text("lead"))
        found = "" if lead is None else lead.text("community")
        return found if found in self._communities and found != community.text("id") else ""

    def _way_back(self, start: str, first: str) -> list[str]:
        ways, seen = [[start, first]] if first else [], {first}
        if first == start:
            return [start]
        while ways:
            way = ways.pop(0)
            community = self._communities[way[-1]]
            for each in filter(None, (self._above(community, "parent"), self._above(community, "lead"))):
                if each == start:
                    return way
                if each not in seen:
                    seen.add(each)
                    ways.append([*way, each])
        return []

    def _facility(self, each: Placed) -> Iterator[Faulty]:
        yield from self._known(each, "community", self._communities, "community")
        yield from _region(each, "region")
        yield from _twice(each, "capabilities")
        travel = each.node.get("travel_minutes")
        for other, entry in (travel.entries if travel else {}).items():
            place = each.at("travel_minutes", other)
            if other == each.text("id"):
                yield place, f"{other} has a travel time to itself"
            elif other not in self._facilities:
                yield place, f"facility {other} is not in the directory"
            minutes = entry.node.value
            if isinstance(minutes, int) and not 0 <= minutes <= _MINUTES_MAX:
                yield place, f"a travel time is from 0 to {_MINUTES_MAX} minutes"

    def _identifiers(self) -> Iterator[Faulty]:
        owners: dict[tuple[str, str], str] = {}
        for facility in self._lists["facilities"]:
            mine: set[tuple[str, str]] = set()
            for each in facility.items("identifiers"):
                key = (each.text("scheme"), each.text("value"))
                length = _IDENTIFIER_LENGTHS.get(key[0])
                if length is not None and key[1] and len(key[1]) != length:
                    yield each.at("value"), f"{key[0]} {key[1]} must have {length} characters"
                # Campuses of one legal person share a credit code.
                shared = key[0] == "CREDIT_CODE"
                owner = facility.text("id") if shared else owners.setdefault(key, facility.text("id"))
                if key in mine or owner != facility.text("id"):
                    yield each.at("value"), f"{key[0]} {key[1]} is that of {owner} already"
                mine.add(key)

    def _few(self, alliance: Placed) -> Iterator[Faulty]:
        members = {each.node.value for each in alliance.items("members")}
        if alliance.node.get("members") is not None and len(members) < 2:
            yield alliance.at("members"), "an alliance links two members at least"

    def _area(self, area: Placed, pools: Mapping[str, Placed]) -> Iterator[Faulty]:
        if not area.items("regions") and not area.items("facilities"):
            yield area, f"area {area.text('id')} names neither regions nor facilities"
        for each in area.items("regions"):
            region = each.node.value
            if isinstance(region, str) and not _is_region(region):
                yield each, f"{region} is no region code"
            elif isinstance(region, str) and not self._somebody_in(region):
                yield each, f"no facility of the directory lies in region {region}"
        yield from _twice(area, "regions")
        yield from self._members(area, "facilities")
        yield from _twice(area, "exemptions")
        for each in area.items("exemptions"):
            name = each.node.value
            known = name in self._facilities or (name in pools and name != area.text("id"))
            if isinstance(name, str) and not known and not (_is_region(name) and self._somebody_in(name)):
                yield each, f"{name} is no region, facility or other area of the directory"

    def _claimed_twice(self) -> Iterator[Faulty]:
        owners: dict[tuple[str, object], Placed] = {}
        for area in self._lists["pooling_areas"]:
            for key in ("regions", "facilities"):
                for each in area.items(key):
                    owner = owners.setdefault((key, each.node.value), area)
                    if owner is not area:
                        yield each, f"{each.node.value} is in area {owner.text('id')} too"

    def _channel(self, channel: Placed) -> Iterator[Faulty]:
        yield from self._known(channel, "facility", self._facilities, "facility")
        if channel.text("holder") and channel.text("holder") == channel.text("facility"):
            yield channel.at("holder"), f"{channel.text('holder')} holds a green channel to itself"

    def _members(self, each: Placed, key: str) -> Iterator[Faulty]:
        for member in each.items(key):
            name = member.node.value
            if isinstance(name, str) and name not in self._facilities:
                yield member, f"facility {name} is not in the directory"
        yield from _twice(each, key)

    def _known(self, each: Placed, key: str, known: Mapping[str, Placed], what: str) -> Iterator[Faulty]:
        if each.text(key) and each.text(key) not in known:
            yield each.at(key), f"{what} {each.text(key)} is not in the directory"

    def _somebody_in(self, region: str) -> bool:
        beginning = region
        while len(beginning) in (4, 6) and beginning.endswith("00"):
            beginning = beginning[:-2]
        return any(each.startswith(beginning) for each in self._regions)


def _by_id(entries: Sequence[Placed]) -> dict[str, Placed]:
    found: dict[str, Placed] = {}
    for each in entries:
        if each.text("id"):
            found.setdefault(each.text("id"), each)
    return found


def _twice(each: Placed, key: str) -> Iterator[Faulty]:
    seen: set[object] = set()
    for item in each.items(key):
        if isinstance(item.node.value, str) and item.node.value in seen:
            yield item, f"{item.node.value} is named twice"
        seen.add(item.node.value if isinstance(item.node.value, str) else None)


def _region(each: Placed, key: str) -> Iterator[Faulty]:
    if each.text(key) and not _is_region(each.text(key)):
        yield each.at(key), f"{each.text(key)} is no region code"


def _is_region(text: str) -> bool:
    return len(text) in _REGION_DIGITS and text.isascii() and text.isdigit()
