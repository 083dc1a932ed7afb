"""Applying the directory: who may, what is recorded, and the fold.

One aggregate, `directory/main`. An applied directory replaces the whole; the event carries the difference.
What it must be is in `directory_faults`, what changes in `directory_difference`.
"""

from dataclasses import replace
from typing import TypeAlias, TypeVar

from services.referral.domain.directory_commands import ApplyDirectory, DirectoryApplied
from services.referral.domain.directory_difference import DirectoryDifference, applied_difference, difference
from services.referral.domain.directory_faults import violations
from services.referral.domain.directory_state import Directory, Facility, roads_of
from services.referral.domain.texts import text
from services.shared.kernel.actor import Role
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.refusals import InvalidInput, NotPermitted

__all__ = [
    "COMMANDS",
    "EVENTS",
    "ApplyDirectory",
    "DirectoryApplied",
    "DirectoryDifference",
    "allowed_commands",
    "deadlines",
    "decide",
    "difference",
    "evolve",
    "facets",
    "violations",
]

Command: TypeAlias = ApplyDirectory
Event: TypeAlias = DirectoryApplied
T = TypeVar("T")

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
    event = applied_difference(state, command)
    return () if event == DirectoryApplied() else (event,)


def evolve(state: Directory | None, recorded: Recorded[DirectoryApplied]) -> Directory:
    """The directory after the event."""
    before = state or Directory()
    event, metadata = recorded.event, recorded.metadata
    facilities = _after(
        before.facilities,
        {each.id: _ordered(each) for each in event.facilities},
        event.removed_facilities,
    )
    return Directory(
        name=metadata.aggregate_id,
        version=metadata.version,
        communities=_after(
            before.communities, {each.id: each for each in event.communities}, event.removed_communities
        ),
        facilities=facilities,
        update_time=metadata.recorded_at,
        roads=roads_of(facilities),
        alliances=_after(
            before.alliances, {each.id: each for each in event.alliances}, event.removed_alliances
        ),
        pooling_areas=_after(
            before.pooling_areas,
            {each.id: each for each in event.pooling_areas},
            event.removed_pooling_areas,
        ),
        recognition_areas=_after(
            before.recognition_areas,
            {each.id: each for each in event.recognition_areas},
            event.removed_recognition_areas,
        ),
        green_channels=_after(
            before.green_channels,
            {each.id: each for each in event.green_channels},
            event.removed_green_channels,
        ),
    )


def _after(before: dict[str, T], news: dict[str, T], removed: tuple[str, ...]) -> dict[str, T]:
    """By id in order: a snapshot must equal the fold byte for byte."""
    gone = set(removed)
    kept = {key: value for key, value in before.items() if key not in gone}
    return dict(sorted({**kept, **news}.items()))


def _ordered(facility: Facility) -> Facility:
    """Travel times by id: a protobuf map keeps no order."""
    return replace(facility, travel_minutes=dict(sorted(facility.travel_minutes.items())))


def deadlines(state: Directory) -> tuple[Deadline, ...]:
    """None: nothing waits in a directory."""
    return ()


def facets(state: Directory) -> dict[str, str | bool | list[str]]:
    """No list shows directories; every caller may read it."""
    return {"parties": [], "live": True}


def allowed_commands(state: Directory) -> tuple[str, ...]:
    return ("ApplyDirectory",)
