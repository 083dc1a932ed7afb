"""Given a standing order, when a command, then events or a refusal: the tests' small language.

Every event goes through the stored bytes, and every state through its snapshot.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from services.referral.domain import standing as orders
from services.referral.domain.referral_state import Referral
from services.referral.domain.standing_commands import MeetDeadline, ScheduleStanding, StandingCommand
from services.referral.domain.standing_events import StandingEvent
from services.referral.domain.standing_state import StandingOrder, visit_named
from services.referral.domain.standing_values import StandingPlan, Visit, VisitState, Weekday
from services.referral.domain.values import CodedReason, Pathway, Urgency
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import InvalidInput, NotAllowed, Refused
from services.shared.protocodec.event_codec import EventCodec
from tests.unit.referral.referral.network import DIRECTORY, QITAI, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.stories import ACCEPT, ROUTINE, told
from tierlink.referral.v1 import standing_events_pb2
from tierlink.type.v1 import type_pb2

CODEC: EventCodec[Any] = EventCodec(
    standing_events_pb2.StandingEvent, type_pb2.EventMetadata, orders.EVENTS, orders.StandingEnvelope
)
NAME = "standing_orders/5ad1ac15-0000-4000-8000-000000000001"
#: Monday, 10:00 in Beijing.
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
WHY = CodedReason(code="PATIENT_AWAY", text="外出")
NO_REASON = CodedReason(code="")

#: Haemodialysis on Mondays, Wednesdays and Fridays at 14:00, until the middle of May.
PLAN = StandingPlan(
    weekdays=(Weekday.MONDAY, Weekday.WEDNESDAY, Weekday.FRIDAY),
    at="14:00",
    starts_on="2026-03-02",
    ends_on="2026-05-15",
    duration_minutes=240,
)


def dialysis() -> Referral:
    """A referral of haemodialysis from Wucaiwan that Qitai has accepted."""
    command = replace(
        ROUTINE,
        destinations=("qitai-people",),
        pathway=Pathway.HEMODIALYSIS,
        urgency=Urgency.URGENT,
        overrides=(),
    )
    chart = told((replace(command, urgency=Urgency.EMERGENCY), WUCAIWAN), (ACCEPT, QITAI))
    return chart.referral


@dataclass
class Series:
    """One standing order under test, with the clock around it."""

    referral: Referral = field(default_factory=dialysis)
    state: StandingOrder | None = None
    events: list[StandingEvent] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    now: datetime = NOW
    given: int = 0

    @property
    def order(self) -> StandingOrder:
        assert self.state is not None, "there is no order yet"
        return self.state

    def visit(self, name: str) -> Visit:
        found = visit_named(self.order, name)
        assert found is not None, name
        return found

    def later(self, **duration: float) -> "Series":
        self.now += timedelta(**duration)
        return self

    def context(self, actor: Actor, occurred_at: datetime | None = None) -> CommandContext:
        return CommandContext(
            request_id=derive_id("test", str(self.given)),
            actor=actor,
            occurred_at=occurred_at or self.now,
            recorded_at=self.now,
        )

    def decide(
        self,
        command: ScheduleStanding | StandingCommand,
        actor: Actor = QITAI,
        occurred_at: datetime | None = None,
    ) -> tuple[StandingEvent, ...]:
        self.given += 1
        context = self.context(actor, occurred_at)
        if isinstance(command, ScheduleStanding):
            return orders.decide_schedule(command, context, referral=self.referral, directory=DIRECTORY)
        return orders.decide(self.state, command, context, directory=DIRECTORY)

    def when(
        self,
        command: ScheduleStanding | StandingCommand,
        actor: Actor = QITAI,
        occurred_at: datetime | None = None,
    ) -> tuple[StandingEvent, ...]:
        """Carries a command out and returns its events."""
        found = self.decide(command, actor, occurred_at)
        self.take(found, self.context(actor, occurred_at))
        return found

    def take(self, events: Iterable[StandingEvent], context: CommandContext) -> None:
        for event in events:
            version = len(self.stored) + 1
            metadata = EventMetadata(
                event_id=str(version),
                aggregate_id=NAME,
                version=version,
                type=type(event).__name__,
                occurred_at=context.occurred_at,
                recorded_at=context.recorded_at,
                actor=context.actor,
                request_id=context.request_id,
            )
            recorded = Recorded(event=event, metadata=metadata)
            after = orders.evolve(self.state, recorded)
            stored = CODEC.encode(metadata, event, orders.envelope(after))
            assert CODEC.decode(stored) == recorded
            snapshot = msgspec.msgpack.encode(after)
            again = msgspec.msgpack.decode(snapshot, type=StandingOrder)
            assert again == after
            assert msgspec.msgpack.encode(again) == snapshot
            self.state = again
            self.stored.append(stored)
            self.events.append(event)

    def due(self, key: str) -> tuple[StandingEvent, ...]:
        """Meets the first open deadline whose key begins so, at its time."""
        for deadline in orders.deadlines(self.order):
            if deadline.key.startswith(key):
                self.now = max(self.now, deadline.due_at)
                found = self.when(MeetDeadline(key=deadline.key), SYSTEM)
                assert all(each.key != deadline.key for each in orders.deadlines(self.order))
                return found
        raise AssertionError(f"no deadline {key}")

    def open_keys(self) -> list[str]:
        return [deadline.key for deadline in orders.deadlines(self.order)]

    def refused(
        self, command: ScheduleStanding | StandingCommand, actor: Actor = QITAI, *codes: str
    ) -> Refused:
        """The refusal of a command; with `codes`, of exactly these rules or field reasons."""
        try:
            found = self.decide(command, actor)
        except Refused as refusal:
            assert not codes or refused_codes(refusal) == list(codes), refused_codes(refusal)
            return refusal
        raise AssertionError(f"{command} was not refused: {found}")


def refused_codes(refusal: Refused) -> list[str]:
    if isinstance(refusal, NotAllowed):
        return [rule.code for rule in refusal.failed_rules]
    if isinstance(refusal, InvalidInput):
        return [violation.reason for violation in refusal.violations]
    return [getattr(refusal, "reason", type(refusal).__name__)]


def names(events: Iterable[StandingEvent]) -> list[str]:
    return [type(event).__name__ for event in events]


SCHEDULE = ScheduleStanding(referral="referrals/5d9f7c5e-0000-4000-8000-000000000001", plan=PLAN)


def running(plan: StandingPlan = PLAN) -> Series:
    series = Series()
    series.when(replace(SCHEDULE, plan=plan))
    return series


def days(series: Series, state: VisitState = VisitState.SCHEDULED) -> list[str]:
    return [visit.day for visit in series.order.visits if visit.state is state]
