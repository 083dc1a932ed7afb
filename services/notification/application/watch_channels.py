"""A channel through which nothing gets raises an alarm by another one, once an outage."""

from collections.abc import Callable, Mapping
from datetime import datetime

import structlog

from services.notification.application.aggregates import Aggregates
from services.notification.application.channels import SiteChannel
from services.notification.application.delivery_table import DeliveryTable
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert, alert_name
from services.notification.domain.channel_health import (
    ChannelHealth,
    SilenceLimits,
    all_clear,
    silence_alarm,
    silence_key,
)
from services.notification.domain.rules import RuleCatalogue
from services.notification.domain.values import Severity
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery
from services.shared.eventstore.work import Reaction, Work
from services.shared.kernel.actor import system_actor
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import derive_id

_log = structlog.get_logger(__name__)
_ACTOR = system_actor("notification")

#: Told whether a channel is silent.
Seen = Callable[[str, bool], None]


class ChannelWatch:
    """Raises DependencyDown when the store is away."""

    def __init__(
        self,
        *,
        store: EventStore,
        runner: CommandRunner,
        kinds: Aggregates,
        table: DeliveryTable,
        catalogue: RuleCatalogue,
        channels: Mapping[str, SiteChannel],
        limits: SilenceLimits,
        seen: Seen,
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._table = table
        self._catalogue = catalogue
        self._channels = channels
        self._limits = limits
        self._seen = seen

    async def look(self) -> None:
        """Raises and settles what has changed since the last look; again after a crash in between."""
        for health in await self._table.health(tuple(self._channels)):
            silent = health.is_silent(self._limits)
            self._seen(health.channel, silent)
            if silent and not health.alarmed:
                await self._raise(health)
            elif not silent and health.silent_since is not None:
                await self._settle(health, health.silent_since)

    async def _raise(self, health: ChannelHealth) -> None:
        channel = health.channel
        since = await self._table.fall_silent(channel)
        _log.error("channel_silent", channel=channel, failures=health.failures_in_a_row)
        command = silence_alarm(
            channel,
            since,
            fallback=self._catalogue.fallback,
            timing=self._catalogue.escalation[Severity.HIGH],
        )

        async def reaction(work: Work) -> None:
            name = alert_name(command.dedup_key, await self._latest(work, channel))
            state: Alert | None = await work.load(self._kinds.alert, name)
            events = alerts.decide(state, command, work.context)
            if events:
                await work.record(self._kinds.alert, name, events)

        await self._run(reaction, f"silent/{channel}/{since.isoformat()}", health.read_at, channel)
        await self._table.set_alarmed(channel, since)

    async def _settle(self, health: ChannelHealth, since: datetime) -> None:
        channel = health.channel
        _log.info("channel_works", channel=channel)

        async def reaction(work: Work) -> None:
            alarm = await self._latest(work, channel)
            command = None if alarm is None else all_clear(alarm, health.read_at)
            if alarm is not None and command is not None:
                events = alerts.decide(alarm, command, work.context)
                if events:
                    await work.record(self._kinds.alert, alarm.name, events)

        await self._run(reaction, f"works/{channel}/{since.isoformat()}", health.read_at, channel)
        await self._table.speak_again(channel, since)

    async def _run(self, reaction: Reaction, key: str, at: datetime, channel: str) -> None:
        context = CommandContext(
            request_id=derive_id("channel", key), actor=_ACTOR, occurred_at=at, recorded_at=at
        )
        await self._runner.react(reaction, context, target=silence_key(channel), inbox=None)

    async def _latest(self, work: Work, channel: str) -> Alert | None:
        query = StreamQuery(
            kind=self._kinds.alert.name, contains={"dedup_key": silence_key(channel)}, limit=1
        )
        page = await self._store.find(query)
        if not page.streams:
            return None
        latest: Alert | None = await work.load(self._kinds.alert, page.streams[0].stream_id)
        return latest
