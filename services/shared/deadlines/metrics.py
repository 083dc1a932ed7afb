"""What a deadline worker tells about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_LATE_BUCKETS_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 120.0, 600.0)


class DeadlineMetrics:
    """Counters, gauges and histograms of one process's worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.fired = Counter(
            "tierlink_deadlines_fired",
            "Due deadlines by outcome: done, failed (tried again later), waits (a dependency is down).",
            ["kind", "outcome"],
            registry=registry,
        )
        self.late_s = Histogram(
            "tierlink_deadlines_late_seconds",
            "From the moment a deadline is due to the moment a worker takes it in hand.",
            registry=registry,
            buckets=_LATE_BUCKETS_S,
        )
        self.running = Gauge(
            "tierlink_deadlines_running", "Deadlines in hand in this process.", registry=registry
        )
