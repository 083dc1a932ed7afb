"""What a relay tells about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class RelayMetrics:
    """Counters and gauges of one process's relay."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "tierlink_relay_published", "Records that Kafka acknowledged.", ["topic"], registry=registry
        )
        self.failures = Counter(
            "tierlink_relay_failures",
            "Rounds that failed, wholly or for a topic.",
            ["dependency"],
            registry=registry,
        )
        self.depth = Gauge(
            "tierlink_relay_outbox_depth",
            "Messages that wait in the shards of this relay, counted up to a bound.",
            registry=registry,
        )
        self.oldest_s = Gauge(
            "tierlink_relay_outbox_oldest_seconds",
            "How long the oldest message of this relay's shards has waited.",
            registry=registry,
        )
        self.shards_held = Gauge(
            "tierlink_relay_shards_held", "Shards that this relay holds the lease of.", registry=registry
        )
        self.leases_lost = Counter(
            "tierlink_relay_leases_lost",
            "Leases that another relay took while this one took them for its own.",
            registry=registry,
        )
