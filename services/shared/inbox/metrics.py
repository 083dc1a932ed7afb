"""What a consumer tells about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class InboxMetrics:
    """Counters and gauges of one process's consumers."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "tierlink_inbox_events",
            "Records taken from Kafka by what became of them:"
            " applied, ignored, duplicate, gap, parked, dead_letter.",
            ["topic", "outcome"],
            registry=registry,
        )
        self.retries = Counter(
            "tierlink_inbox_retries", "Tries that failed and were repeated.", ["topic"], registry=registry
        )
        self.parked = Gauge(
            "tierlink_inbox_parked_aggregates",
            "Aggregates whose events wait for an earlier one.",
            registry=registry,
        )
        self.lag = Gauge(
            "tierlink_inbox_lag_records",
            "Records in Kafka that are still to be handled.",
            ["topic"],
            registry=registry,
        )
