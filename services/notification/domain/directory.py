"""What the notification service knows of facilities: a copy of topic `tierlink.directory.v1`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from services.shared.kernel.text import BilingualText


class FacilityLevel(StrEnum):
    """村, 乡镇/社区, 县/旗/区, 市/盟, 省/自治区."""

    VILLAGE = "VILLAGE"
    TOWNSHIP = "TOWNSHIP"
    COUNTY = "COUNTY"
    CITY = "CITY"
    PROVINCE = "PROVINCE"


class IdentifierScheme(StrEnum):
    """卫生机构代码, 医疗机构执业许可证登记号, 统一社会信用代码."""

    WS218 = "WS218"
    LICENCE = "LICENCE"
    CREDIT_CODE = "CREDIT_CODE"


@dataclass(frozen=True, kw_only=True, slots=True)
class FacilityIdentifier:
    """A number by which a register knows a facility."""

    scheme: IdentifierScheme
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Facility:
    """A facility. 医疗机构"""

    id: str
    name: BilingualText
    level: FacilityLevel
    #: empty when it belongs to none
    community: str = ""
    region: str = ""
    #: centres and departments, such as STROKE
    capabilities: tuple[str, ...] = ()
    #: minutes by road to other facilities
    travel_minutes: dict[str, int] = field(default_factory=dict)
    identifiers: tuple[FacilityIdentifier, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Community:
    """A medical community. 医共体"""

    id: str
    name: BilingualText
    county: str = ""
    #: facility that leads it
    lead: str = ""
    #: community of a higher tier that it belongs to
    parent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """Facilities and communities by id, as they are now."""

    facilities: Mapping[str, Facility] = field(default_factory=dict)
    communities: Mapping[str, Community] = field(default_factory=dict)

    def name(self, facility: str) -> BilingualText:
        """Its name; its id while the directory has not told it."""
        known = self.facilities.get(facility)
        return known.name if known else BilingualText(zh=facility, en=facility)

    def community_lead(self, facility: str) -> str:
        """The lead facility of its community; empty when there is none."""
        known = self.facilities.get(facility)
        community = self.communities.get(known.community) if known else None
        return community.lead if community else ""

    def nearest_centre(self, facility: str, capability: str, preferred: str = "") -> str:
        """Where a facility finds a capability.

        `preferred` when it has it, then the lead of its community, then the nearest by road. Without any
        that is known to have it, `preferred`.
        """
        for candidate in (preferred, self.community_lead(facility)):
            if self._has(candidate, capability):
                return candidate
        reachable = [
            (minutes, candidate)
            for candidate in self.facilities
            if candidate != facility
            and self._has(candidate, capability)
            and (minutes := self._travel_minutes(facility, candidate)) is not None
        ]
        return min(reachable)[1] if reachable else preferred

    def _has(self, facility: str, capability: str) -> bool:
        known = self.facilities.get(facility)
        return known is not None and capability in known.capabilities

    def _travel_minutes(self, origin: str, destination: str) -> int | None:
        """Travel times go both ways unless the other way is given."""
        there = self.facilities[origin].travel_minutes.get(destination) if origin in self.facilities else None
        return there if there is not None else self.facilities[destination].travel_minutes.get(origin)
