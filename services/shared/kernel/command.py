"""What every command carries beside its own fields."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from services.shared.kernel.actor import Actor

E_co = TypeVar("E_co", covariant=True)


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandContext:
    """Who asks, when, under which request id; time and ids arrive here, so that the domain asks no clock."""

    #: UUID drawn by the caller; the same again gets the first reply
    request_id: str
    actor: Actor
    #: clinical time of what happened, UTC
    occurred_at: datetime
    #: when the platform received it, UTC
    recorded_at: datetime
    #: version the caller decided on; None when it does not care
    expected_version: int | None = None
    #: W3C trace context of the call, empty when there is none
    traceparent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EventMetadata:
    """What every event carries beside its payload; stored and published with it, and covered by its hash."""

    event_id: str
    aggregate_id: str
    #: 1 for an aggregate's first event, then one more each
    version: int
    #: the event's name in past tense, such as `ReferralAccepted`
    type: str
    #: clinical time, UTC
    occurred_at: datetime
    #: when it was recorded, UTC
    recorded_at: datetime
    actor: Actor
    request_id: str
    traceparent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Recorded(Generic[E_co]):
    """An event with its metadata: what a fold reads."""

    event: E_co
    metadata: EventMetadata


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """A moment at which an ordinary command is given by the system, unless the aggregate moves on before."""

    #: distinguishes the open deadlines of one aggregate, such as `acknowledge:offers/…`
    key: str
    due_at: datetime
