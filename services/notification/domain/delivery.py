"""How a call of an alert becomes messages: one a channel, each with a name that follows from the call."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.notification.domain.alert_state import Alert
from services.notification.domain.values import STREAM_CHANNEL, AlertCall, AlertState, Severity
from services.shared.kernel.ids import derive_id

#: What a recipient gets about one subject by one channel within this time is one message.
SAME_MOMENT = timedelta(seconds=5)

#: A call older than this is not sent any more: after an outage nobody is told of what is long over.
CALL_AGE_MAX = timedelta(hours=1)

#: Subjects of the alarm that a channel is silent: `channels/sms`.
CHANNEL_COLLECTION = "channels"

#: Every board and stream shows an alert at once; nothing is sent there.
BUILT_IN_CHANNELS = frozenset({STREAM_CHANNEL, "board"})

_RANKS = {Severity.CRITICAL: 0, Severity.HIGH: 1, Severity.INFORMATION: 2}


class ChannelDeliveryState(StrEnum):
    """How far a message came."""

    #: to be sent, or sent again
    PENDING = "PENDING"
    #: the channel took it
    SENT = "SENT"
    #: the channel says that it arrived
    DELIVERED = "DELIVERED"
    #: the channel says that somebody saw it
    SEEN = "SEEN"
    #: its recipient acted on the alert
    ACTED = "ACTED"
    #: not needed any more before it was sent
    CANCELLED = "CANCELLED"
    #: given up
    DEAD = "DEAD"
    #: another message about the same subject went to the recipient at the same moment
    MERGED = "MERGED"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelTraits:
    """What planning needs to know of a channel."""

    name: str
    #: severities that it is used for
    severities: frozenset[Severity]
    #: used for everybody who names no channels: a group's robot needs no address
    for_everybody: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedDelivery:
    """One message to be."""

    #: UUID; the receiver's idempotency key
    id: str
    alert: str
    call: AlertCall
    channel: str
    subject: str
    #: 0 is the loudest
    severity_rank: int
    #: why it cannot be sent at all; empty when it can
    refusal: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often a message is tried, and how long is waited in between."""

    attempts_max: int = 5
    first_s: float = 2.0
    max_s: float = 60.0

    def delay_s(self, attempts: int) -> float | None:
        """Seconds until the next try after `attempts` of them; None when there is none."""
        if attempts >= self.attempts_max:
            return None
        return min(self.first_s * 2.0 ** (attempts - 1), self.max_s)


def plan(
    alert: Alert,
    call: AlertCall,
    *,
    channels: Mapping[str, ChannelTraits],
    reachable_by: tuple[str, ...],
) -> tuple[PlannedDelivery, ...]:
    """The messages of one call. `reachable_by` are the channels of the person's contact points.

    A channel that the roster names and the site does not have is planned as given up: it shows in the alert.
    """
    silent = silent_channel(alert)
    planned: list[PlannedDelivery] = []
    for name in _wanted(call, channels, reachable_by):
        traits = channels.get(name)
        if name == silent or (traits is not None and alert.severity not in traits.severities):
            continue
        planned.append(
            PlannedDelivery(
                id=delivery_id(alert.name, call, name),
                alert=alert.name,
                call=call,
                channel=name,
                subject=alert.subject,
                severity_rank=_RANKS[alert.severity],
                refusal="" if traits is not None else "NO_SUCH_CHANNEL",
            )
        )
    return tuple(planned)


def delivery_id(alert: str, call: AlertCall, channel: str) -> str:
    """The same for the same call, however often it is worked out; another for every repetition."""
    return derive_id("delivery", alert, call.id, channel)


def silent_channel(alert: Alert) -> str:
    """The channel whose silence the alert is about; empty for every other alert."""
    collection, _, name = alert.subject.partition("/")
    return name if collection == CHANNEL_COLLECTION else ""


def is_needed(alert: Alert, called_at: datetime, now: datetime) -> str:
    """Why a message need not be sent any more; empty while it must be."""
    if alert.state is not AlertState.TRIGGERED:
        return alert.state.value
    return "TOO_LATE" if now - called_at > CALL_AGE_MAX else ""


def _wanted(
    call: AlertCall, channels: Mapping[str, ChannelTraits], reachable_by: tuple[str, ...]
) -> tuple[str, ...]:
    if call.channels:
        wanted: tuple[str, ...] = call.channels
    else:
        shared = (name for name, traits in channels.items() if traits.for_everybody)
        wanted = (*(name for name in reachable_by if name in channels), *shared)
    return tuple(name for name in dict.fromkeys(wanted) if name not in BUILT_IN_CHANNELS)
