"""How a call of an alert becomes messages: one a channel, each with a name that follows from the call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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

#: Why nothing more is sent to somebody who has acknowledged.
ANSWERED = "ANSWERED"

#: In place of a channel, of a row that says that somebody could not be reached.
NO_CHANNEL = ""

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
    #: goes to a group: one message for all who are called, to nobody's own address
    is_shared: bool = False
    #: needs the person's own contact point
    needs_address: bool = False


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
    reachable_by: tuple[str, ...] | None,
) -> tuple[PlannedDelivery, ...]:
    """The messages of one call to the person alone.

    `reachable_by` are the channels of the person's contact points; None where these cannot be read. A channel
    that the roster names, and that the site or the person does not have, is planned as given up: it shows in
    the alert.
    """
    planned: list[PlannedDelivery] = []
    for name in _wanted(call.channels, channels, reachable_by or ()):
        traits = channels.get(name)
        if traits is None:
            planned.append(_planned(alert, call, name, "NO_SUCH_CHANNEL"))
        elif not traits.is_shared and _is_used(traits, alert):
            lacks_address = traits.needs_address and reachable_by is not None and name not in reachable_by
            planned.append(_planned(alert, call, name, "NO_CONTACT_POINT" if lacks_address else ""))
    return tuple(planned)


def plan_shared(
    alert: Alert, calls: tuple[AlertCall, ...], *, channels: Mapping[str, ChannelTraits]
) -> tuple[PlannedDelivery, ...]:
    """The messages to groups for one round of calls: one a channel, however many people are called."""
    first: dict[str, AlertCall] = {}
    for call in calls:
        for name in _wanted(call.channels, channels, ()):
            traits = channels.get(name)
            if traits is not None and traits.is_shared and _is_used(traits, alert):
                first.setdefault(name, call)
    return tuple(
        _planned(alert, replace(call, id=_round_id(alert, call), recipient="", name="", facility=""), name)
        for name, call in first.items()
    )


def plan_unreached(alert: Alert, call: AlertCall, why: str) -> PlannedDelivery:
    """What shows in the alert where somebody is called whom nothing reaches."""
    return _planned(alert, call, NO_CHANNEL, why)


def is_reached(
    alert: Alert,
    named: tuple[str, ...],
    *,
    channels: Mapping[str, ChannelTraits],
    reachable_by: tuple[str, ...] | None,
) -> bool:
    """Whether a message can come to somebody for whom the roster names these channels.

    A channel that is not used for the alert's severity reaches them all the same: nothing is wrong then.
    """
    silent, own = silent_channel(alert), reachable_by or ()
    found = (channels[name] for name in _wanted(named, channels, own) if name in channels and name != silent)
    return any(not traits.needs_address or traits.name in own for traits in found)


def _is_used(traits: ChannelTraits, alert: Alert) -> bool:
    return alert.severity in traits.severities and traits.name != silent_channel(alert)


def _planned(alert: Alert, call: AlertCall, channel: str, refusal: str = "") -> PlannedDelivery:
    return PlannedDelivery(
        id=delivery_id(alert.name, call, channel),
        alert=alert.name,
        call=call,
        channel=channel,
        subject=alert.subject,
        severity_rank=_RANKS[alert.severity],
        refusal=refusal,
    )


def _round_id(alert: Alert, call: AlertCall) -> str:
    """Of a round of calls: the same whoever of the people is called first."""
    return derive_id("round", alert.name, str(call.run), str(call.step), str(call.round))


def delivery_id(alert: str, call: AlertCall, channel: str) -> str:
    """The same for the same call, however often it is worked out; another for every repetition."""
    return derive_id("delivery", alert, call.id, channel)


def silent_channel(alert: Alert) -> str:
    """The channel whose silence the alert is about; empty for every other alert."""
    collection, _, name = alert.subject.partition("/")
    return name if collection == CHANNEL_COLLECTION else ""


def is_needed(alert: Alert, recipient: str, called_at: datetime, now: datetime) -> str:
    """Why a message need not be sent any more; empty while it must be."""
    if alert.state is not AlertState.TRIGGERED:
        return alert.state.value
    if any(given.actor.user == recipient for given in alert.acknowledgements):
        # One of several who must acknowledge: the others are still waited for, this one is not.
        return ANSWERED
    return "TOO_LATE" if now - called_at > CALL_AGE_MAX else ""


def _wanted(
    named: tuple[str, ...], channels: Mapping[str, ChannelTraits], reachable_by: tuple[str, ...]
) -> tuple[str, ...]:
    if named:
        wanted: tuple[str, ...] = named
    else:
        shared = (name for name, traits in channels.items() if traits.for_everybody)
        wanted = (*(name for name in reachable_by if name in channels), *shared)
    return tuple(name for name in dict.fromkeys(wanted) if name not in BUILT_IN_CHANNELS)
