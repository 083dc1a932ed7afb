"""A case: who does what, when, and what must come of it. Checked when it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

from services.operator.casefile.directory_checks import Placed
from services.operator.rpc.methods import RpcMethod
from services.operator.rpc.paths import Expectation
from services.shared.kernel.actor import Actor
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class BedGroup:
    """Beds of a ward that may take the same patients."""

    count: int
    #: fields of BedConstraints; empty for beds that may take anybody
    constraints: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Ward:
    """A ward as the directory file describes it."""

    id: str
    #: short name of a BedType
    bed_type: str
    #: in the order in which their beds are numbered
    groups: tuple[BedGroup, ...]
    #: None where the id is all that is known
    name: BilingualText | None = None
    #: free beds that are kept for referrals
    reserved: int = 0

    @property
    def beds_count(self) -> int:
        return sum(group.count for group in self.groups)

    def fields(self) -> dict[str, Any]:
        """The fields of a WardSpecification. Beds are numbered as the service numbers them, so that a ward
        whose beds become different ones keeps their names."""
        known: dict[str, Any] = {
            "id": self.id,
            "bed_type": self.bed_type,
            "reserved_for_referrals": self.reserved,
        }
        if self.name is not None:
            known["name"] = {"zh": self.name.zh, "en": self.name.en}
        if not any(group.constraints for group in self.groups):
            return {**known, "bed_count": self.beds_count}
        of_each = [group.constraints for group in self.groups for _ in range(group.count)]
        beds = [
            {"id": f"{self.id}-{number:02d}", "constraints": dict(constraints)}
            for number, constraints in enumerate(of_each, start=1)
        ]
        return {**known, "beds": beds}


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    """One or more directory files together, as ApplyDirectory and ApplyWards take them."""

    #: fields of the messages that ApplyDirectory takes
    communities: tuple[Mapping[str, Any], ...]
    facilities: tuple[Mapping[str, Any], ...]
    wards: Mapping[str, tuple[Ward, ...]]
    alliances: tuple[Mapping[str, Any], ...] = ()
    pooling_areas: tuple[Mapping[str, Any], ...] = ()
    recognition_areas: tuple[Mapping[str, Any], ...] = ()
    green_channels: tuple[Mapping[str, Any], ...] = ()
    #: where each entry stands, list by list
    places: Mapping[str, Sequence[Placed]] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """The fields of ApplyDirectory."""
        return {
            "communities": [dict(each) for each in self.communities],
            "facilities": [dict(each) for each in self.facilities],
            "alliances": [dict(each) for each in self.alliances],
            "pooling_areas": [dict(each) for each in self.pooling_areas],
            "recognition_areas": [dict(each) for each in self.recognition_areas],
            "green_channels": [dict(each) for each in self.green_channels],
        }

    def facility_ids(self) -> frozenset[str]:
        """Every facility in it."""
        return frozenset(facility["id"] for facility in self.facilities)

    def facility_name(self, facility: str) -> BilingualText:
        """Its name; its id where the directory does not know it."""
        for known in self.facilities:
            if known["id"] == facility:
                return BilingualText(zh=known["name"]["zh"], en=known["name"]["en"])
        return BilingualText(zh=facility, en=facility)


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """Somebody on duty for a role of a facility, all the time of the case."""

    #: role or centre that is called
    role: str
    #: duty, backup, lead, coordinator
    step: str
    who: Actor
    channels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """What must be in force before anybody acts: facilities, wards, who is on duty."""

    directory: Directory
    people: Mapping[str, Actor]
    rosters: Mapping[str, tuple[Duty, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class CommonStep:
    """What every step has."""

    #: from 1
    number: int
    #: for `of`; the number where the file gives none
    id: str
    line: int
    #: clinical time, after the start of the case; a step may record what happened before the step above it
    at: timedelta
    #: key of the person
    who: str
    #: what happens, for people; empty where the file says nothing
    text: BilingualText
    #: path in the answer by the variable that keeps it
    save: Mapping[str, str]
    #: the report it is taken from does not give these values
    synthetic: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandStep(CommonStep):
    """Somebody calls an RPC."""

    method: RpcMethod
    fields: Mapping[str, Any]
    expect: tuple[Expectation, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AwaitStep(CommonStep):
    """Somebody looks until something has come about that another service does in its own time."""

    method: RpcMethod
    fields: Mapping[str, Any]
    until: tuple[Expectation, ...]
    within_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertStep(CommonStep):
    """Somebody's alert stream brings an alert."""

    match: tuple[Expectation, ...]
    within_s: float
    #: id of the command step from which its delivery is timed
    of: str


Step: TypeAlias = CommandStep | AwaitStep | AlertStep


def rpc_name(step: Step) -> str:
    """The RPC that a step calls, or whose stream it reads."""
    return "WatchAlerts" if isinstance(step, AlertStep) else step.method.name


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedClock:
    """A clock that the episode must have at the end."""

    key: str
    #: empty for a clock of no facility
    facility: str
    elapsed: timedelta
    #: RUNNING, MET or MISSED
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExpectedAlert:
    """An alert that there must be, once, at the end."""

    rule: str
    facility: str
    #: may hold variables
    subject: str
    #: TRIGGERED, ACKNOWLEDGED or RESOLVED
    state: str
    #: key of the person; empty when nobody needs to have acknowledged it
    acknowledged_by: str
    #: longest clinical time from the event to the acknowledgement
    within: timedelta | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A case file, ready to be played."""

    path: Path
    id: str
    title: BilingualText
    #: where its facts are from, and what was made up
    source: BilingualText
    site: Site
    utc_offset_minutes: int
    variables: Mapping[str, Any]
    steps: tuple[Step, ...]
    #: may hold variables: what the report is about
    episode: str
    #: empty for a case without a referral
    referral: str
    clocks: tuple[ExpectedClock, ...]
    alerts: tuple[ExpectedAlert, ...]

    @property
    def duration(self) -> timedelta:
        """From its start to its last clinical time."""
        return max(step.at for step in self.steps)
