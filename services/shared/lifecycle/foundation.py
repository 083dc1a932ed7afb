"""What every service process is built on: its database, store, runner, relay and metrics."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib.metadata import version

from prometheus_client import CollectorRegistry

from services.shared.database.migrations import Migration
from services.shared.database.pool import CALLERS_WAIT_S, Database
from services.shared.eventstore.postgres_store import APPEND_CONNECTIONS, APPEND_SESSION, PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.traced_runner import TracedRunner
from services.shared.eventstore.units import AppendUnit
from services.shared.kafka.address import KafkaAddress
from services.shared.lifecycle.settings import Part, ServiceSettings
from services.shared.lifecycle.tracing import Tracing, build_tracing
from services.shared.outbox.metrics import RelayMetrics
from services.shared.outbox.relay import Relay, RelaySettings
from services.shared.outbox.signals import CoalescedNotifier, OutboxListener, nobody_here
from services.shared.outbox.table import RELAY_SESSION, OutboxTable
from services.shared.telemetry.metrics import new_registry
from services.shared.telemetry.tracer import Tracer

#: What PostgreSQL is to do about a process that is gone without a word: by itself it would keep the locks of
#: what that process had begun for two hours.
LOST_CLIENTS = {
    "idle_in_transaction_session_timeout": "30s",
    "tcp_keepalives_idle": "20s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "30s",
}

#: Told of every append of this process, after its commit, within the event loop. Must not block or raise.
Appended = Callable[[tuple[AppendUnit, ...]], None]


@dataclass(frozen=True, kw_only=True)
class Foundation:
    """The mechanisms of one process. Built once, in `main`; closed by `close`."""

    #: referral, bed or notification
    service: str
    settings: ServiceSettings
    parts: frozenset[Part]
    registry: CollectorRegistry
    migrations: tuple[Migration, ...]
    kafka: KafkaAddress
    #: for reading, migrating and the loops
    reading: Database
    appending: Database
    relaying: Database
    store: PostgresEventStore
    runner: CommandRunner
    #: None in a process that does not relay
    relay: Relay | None
    listener: OutboxListener | None
    notifier: CoalescedNotifier
    #: None where the site records no traces
    tracer: Tracer | None
    _tracing: Tracing | None
    _on_appended: list[Appended]

    def on_appended(self, told: Appended) -> None:
        """Adds somebody to be told of every append of this process."""
        self._on_appended.append(told)

    async def waiting(self, keys: Collection[str]) -> frozenset[str]:
        """Which of these aggregates have events that are not published yet. Raises DependencyDown."""
        return await OutboxTable(self.reading).waiting(keys)

    async def close(self) -> None:
        """Lets what is under way land and closes every connection."""
        await self.store.close()
        await self.notifier.stop()
        for database in (self.appending, self.relaying, self.reading):
            await database.close()
        if self._tracing is not None:
            await self._tracing.close()


def build_foundation(
    service: str, settings: ServiceSettings, dsn: str, migrations: tuple[Migration, ...]
) -> Foundation:
    """Builds the mechanisms; opens nothing yet.

    Raises ValueError for a part that does not exist, TracingUnavailableError for spans that cannot be sent.
    """
    parts = settings.chosen_parts()
    registry = new_registry(service=service, version=version("tierlink"))
    kafka = settings.kafka()
    tracing = build_tracing(service, settings, registry, callers_ratio=settings.tracing_callers_ratio)
    tracer = None if tracing is None else tracing.tracer
    name = f"tierlink-{service}"
    reading = Database(
        dsn,
        application_name=name,
        connections_max=settings.database_connections_max,
        session=LOST_CLIENTS,
    )
    appending = Database(
        dsn,
        application_name=f"{name}-append",
        connections_max=APPEND_CONNECTIONS,
        statement_s=CALLERS_WAIT_S,
        session={**LOST_CLIENTS, **APPEND_SESSION},
    )
    relaying = Database(
        dsn,
        application_name=f"{name}-relay",
        connections_max=6,
        statement_s=CALLERS_WAIT_S,
        session={**LOST_CLIENTS, **RELAY_SESSION},
    )
    relay = None
    if Part.RELAY in parts:
        relay_settings = RelaySettings(source=f"/tierlink/{service}")
        relay = Relay(relaying, kafka, relay_settings, RelayMetrics(registry), tracer)
    notifier = CoalescedNotifier(relaying, wake=nobody_here if relay is None else relay.wake)
    listeners: list[Appended] = [notifier.appended]

    def appended(units: tuple[AppendUnit, ...]) -> None:
        for told in listeners:
            told(units)

    store = PostgresEventStore(reading, appending, on_appended=appended)
    return Foundation(
        service=service,
        settings=settings,
        parts=parts,
        registry=registry,
        migrations=migrations,
        kafka=kafka,
        reading=reading,
        appending=appending,
        relaying=relaying,
        store=store,
        runner=CommandRunner(store) if tracer is None else TracedRunner(store, tracer),
        relay=relay,
        listener=None if relay is None else OutboxListener(relaying, relay),
        notifier=notifier,
        tracer=tracer,
        _tracing=tracing,
        _on_appended=listeners,
    )
