"""Quick look-ups of the state table, made once from its rows."""

from collections.abc import Callable
from typing import TypeVar

from services.referral.domain import commands as c
from services.referral.domain import events as e
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import Outcome, Row
from services.referral.domain.transitions import TABLE
from services.referral.domain.values import Direction

#: Commands that the system gives: nobody is told that they are allowed.
INTERNAL: frozenset[type[c.Command]] = frozenset({c.FollowBed, c.FollowStanding, c.MeetDeadline})

COMMANDS: tuple[type[c.Command], ...] = tuple(dict.fromkeys(row.command for row in TABLE))


def _rows_by_command() -> dict[type[c.Command], tuple[Row, ...]]:
    """Raises ValueError for what nobody asks of an internal command: it has one party and no guards."""
    found = {command: tuple([row for row in TABLE if row.command is command]) for command in COMMANDS}
    for command in INTERNAL & found.keys():
        if len({row.by for row in found[command]}) > 1:
            raise ValueError(f"the rows of {command.__name__} are for different parties")
        if any(row.guards or row.norms for row in found[command]):
            raise ValueError(f"{command.__name__} is given by the system: nothing else is asked")
        if any(None in row.sources for row in found[command]):
            raise ValueError(f"{command.__name__} needs a referral: the system begins none")
    return found


def _row_by_state() -> dict[tuple[type[c.Command], S | None], Row]:
    found: dict[tuple[type[c.Command], S | None], Row] = {}
    for row in TABLE:
        if row.command in INTERNAL:
            continue
        for source in row.sources:
            if (row.command, source) in found:
                raise ValueError(f"two rows for {row.command.__name__} in {source}")
            found[row.command, source] = row
    return found


def _outcomes() -> dict[tuple[S | None, type[e.Event]], tuple[Outcome, ...]]:
    """Raises ValueError when two rows lead the same event on differently: the fold sees no command."""
    found: dict[tuple[S | None, type[e.Event]], tuple[Outcome, ...]] = {}
    for row in TABLE:
        for source in row.sources:
            for event in dict.fromkeys(outcome.event for outcome in row.outcomes):
                outcomes = tuple([each for each in row.outcomes if each.event is event])
                if found.setdefault((source, event), outcomes) != outcomes:
                    raise ValueError(f"two ways for {event.__name__} from {source}")
    return found


def _events(down: bool) -> dict[tuple[type[c.Command], S | None], frozenset[type[e.Event]]]:
    found: dict[tuple[type[c.Command], S | None], frozenset[type[e.Event]]] = {}
    for row in TABLE:
        if down or not row.down_only:
            events = frozenset([outcome.event for outcome in row.outcomes])
            for source in row.sources:
                found[row.command, source] = found.get((row.command, source), frozenset()) | events
    return found


def _allowed(down: bool) -> dict[S, tuple[str, ...]]:
    rows = [row for row in TABLE if row.command not in INTERNAL and (down or not row.down_only)]
    return {state: tuple([row.command.__name__ for row in rows if state in row.sources]) for state in S}


T = TypeVar("T")


def _both(make: Callable[[bool], T]) -> dict[bool, T]:
    """For a referral down, and for any other."""
    return {down: make(down) for down in (True, False)}


ROWS = _rows_by_command()
ROW_IN = _row_by_state()
_OUTCOMES = _outcomes()
_EVENTS = _both(_events)
_ALLOWED = _both(_allowed)


def allowed_commands(state: Referral) -> tuple[str, ...]:
    """Commands that the table allows in this state, to whomever; guards may still refuse them.

    A word that nobody said is not offered to be taken back, in each state of each referral.
    """
    names = _ALLOWED[state.direction is Direction.DOWN][state.state]
    if state.error_mark is not None:
        return names
    return tuple([name for name in names if name != c.WithdrawErrorMark.__name__])


def events_of(command: type[c.Command], state: Referral) -> frozenset[type[e.Event]]:
    """The events that a command may give in this state."""
    return _EVENTS[state.direction is Direction.DOWN].get((command, state.state), frozenset())


def next_state(state: Referral | None, event: e.Event) -> S:
    """The state after an event. Raises ValueError when the table has no such event in this state."""
    source = None if state is None else state.state
    for outcome in _OUTCOMES.get((source, type(event)), ()):
        if outcome.when is None or outcome.when.holds(state, event):
            target = outcome.to or source
            if target is not None:
                return target
    raise ValueError(f"{type(event).__name__} cannot follow {source}")
