"""When a channel counts as silent: nobody would otherwise notice that nothing is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.domain.alert_state import Alert
from services.notification.domain.commands import SettleAlert, TriggerAlert
from services.notification.domain.delivery import CHANNEL_COLLECTION
from services.notification.domain.rules import EscalationTiming, Fallback
from services.notification.domain.texts import CHANNEL_SILENT_BODY, CHANNEL_SILENT_TITLE
from services.notification.domain.values import AlertState, DutyStep, EscalationStep, Recipient, Severity
from services.notification.domain.wording import fill
from services.shared.kernel.text import BilingualText

#: Rule of the alarm that a channel is silent.
CHANNEL_SILENT = "CHANNEL_SILENT"
#: What settles it.
CHANNEL_WORKS = "ChannelWorks"

#: Whose alarm it is where the fallback is of no facility.
PLATFORM = "platform"


@dataclass(frozen=True, kw_only=True, slots=True)
class SilenceLimits:
    """When a channel is silent."""

    failures: int = 5
    #: without a success while there is work
    after_s: float = 300.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ChannelHealth:
    """How a channel fares."""

    channel: str
    failures_in_a_row: int
    last_success_at: datetime | None
    #: oldest message that is not sent; None without work
    waiting_since: datetime | None
    #: None while it works
    silent_since: datetime | None
    #: the alarm of this outage is raised
    alarmed: bool
    read_at: datetime

    def is_silent(self, limits: SilenceLimits) -> bool:
        """Whether an outage has begun, or goes on: it ends with a success alone."""
        if self.failures_in_a_row >= limits.failures:
            return True
        if self.silent_since is not None:
            return self.last_success_at is None or self.last_success_at <= self.silent_since
        if self.waiting_since is None:
            return False
        since = max(self.waiting_since, self.last_success_at or self.waiting_since)
        return self.read_at - since > timedelta(seconds=limits.after_s)


def silence_alarm(
    channel: str, silent_since: datetime, *, fallback: Fallback, timing: EscalationTiming
) -> TriggerAlert:
    """The alarm to whoever is called when nobody else is left, by another channel than the silent one."""
    values = {"channel": BilingualText(zh=channel, en=channel)}
    recipients = tuple(
        Recipient(
            user=person.user,
            name=person.name,
            channels=tuple(name for name in person.channels if name != channel),
        )
        for person in fallback.recipients
    )
    step = EscalationStep(
        duty=DutyStep.FALLBACK.value,
        facility=fallback.facility,
        recipients=recipients,
        repeat_s=timing.repeat_s,
        rounds=timing.rounds,
    )
    return TriggerAlert(
        rule=CHANNEL_SILENT,
        dedup_key=silence_key(channel),
        severity=Severity.HIGH,
        facility=fallback.facility or PLATFORM,
        role="operator",
        pathway=None,
        urgency=None,
        subject=f"{CHANNEL_COLLECTION}/{channel}",
        episode="",
        title=fill(CHANNEL_SILENT_TITLE, values),
        body=fill(CHANNEL_SILENT_BODY, values),
        action="",
        act_by=None,
        escalation=(step,),
        cause_event_id=f"{CHANNEL_SILENT}/{channel}/{silent_since.isoformat()}",
    )


def silence_key(channel: str) -> str:
    """The dedup key of a channel's alarm."""
    return f"{CHANNEL_SILENT}/{CHANNEL_COLLECTION}/{channel}"


def all_clear(alert: Alert, works_at: datetime) -> SettleAlert | None:
    """What settles the alarm when the channel works again; None when nothing is left to settle."""
    if alert.state is AlertState.RESOLVED:
        return None
    return SettleAlert(resolution=CHANNEL_WORKS, cause_event_id=f"{CHANNEL_WORKS}/{works_at.isoformat()}")
