"""The context of commands that nobody typed: reactions to other services' events, and due deadlines."""

from datetime import datetime

from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.deadlines.worker import DueDeadline
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import derive_id


def reaction_context(record: ConsumedEvent, occurred_at: datetime, actor: Actor) -> CommandContext:
    """The reaction to an event happens when the event did, and is recorded now."""
    return CommandContext(
        request_id=derive_id("reaction", record.topic, record.event_id),
        actor=actor,
        occurred_at=occurred_at,
        recorded_at=DAY_CLOCK.now(),
        traceparent=record.traceparent,
    )


def deadline_context(due: DueDeadline, actor: Actor) -> CommandContext:
    """A deadline happens when it was due, however late the worker is; it is recorded now.

    The database's clock said that it is due. Where this process's own is behind, a deadline recorded before
    it is due would be taken for one that has moved on, and never be met.
    """
    return CommandContext(
        request_id=due.request_id,
        actor=actor,
        occurred_at=due.due_at,
        recorded_at=max(DAY_CLOCK.now(), due.due_at),
        traceparent=due.traceparent,
    )
