"""How a call of an alert becomes messages: one a channel, each with a name that follows from the call."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from services.notification.domain.alert_state import Alert
from services.notification.domain.reach import ChannelTraits, ReachHindrance, Way, ways
from services.notification.domain.values import AlertCall, AlertState, Severity
from services.shared.kernel.ids import derive_id

#: What a recipient gets about one subject by one channel within this time is one message.
SAME_MOMENT = timedelta(seconds=5)

#: A call older than this is not sent any more: after an outage nobody is told of what is long over.
CALL_AGE_MAX = timedelta(hours=1)

#: After which time since it was sent a vendor is asked what became of a message, while it does not know.
RECEIPT_DELAYS = tuple(timedelta(seconds=delay_s) for delay_s in (10, 30, 60, 120, 300, 900, 3600, 21600))

#: Subjects of the alarm that a channel is silent: `channels/sms`.
CHANNEL_COLLECTION = "channels"

#: Why nothing more is sent to somebody who has acknowledged.
ANSWERED = "ANSWERED"

#: In place of a channel, of a row that says that somebody could not be reached.
NO_CHANNEL = ""

#: What shows in the alert as a message that was given up: somebody has to mend the roster or the site's file.
_SHOWN = (ReachHindrance.NO_SUCH_CHANNEL, ReachHindrance.NO_CONTACT_POINT)

#: The site wants it so: nothing is planned.
_LEFT_OUT = (ReachHindrance.CHANNEL_SILENT, ReachHindrance.NOT_FOR_SEVERITY)

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
    own: tuple[str, ...] | None,
) -> tuple[PlannedDelivery, ...]:
    """The messages of one call to the person alone.

    `own` are the channels of the person's contact points; None where these cannot be read: sending finds out
    whether they can by then. A channel that the roster names, and that the site or the person does not have,
    is planned as given up: it shows in the alert.
    """
    return tuple(
        _planned(alert, call, way.channel, way.hindrance.value if way.hindrance in _SHOWN else "")
        for way in _ways(alert, call, channels, own)
        if way.hindrance not in _LEFT_OUT and not _is_shared(channels.get(way.channel))
    )


def plan_shared(
    alert: Alert, calls: tuple[AlertCall, ...], *, channels: Mapping[str, ChannelTraits]
) -> tuple[PlannedDelivery, ...]:
    """The messages to groups for one round of calls: one a channel, however many people are called."""
    first: dict[str, AlertCall] = {}
    for call in calls:
        for way in _ways(alert, call, channels, ()):
            if way.hindrance is None and _is_shared(channels.get(way.channel)):
                first.setdefault(way.channel, call)
    return tuple(
        _planned(alert, replace(call, id=_round_id(alert, call), recipient="", name="", facility=""), name)
        for name, call in first.items()
    )


def plan_unreached(alert: Alert, call: AlertCall, why: str) -> PlannedDelivery:
    """What shows in the alert where somebody is called whom nothing reaches."""
    return _planned(alert, call, NO_CHANNEL, why)


def _ways(
    alert: Alert, call: AlertCall, channels: Mapping[str, ChannelTraits], own: tuple[str, ...] | None
) -> tuple[Way, ...]:
    return ways(
        call.channels, channels=channels, own=own, severity=alert.severity, silent=silent_channel(alert)
    )


def _is_shared(traits: ChannelTraits | None) -> bool:
    return traits is not None and traits.is_shared


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
