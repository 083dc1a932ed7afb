"""What the state table must do, case by case: written down a second time, and never read from the table.

A case runs by itself: the tests run them all, and the mutation of the table (`tests/mutation/table.py`) runs
those of a mutated row in one process. Charts are prepared once, with the table as it is; each case then gives
one command, or folds one event.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

from services.referral.domain import commands as c
from services.referral.domain.events import Event
from services.referral.domain.referral import Referral, allowed_commands, deadlines, evolve
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.transition_lookup import events_of
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.kernel.refusals import NotFound, NotPermitted, Refused
from tests.unit.referral.referral.chart import Chart, names, refused_codes
from tests.unit.referral.referral.network import SYSTEM

S = ReferralState
Story = Callable[[], Chart]
Order = c.Command | Callable[[Chart], c.Command]
Who = Actor | Callable[[Chart], Actor]


@cache
def prepared(story: Story) -> Chart:
    """The chart of a story, told once. Take a copy of it."""
    return story()


def source_of(story: Story) -> S | None:
    """Where the referral stands at the end of the story."""
    state = prepared(story).state
    return None if state is None else state.state


def folded(chart: Chart, state: Referral | None, event: Event) -> Referral:
    """The state after an event. Unlike `Chart.take` it goes through no bytes: mutants need many of these."""
    metadata = EventMetadata(
        event_id="event",
        aggregate_id=chart.name,
        version=len(chart.stored) + 1,
        type=type(event).__name__,
        occurred_at=chart.now,
        recorded_at=chart.now,
        actor=SYSTEM,
        request_id="request",
    )
    return evolve(state, Recorded(event=event, metadata=metadata))


def due(key: str) -> Callable[[Chart], c.Command]:
    """Meets the first open deadline of that kind, at its time."""

    def meet(chart: Chart) -> c.Command:
        found = next(each for each in deadlines(chart.referral) if each.key.startswith(key))
        chart.now = max(chart.now, found.due_at)
        return c.MeetDeadline(key=found.key)

    return meet


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A command that somebody gives on the chart of a story."""

    #: class name of the command
    command: str
    story: Story
    order: Order
    who: Who

    @property
    def source(self) -> S | None:
        return source_of(self.story)

    def start(self) -> tuple[Chart, c.Command, Actor]:
        chart = prepared(self.story).copy()
        order = self.order if not callable(self.order) else self.order(chart)
        return chart, order, self.who(chart) if callable(self.who) else self.who


@dataclass(frozen=True, kw_only=True)
class Taken(Attempt):
    """It happens: these events, and the referral then stands here."""

    events: tuple[str, ...]
    to: S

    def __str__(self) -> str:
        return f"{self.source or '-'}-{self.command}-{'+'.join(self.events)}-{self.to}"

    def run(self) -> None:
        chart, order, actor = self.start()
        if actor is not SYSTEM and chart.state is not None:
            assert self.command in allowed_commands(chart.referral)
        found = chart.decide(order, actor)
        after = chart.state
        for event in found:
            after = folded(chart, after, event)
        assert after is not None
        assert (tuple(names(found)), after.state) == (self.events, self.to)


@dataclass(frozen=True, kw_only=True)
class Rejected(Attempt):
    """Exactly these rules, norms or fields refuse it."""

    codes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.source or '-'}-{self.command}-refused-{'+'.join(self.codes)}"

    def run(self) -> None:
        chart, order, actor = self.start()
        try:
            found = chart.decide(order, actor)
        except Refused as refusal:
            assert tuple(refused_codes(refusal)) == self.codes
        else:
            raise AssertionError(f"{self.command} was not refused: {names(found)}")


@dataclass(frozen=True, kw_only=True)
class WhoMay(Attempt):
    """Whether the person may at all; what else would refuse it does not matter."""

    label: str
    may: bool

    def __str__(self) -> str:
        return f"{self.source or '-'}-{self.command}-by-{self.label}-{'may' if self.may else 'may_not'}"

    def run(self) -> None:
        chart, order, actor = self.start()
        try:
            chart.decide(order, actor)
        except (NotFound, NotPermitted):
            assert not self.may
        except Refused:
            assert self.may
        else:
            assert self.may


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """The commands that people are told of in a state."""

    command: str = ""
    label: str
    story: Story
    commands: frozenset[str]

    def __str__(self) -> str:
        return f"allowed-{self.label}"

    def run(self) -> None:
        found = allowed_commands(prepared(self.story).referral)
        assert len(found) == len(set(found))
        assert set(found) == self.commands


@dataclass(frozen=True, kw_only=True)
class SystemMay:
    """The events that an internal command may give in a state."""

    command: str
    story: Story
    events: frozenset[str]

    def __str__(self) -> str:
        state = prepared(self.story).referral
        return f"system-{self.command}-{state.direction}-{state.state}"

    def run(self) -> None:
        kind: type[c.Command] = getattr(c, self.command)
        found = events_of(kind, prepared(self.story).referral)
        assert {event.__name__ for event in found} == self.events


@dataclass(frozen=True, kw_only=True)
class Fold:
    """An event is folded onto a state, or cannot follow it (`to` is None)."""

    command: str = ""
    story: Story
    event: Event
    to: S | None
    label: str = field(default="")

    def __str__(self) -> str:
        where, event = source_of(self.story) or "-", type(self.event).__name__
        return f"fold-{where}-{event}-{self.to or 'never'}{self.label}"

    def run(self) -> None:
        chart = prepared(self.story)
        try:
            after = folded(chart, chart.state, self.event)
        except ValueError as error:
            assert self.to is None, error
            assert "cannot follow" in str(error)
        else:
            assert after.state is self.to


Case = Taken | Rejected | WhoMay | Allowed | SystemMay | Fold
