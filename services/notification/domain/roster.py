"""The roster aggregate: who is called for a role of a facility, and when."""

from collections.abc import Collection
from dataclasses import replace

from services.notification.domain import swaps, texts
from services.notification.domain.roster_calendar import merged
from services.notification.domain.roster_changes import RosterChange, change
from services.notification.domain.roster_checks import faults
from services.notification.domain.roster_commands import (
    ApplyRoster,
    CheckCoverage,
    CoverageChecked,
    RosterApplied,
    seated,
)
from services.notification.domain.roster_keepers import keeps
from services.notification.domain.roster_slots import leads, on_duty
from services.notification.domain.roster_state import ANY_ROLE, Roster, names, roster_name
from services.notification.domain.roster_values import CalendarDay, entries_of
from services.notification.domain.roster_watch import COVERAGE, check_coverage, first_check_at
from services.notification.domain.swap_values import (
    SWAP_EVENTS,
    ConfirmSwap,
    DeclineSwap,
    LapseSwap,
    ProposeSwap,
    SwapEvent,
    WithdrawSwap,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.refusals import InvalidInput, NotPermitted

__all__ = [
    "ANY_ROLE",
    "COMMANDS",
    "COVERAGE",
    "EVENTS",
    "Roster",
    "RosterChange",
    "RosterEvent",
    "allowed_commands",
    "change",
    "check_coverage",
    "deadlines",
    "decide",
    "evolve",
    "facets",
    "leads",
    "names",
    "on_duty",
    "planned",
    "roster_facility",
    "roster_name",
]

RosterEvent = RosterApplied | CoverageChecked | SwapEvent

EVENTS: tuple[type, ...] = (RosterApplied, CoverageChecked, *SWAP_EVENTS)
COMMANDS: tuple[type, ...] = (
    ApplyRoster,
    CheckCoverage,
    ProposeSwap,
    ConfirmSwap,
    DeclineSwap,
    WithdrawSwap,
    LapseSwap,
)


def roster_facility(command: ApplyRoster, actor: Actor) -> str:
    """The facility that the command is about: the caller's own when it names none."""
    return command.facility or actor.facility


def decide(
    state: Roster | None,
    command: ApplyRoster,
    context: CommandContext,
    *,
    national: tuple[CalendarDay, ...] = (),
    facilities: Collection[str] = (),
    roles: Collection[str] = (),
) -> tuple[RosterApplied, ...]:
    """Nothing for a dry run or when nothing changes.

    `national` is the national table of holidays and make-up workdays; `facilities` and `roles` are those that
    are known, where anything is known of them. Raises NotPermitted, and InvalidInput with every fault.
    """
    facility = roster_facility(command, context.actor)
    if not keeps(facility, context.actor):
        raise NotPermitted("ROSTER_NOT_THEIRS", texts.ROSTER_NOT_THEIRS)
    command = seated(command)
    # What people have agreed on among themselves is no file's to give or to take.
    agreed = state.proposals if state else ()
    wanted = replace(planned(facility, command, national), proposals=agreed)
    found = faults(wanted, context.recorded_at, facilities=facilities, roles=roles)
    if found:
        raise InvalidInput(*found)
    difference = change(state, wanted)
    if command.dry_run or not (difference.added or difference.removed):
        return ()
    return (
        RosterApplied(
            facility=facility,
            **entries_of(command),
            special_days=wanted.special_days,
            coverage_check_at=first_check_at(state, wanted, context.recorded_at),
        ),
    )


def planned(facility: str, command: ApplyRoster, national: tuple[CalendarDay, ...]) -> Roster:
    """The roster as the command wants it."""
    command = seated(command)
    return Roster(
        name=roster_name(facility),
        version=0,
        facility=facility,
        **entries_of(command),
        special_days=_special_days(command, national),
    )


def evolve(state: Roster | None, recorded: Recorded[RosterEvent]) -> Roster:
    """The roster after one more event. Raises ValueError when the first one applies none."""
    event, metadata = recorded.event, recorded.metadata
    if not isinstance(event, RosterApplied):
        if state is None:
            raise ValueError(f"{metadata.aggregate_id} begins with {metadata.type}")
        if isinstance(event, CoverageChecked):
            return replace(
                state,
                version=metadata.version,
                open_gaps=event.open_gaps,
                special_days=event.special_days,
                coverage_check_at=event.coverage_check_at,
            )
        changed = Recorded(event=event, metadata=metadata)
        return replace(state, version=metadata.version, proposals=swaps.fold(state, changed))
    return Roster(
        name=metadata.aggregate_id,
        version=metadata.version,
        facility=event.facility,
        **entries_of(event),
        special_days=event.special_days,
        # Those of them that the new roster fills are found, and said to be over, by the check that is due.
        open_gaps=state.open_gaps if state else (),
        coverage_check_at=event.coverage_check_at,
        proposals=state.proposals if state else (),
    )


def deadlines(state: Roster) -> tuple[Deadline, ...]:
    """The next look for gaps, and swaps that wait; duties begin and end by being looked up."""
    waiting = swaps.deadlines(state)
    if state.coverage_check_at is None:
        return waiting
    return (Deadline(key=COVERAGE, due_at=state.coverage_check_at), *waiting)


def facets(state: Roster) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {"parties": [state.facility], "live": True, "facility": state.facility}


def allowed_commands(state: Roster) -> tuple[str, ...]:
    """A roster may always be applied anew, and swaps be asked for."""
    return ("ApplyRoster", "ProposeSwap")


def _special_days(command: ApplyRoster, national: tuple[CalendarDay, ...]) -> tuple[CalendarDay, ...]:
    """No table where no day's kind matters: a roster of plain duties stays as small as it is."""
    asks = [item.days for item in command.rotations] + [item.days for item in command.requirements]
    return merged(national, command.calendar) if any(asks) else ()
