"""What the use cases need of the table of deliveries. Raises DependencyDown wherever the database is away."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.notification.domain.channel_health import ChannelHealth
from services.notification.domain.delivery import ChannelDeliveryState, PlannedDelivery


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingCall:
    """An event of an alert that nobody has made deliveries of."""

    alert: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CallPlan:
    """What an event comes to."""

    alert: str
    deliveries: tuple[PlannedDelivery, ...] = ()
    #: why what is not sent yet need not be; empty when it must be
    stopped: str = ""
    #: who acted, and when; empty for nobody
    acted_user: str = ""
    acted_at: datetime | None = None
    #: it could not be worked out: the call goes on waiting
    is_faulty: bool = False
    #: W3C trace context of what made the event; empty when there is none
    traceparent: str = ""


#: What a waiting call comes to. Writes nothing that it would not write again alike.
PlanCall = Callable[[WaitingCall], Awaitable[CallPlan]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DueDelivery:
    """A message in this worker's hands."""

    id: str
    alert: str
    step: int
    round: int
    recipient: str
    recipient_name: str
    facility: str
    channel: str
    called_at: datetime
    #: this try, from 1
    attempt: int
    #: earlier tries that were refused for certain
    refused_before: int
    #: W3C trace context of what called; empty when there is none
    traceparent: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownAttempt:
    """One try, as it is shown."""

    number: int
    started_at: datetime
    ended_at: datetime | None
    #: STARTED, SENT, FAILED or UNKNOWN
    outcome: str
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownDelivery:
    """A delivery as a reader of its alert is shown it: no address."""

    id: str
    recipient: str
    channel: str
    step: int
    round: int
    state: ChannelDeliveryState
    detail: str
    reference: str
    called_at: datetime
    planned_at: datetime
    sent_at: datetime | None
    delivered_at: datetime | None
    seen_at: datetime | None
    acted_at: datetime | None
    attempts: tuple[ShownAttempt, ...]


class DeliveryTable(Protocol):
    """Durable: what is written here is done, or still to be done, after any crash."""

    async def plan_some(self, plan: PlanCall, limit: int) -> int:
        """Plans at most `limit` waiting calls and forgets them in the same transaction; returns how many.

        A plan that is faulty is asked for again, later and later: no call is lost.
        """
        ...

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Sequence[DueDelivery]:
        """Due messages of a channel, the loudest first, each for a while in nobody else's hands."""
        ...

    async def sent(self, due: DueDelivery, state: ChannelDeliveryState, reference: str) -> None: ...

    async def failed(
        self, due: DueDelivery, detail: str, *, again_in_s: float | None, is_unknown: bool, counts: bool
    ) -> None:
        """`counts`: against the channel, not against the recipient's own address."""
        ...

    async def needless(self, due: DueDelivery, why: str) -> None: ...

    async def next_due_s(self, channels: Sequence[str], horizon_s: float) -> float: ...

    async def health(self, channels: Sequence[str]) -> Sequence[ChannelHealth]: ...

    async def fall_silent(self, channel: str) -> datetime: ...

    async def set_alarmed(self, channel: str, silent_since: datetime) -> None: ...

    async def speak_again(self, channel: str, silent_since: datetime) -> None: ...

    async def shown(self, alert: str, *, limit: int) -> tuple[ShownDelivery, ...]: ...
