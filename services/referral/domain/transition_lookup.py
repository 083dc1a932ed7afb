"""Quick look-ups of the state table, made once from its rows."""

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
    return {command: tuple([row for row in TABLE if row.command is command]) for command in COMMANDS}


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
    found: dict[tuple[S | None, type[e.Event]], tuple[Outcome, ...]] = {}
    for row in TABLE:
        for source in row.sources:
            for event in dict.fromkeys(outcome.event for outcome in row.outcomes):
                found[source, event] = tuple([each for each in row.outcomes if each.event is event])
    return found


def _allowed(down: bool) -> dict[S, tuple[str, ...]]:
    rows = [row for row in TABLE if row.command not in INTERNAL and (down or not row.down_only)]
    return {state: tuple([row.command.__name__ for row in rows if state in row.sources]) for state in S}


ROWS = _rows_by_command()
ROW_IN = _row_by_state()
_OUTCOMES = _outcomes()
_ALLOWED = {True: _allowed(down=True), False: _allowed(down=False)}


def allowed_commands(state: Referral) -> tuple[str, ...]:
    """Commands that the table allows in this state, to whomever; guards may still refuse them."""
    return _ALLOWED[state.direction is Direction.DOWN][state.state]


def next_state(state: Referral | None, event: e.Event) -> S:
    """The state after an event. Raises ValueError when the table has no such event in this state."""
    source = None if state is None else state.state
    for outcome in _OUTCOMES.get((source, type(event)), ()):
        if outcome.when is None or outcome.when.holds(state, event):
            target = outcome.to or source
            if target is not None:
                return target
    raise ValueError(f"{type(event).__name__} cannot follow {source}")
