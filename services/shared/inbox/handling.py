"""What a service gives the consumer, and what it answers."""

from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final, Literal

from services.shared.eventstore.units import AppendStatus
from services.shared.kafka.cloud_events import ConsumedEvent


class Ignored(Enum):
    """The answer of a handler that has nothing to do for an event."""

    IGNORED = "IGNORED"


IGNORED: Final = Ignored.IGNORED

#: What `CommandRunner.react` returned for the event, called with `InboxMark(source=event.topic,
#: aggregate_id=event.key, version=event.version)`: effect and mark are then one transaction. Or IGNORED, and
#: the consumer marks the event, many in one statement.
Answer = AppendStatus | Literal[Ignored.IGNORED]

#: Raises DependencyDown or Overloaded when it should be asked again until it succeeds; anything else is the
#: event's own fault, and after a few tries it becomes a dead letter.
Handler = Callable[[ConsumedEvent], Awaitable[Answer]]
