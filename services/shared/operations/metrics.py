"""What a service's condition is, as metrics: what else is only seen when somebody asks for it."""

import time
from datetime import datetime

import structlog
from prometheus_client import CollectorRegistry, Gauge

from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.stopping import Stopping
from services.shared.operations.condition import Condition, ConditionReader, Waiting

_log = structlog.get_logger(__name__)

#: Twice within Prometheus's usual minute; a reading is a few statements of a millisecond.
_MEASURE_S = 15.0


class ConditionMetrics:
    """Gauges of a service; every process of it says the same of what is in their database."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.overdue = Gauge(
            "tierlink_deadlines_overdue",
            "Deadlines of the service that are due and not met.",
            registry=registry,
        )
        self.overdue_s = Gauge(
            "tierlink_deadlines_overdue_seconds",
            "How long the deadline is due that has been due longest.",
            registry=registry,
        )
        self.letters = Gauge(
            "tierlink_dead_letters_open", "Dead letters that nobody has decided on.", registry=registry
        )
        self.unheld = Gauge(
            "tierlink_relay_shards_unheld",
            "Shards of the outbox that no live relay holds.",
            registry=registry,
        )
        self.outbox_s = Gauge(
            "tierlink_outbox_oldest_seconds",
            "How long the oldest message of the whole outbox has waited, relay or not.",
            registry=registry,
        )
        self.ahead_s = Gauge(
            "tierlink_database_clock_ahead_seconds",
            "How far the database's clock is ahead of this process's at least; negative when behind.",
            registry=registry,
        )
        self.missing = Gauge(
            "tierlink_database_migrations_missing",
            "Migrations that this version needs and the database lacks.",
            registry=registry,
        )
        self.measured_at_s = Gauge(
            "tierlink_condition_measured_timestamp_seconds",
            "When these figures were read last; they stand still while the database is away.",
            registry=registry,
        )
        self._certificate_end = Gauge(
            "tierlink_certificate_end_timestamp_seconds",
            "Until when a certificate is valid that this process shows, to callers or to Kafka.",
            ("shown_to",),
            registry=registry,
        )

    def certificates(self, *, callers: datetime | None, kafka: datetime | None) -> None:
        """Says until when what this process shows is valid; without a certificate there is no series."""
        for shown_to, valid_until in (("callers", callers), ("kafka", kafka)):
            if valid_until is not None:
                self._certificate_end.labels(shown_to).set(valid_until.timestamp())

    def tell(self, found: Condition, *, at_s: float) -> None:
        """Sets the gauges; `at_s` in seconds since 1970-01-01 UTC."""
        now = found.database_time
        self.overdue.set(found.overdue_deadlines.count)
        self.overdue_s.set(_age_s(found.overdue_deadlines, now))
        self.letters.set(found.dead_letters.count)
        self.unheld.set(len(found.unheld_shards))
        self.outbox_s.set(_age_s(found.outbox, now))
        self.ahead_s.set(found.database_ahead.total_seconds())
        self.missing.set(len(found.schema.missing))
        self.measured_at_s.set(at_s)


class ConditionWatch:
    """Reads the condition every few seconds until stopped; outlives outages of the database."""

    def __init__(
        self, reader: ConditionReader, metrics: ConditionMetrics, *, measure_s: float = _MEASURE_S
    ) -> None:
        self._reader = reader
        self._metrics = metrics
        self._measure_s = measure_s
        self._stopping = Stopping()

    async def run(self) -> None:
        while not self._stopping.told.is_set():
            try:
                self._metrics.tell(await self._reader.read(), at_s=time.time())
            except DependencyDown as error:
                _log.warning("condition_not_read", error=str(error))
            except Exception:
                # A figure that cannot be read must not end the process that it is about.
                _log.exception("condition_failed")
            await self._stopping.pause(self._measure_s)

    async def stop(self) -> None:
        self._stopping.told.set()


def _age_s(waiting: Waiting, now: datetime) -> float:
    return 0.0 if waiting.oldest_at is None else max(0.0, (now - waiting.oldest_at).total_seconds())
