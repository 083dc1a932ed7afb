"""The state table of a standing order: the only place that says what may follow what.

Visits have states of their own: SCHEDULED becomes ATTENDED, MISSED, MOVED or CANCELLED. A missed visit may
be recorded as attended afterwards, marked as late, or be made good for by another one.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from services.referral.domain import standing_commands as c
from services.referral.domain import standing_events as e
from services.referral.domain.standing_values import StandingOrderState as S

AnyCommand: TypeAlias = c.ScheduleStanding | c.StandingCommand


class Party(StrEnum):
    """Who may take a row."""

    #: the facility of the visits
    FACILITY = "FACILITY"
    #: that one, or the facility that referred
    EITHER = "EITHER"
    #: a due deadline, or the referral's end
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table."""

    #: None: nothing exists yet
    source: S | None
    command: type[AnyCommand]
    by: Party
    event: type[e.StandingEvent]
    #: None: the state stays
    target: S | None = None


_LIVE = (S.ACTIVE, S.SUSPENDED)


def _rows(
    sources: tuple[S | None, ...],
    command: type[AnyCommand],
    by: Party,
    event: type[e.StandingEvent],
    target: S | None = None,
) -> tuple[Row, ...]:
    return tuple(
        [Row(source=source, command=command, by=by, event=event, target=target) for source in sources]
    )


TABLE: tuple[Row, ...] = (
    *_rows((None,), c.ScheduleStanding, Party.FACILITY, e.StandingScheduled, S.ACTIVE),
    *_rows((*_LIVE, S.COMPLETED), c.RecordVisit, Party.FACILITY, e.VisitAttended),
    *_rows(_LIVE, c.ReportMissedVisit, Party.FACILITY, e.VisitMissed),
    *_rows(_LIVE, c.ReportMissedVisit, Party.FACILITY, e.VisitsMissedInARow),
    *_rows(_LIVE, c.MoveVisit, Party.EITHER, e.VisitMoved),
    # With a last day it stays active; without one it is suspended until somebody resumes.
    *_rows((S.ACTIVE,), c.SuspendStanding, Party.EITHER, e.StandingSuspended),
    *_rows((S.ACTIVE,), c.SuspendStanding, Party.EITHER, e.StandingSuspended, S.SUSPENDED),
    *_rows((S.SUSPENDED,), c.ResumeStanding, Party.EITHER, e.StandingResumed, S.ACTIVE),
    *_rows(_LIVE, c.EndStanding, Party.EITHER, e.StandingEnded, S.ENDED),
    *_rows(_LIVE, c.FollowReferral, Party.SYSTEM, e.StandingEnded, S.ENDED),
    *_rows(_LIVE, c.MeetDeadline, Party.SYSTEM, e.VisitMissed),
    *_rows(_LIVE, c.MeetDeadline, Party.SYSTEM, e.VisitsMissedInARow),
    *_rows((S.ACTIVE,), c.MeetDeadline, Party.SYSTEM, e.VisitsScheduled),
    *_rows(_LIVE, c.MeetDeadline, Party.SYSTEM, e.StandingCompleted, S.COMPLETED),
)

#: Commands that the system gives: nobody is told that they are allowed.
INTERNAL: frozenset[type[AnyCommand]] = frozenset({c.FollowReferral, c.MeetDeadline})

_ALLOWED: dict[S, tuple[str, ...]] = {
    state: tuple(
        dict.fromkeys(
            row.command.__name__ for row in TABLE if row.source is state and row.command not in INTERNAL
        )
    )
    for state in S
}
_BY: dict[type[AnyCommand], Party] = {row.command: row.by for row in TABLE}
_TARGETS: dict[tuple[S | None, type[e.StandingEvent]], frozenset[S | None]] = {
    (row.source, row.event): frozenset(
        [each.target for each in TABLE if (each.source, each.event) == (row.source, row.event)]
    )
    for row in TABLE
}


def allowed_in(state: S) -> tuple[str, ...]:
    """Commands that the table allows in this state, to whomever; guards may still refuse them."""
    return _ALLOWED[state]


def party_of(command: type[AnyCommand]) -> Party:
    return _BY[command]


def has_row(state: S, command: type[AnyCommand]) -> bool:
    return any(row.source is state and row.command is command for row in TABLE)


def state_after(state: S | None, event: e.StandingEvent) -> S:
    """Raises ValueError when the table has no such event in this state."""
    targets = _TARGETS.get((state, type(event)))
    if targets is None:
        raise ValueError(f"{type(event).__name__} cannot follow {state}")
    if isinstance(event, e.StandingSuspended):
        return S.ACTIVE if event.suspension.until_on else S.SUSPENDED
    (target,) = targets
    after = target or state
    if after is None:
        raise ValueError(f"{type(event).__name__} leads nowhere")
    return after
