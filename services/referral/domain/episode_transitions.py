"""The state table of an episode."""

from dataclasses import dataclass

from services.referral.domain import episode_commands as commands
from services.referral.domain import episode_events as events
from services.referral.domain.episode_values import EpisodeState as State


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table."""

    #: None: nothing exists yet
    source: State | None
    command: type[commands.EpisodeCommand]
    event: type[events.EpisodeEvent]
    #: None: the state stays
    target: State | None
    #: given by the application alone, never by a person
    internal: bool = False


TABLE: tuple[Row, ...] = (
    Row(source=None, command=commands.OpenEpisode, event=events.EpisodeOpened, target=State.OPEN),
    Row(
        source=State.OPEN,
        command=commands.JoinEpisode,
        event=events.EpisodeJoined,
        target=None,
        internal=True,
    ),
    Row(source=State.OPEN, command=commands.EndMove, event=events.MoveEnded, target=None, internal=True),
    Row(source=State.OPEN, command=commands.RecordMilestone, event=events.MilestoneRecorded, target=None),
    Row(source=State.OPEN, command=commands.CorrectMilestone, event=events.MilestoneCorrected, target=None),
    Row(source=State.OPEN, command=commands.ExcludeClock, event=events.ClockExcluded, target=None),
    Row(
        source=State.OPEN,
        command=commands.LiftClockExclusion,
        event=events.ClockExclusionLifted,
        target=None,
    ),
    Row(source=State.OPEN, command=commands.CloseEpisode, event=events.EpisodeClosed, target=State.CLOSED),
    # quality control finds wrong times, and clocks that do not count, after the illness is over; the record
    # must be able to say so
    Row(source=State.CLOSED, command=commands.CorrectMilestone, event=events.MilestoneCorrected, target=None),
    Row(source=State.CLOSED, command=commands.ExcludeClock, event=events.ClockExcluded, target=None),
    Row(
        source=State.CLOSED,
        command=commands.LiftClockExclusion,
        event=events.ClockExclusionLifted,
        target=None,
    ),
    # a referral of it is found to have been entered in error
    Row(source=State.CLOSED, command=commands.EndMove, event=events.MoveEnded, target=None, internal=True),
)

_TARGETS: dict[type, State | None] = {row.event: row.target for row in TABLE}


def has_row(source: State | None, command: type[commands.EpisodeCommand]) -> bool:
    """Whether the table allows the command in `source`."""
    return any(row.source is source and row.command is command for row in TABLE)


def next_state(source: State, event: type[events.EpisodeEvent]) -> State:
    """Where an event leads."""
    return _TARGETS[event] or source


def commands_allowed_in(source: State | None) -> tuple[str, ...]:
    """Names of the commands that a person may give in `source`, in the order of the table."""
    return tuple(row.command.__name__ for row in TABLE if row.source is source and not row.internal)
