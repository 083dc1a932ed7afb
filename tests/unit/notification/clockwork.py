"""One alert under a fake clock, and the worker that meets its deadlines."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from services.notification.domain import alert
from services.notification.domain import commands as ask
from services.notification.domain import events as happened
from services.notification.domain.values import (
    AlertCall,
    AlertState,
)
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from tests.unit.notification.scenario import NOW, REQUEST, SYSTEM


def person(user: str) -> Actor:
    return Actor(user=user, name=user, facility="elsewhere", roles=(Role.AMBULANCE,))


@dataclass(kw_only=True)
class Clockwork:
    """One alert, the clock, and the worker that meets its deadline some time after it is due."""

    now: datetime = NOW
    state: alert.Alert | None = None
    history: list[Recorded[alert.AlertEvent]] = field(default_factory=list)
    #: every round of calls, with the moment at which it was made
    rounds: list[tuple[datetime, tuple[AlertCall, ...]]] = field(default_factory=list)
    #: how late the worker is
    late: timedelta = timedelta(0)

    def do(self, command: alert.AlertCommand, by: Actor = SYSTEM) -> tuple[alert.AlertEvent, ...]:
        told = CommandContext(request_id=REQUEST, actor=by, occurred_at=self.now, recorded_at=self.now)
        events = alert.decide(self.state, command, told)
        for event in events:
            metadata = EventMetadata(
                event_id=f"e-{len(self.history)}",
                aggregate_id="alerts/1",
                version=len(self.history) + 1,
                type=type(event).__name__,
                occurred_at=self.now,
                recorded_at=self.now,
                actor=by,
                request_id=REQUEST,
            )
            self.history.append(Recorded(event=event, metadata=metadata))
            self.state = alert.evolve(self.state, self.history[-1])
            if isinstance(
                event, happened.AlertTriggered | happened.AlertRetriggered | happened.AlertEscalated
            ):
                self.rounds.append((self.now, event.calls))
        self.check()
        return events

    @property
    def alert(self) -> alert.Alert:
        assert self.state is not None
        return self.state

    def restart(self) -> None:
        """Another process goes on with what the store has: the snapshot, or the fold of the events."""
        assert self.state is not None
        snapshot = msgspec.msgpack.decode(msgspec.msgpack.encode(self.state), type=alert.Alert)
        folded: alert.Alert | None = None
        for entry in self.history:
            folded = alert.evolve(folded, entry)
        assert snapshot == folded == self.state
        self.state = snapshot

    def pass_time(self, until: datetime, late: timedelta, *, restarts: bool = False) -> None:
        """The worker meets each deadline `late` after it is due; never before."""
        self.late = late
        while True:
            due = [each.due_at + late for each in alert.deadlines(self.alert)]
            if not due or due[0] > until:
                break
            self.now = max(self.now, due[0])
            if restarts:
                self.restart()
            self.do(ask.MeetDeadline(key=alert.ESCALATE))
        self.now = max(self.now, until)

    def check(self) -> None:
        """One step at a time, and a next call as long as somebody is waited for."""
        state = self.alert
        open_deadlines = alert.deadlines(state)
        waits = state.state is AlertState.TRIGGERED and not state.escalation_exhausted
        assert len(open_deadlines) == (1 if waits else 0)
        if waits:
            step = state.escalation[state.escalation_step]
            assert open_deadlines[0].due_at <= self.now + timedelta(seconds=step.repeat_s)
            # A late worker has not met yet what came due a moment ago.
            assert open_deadlines[0].due_at > self.now - self.late
        if self.rounds and self.rounds[-1][1]:
            _, calls = self.rounds[-1]
            assert len({(call.run, call.step, call.round) for call in calls}) == 1, "two steps at once"
        ids = [call.id for _, calls in self.rounds for call in calls]
        assert len(ids) == len(set(ids)), "no call has the id of another"
