"""Applying the directory: what it must be, what changes, and the fold.

One aggregate, `directory/main`. An applied directory replaces the whole; the event carries the difference.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from services.referral.domain.directory_state import Community, Directory, Facility, roads_of
from services.referral.domain.texts import text
from services.shared.kernel.actor import Role
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotPermitted


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyDirectory:
    """Makes the directory what the command says."""

    communities: tuple[Community, ...] = ()
    facilities: tuple[Facility, ...]
    #: say what would change, and change nothing
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryApplied:
    """The difference to the directory before."""

    #: in force from now on, added or changed
    communities: tuple[Community, ...] = ()
    facilities: tuple[Facility, ...] = ()
    #: ids in force no longer
    removed_communities: tuple[str, ...] = ()
    removed_facilities: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryDifference:
    """Ids, communities first, each in order."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


Command: TypeAlias = ApplyDirectory
Event: TypeAlias = DirectoryApplied

COMMANDS: tuple[type, ...] = (ApplyDirectory,)
EVENTS: tuple[type[DirectoryApplied], ...] = (DirectoryApplied,)


def decide(
    state: Directory | None, command: ApplyDirectory, context: CommandContext
) -> tuple[DirectoryApplied, ...]:
    """The difference, or nothing when there is none or the run is dry.

    Raises NotPermitted for anybody but an operator or the system, InvalidInput with every fault at once.
    """
    if not context.actor.has_role(Role.OPERATOR, Role.SYSTEM):
        raise NotPermitted("OPERATOR_ONLY", text("OPERATOR_ONLY"))
    faults = tuple(violations(command))
    if faults:
        raise InvalidInput(*faults)
    if command.dry_run:
        return ()
    event = _difference(state, command)
    return () if event == DirectoryApplied() else (event,)


def difference(state: Directory | None, command: ApplyDirectory) -> DirectoryDifference:
    """What applying would add, change and remove."""
    event = _difference(state, command)
    known = set() if state is None else {*state.communities, *state.facilities}
    touched = [each.id for each in event.communities] + [each.id for each in event.facilities]
    return DirectoryDifference(
        added=tuple([each for each in touched if each not in known]),
        changed=tuple([each for each in touched if each in known]),
        removed=event.removed_communities + event.removed_facilities,
    )


def evolve(state: Directory | None, recorded: Recorded[DirectoryApplied]) -> Directory:
    """The directory after the event."""
    before = state or Directory()
    event, metadata = recorded.event, recorded.metadata
    communities = {
        key: value for key, value in before.communities.items() if key not in event.removed_communities
    }
    communities.update((each.id, each) for each in event.communities)
    removed = set(event.removed_facilities)
    facilities = {key: value for key, value in before.facilities.items() if key not in removed}
    facilities.update((each.id, _ordered(each)) for each in event.facilities)
    facilities = dict(sorted(facilities.items()))
    return Directory(
        name=metadata.aggregate_id,
        version=metadata.version,
        communities=dict(sorted(communities.items())),
        facilities=facilities,
        update_time=metadata.recorded_at,
        roads=roads_of(facilities),
    )


def _ordered(facility: Facility) -> Facility:
    """Travel times by id: a protobuf map keeps no order, and a snapshot must equal the fold byte for byte."""
    return replace(facility, travel_minutes=dict(sorted(facility.travel_minutes.items())))


def deadlines(state: Directory) -> tuple[Deadline, ...]:
    """None: nothing waits in a directory."""
    return ()


def facets(state: Directory) -> dict[str, str | bool | list[str]]:
    """No list shows directories; every caller may read it."""
    return {"parties": [], "live": True}


def allowed_commands(state: Directory) -> tuple[str, ...]:
    return ("ApplyDirectory",)


def violations(command: ApplyDirectory) -> Iterator[FieldViolation]:
    """Every fault of an applied directory."""
    yield from _repeated("communities", [each.id for each in command.communities])
    yield from _repeated("facilities", [each.id for each in command.facilities])
    facilities = {each.id: each for each in command.facilities}
    communities = {each.id for each in command.communities}
    for place in sorted(communities & facilities.keys()):
        yield _fault("communities", "ID_OF_FACILITY", f"{place} is the id of a facility too")
    for index, community in enumerate(command.communities):
        path = f"communities[{index}].lead"
        lead = facilities.get(community.lead)
        if lead is None:
            yield _fault(path, "UNKNOWN_LEAD", f"lead {community.lead} is not in the directory")
        elif lead.community != community.id:
            yield _fault(path, "LEAD_NOT_MEMBER", f"lead {community.lead} is no member of {community.id}")
    for index, facility in enumerate(command.facilities):
        yield from _facility_faults(f"facilities[{index}]", facility, facilities, communities)


def _facility_faults(
    path: str, facility: Facility, facilities: dict[str, Facility], communities: set[str]
) -> Iterator[FieldViolation]:
    if facility.community and facility.community not in communities:
        description = f"community {facility.community} is not in the directory"
        yield _fault(f"{path}.community", "UNKNOWN_COMMUNITY", description)
    if len(set(facility.capabilities)) != len(facility.capabilities):
        yield _fault(f"{path}.capabilities", "DUPLICATE", f"{facility.id} names a capability twice")
    for other, minutes in facility.travel_minutes.items():
        where = f"{path}.travel_minutes[{other}]"
        if other == facility.id:
            yield _fault(where, "TRAVEL_TO_ITSELF", f"{facility.id} has a travel time to itself")
        elif other not in facilities:
            yield _fault(where, "UNKNOWN_FACILITY", f"facility {other} is not in the directory")
        if minutes < 0:
            yield _fault(where, "NEGATIVE", "a travel time is not negative")


def _repeated(field: str, ids: list[str]) -> Iterator[FieldViolation]:
    seen: set[str] = set()
    for index, each in enumerate(ids):
        if each in seen:
            yield _fault(f"{field}[{index}].id", "DUPLICATE_ID", f"{each} is given twice")
        seen.add(each)


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)


def _difference(state: Directory | None, command: ApplyDirectory) -> DirectoryApplied:
    before = state or Directory()
    communities = {each.id: each for each in command.communities}
    facilities = {each.id: each for each in command.facilities}
    return DirectoryApplied(
        communities=tuple(
            [each for key, each in sorted(communities.items()) if before.communities.get(key) != each]
        ),
        facilities=tuple(
            [each for key, each in sorted(facilities.items()) if before.facilities.get(key) != each]
        ),
        removed_communities=tuple([key for key in before.communities if key not in communities]),
        removed_facilities=tuple([key for key in before.facilities if key not in facilities]),
    )
