"""What a feed tells about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class FeedMetrics:
    """Counters and gauges of one process's feeds."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.subscribers = Gauge("tierlink_feed_subscribers", "Open streams.", ["topic"], registry=registry)
        self.dropped = Counter(
            "tierlink_feed_dropped",
            "Streams ended because their reader was slow.",
            ["topic"],
            registry=registry,
        )
        self.catch_ups = Counter(
            "tierlink_feed_catch_ups",
            "Streams that had to be read back from Kafka.",
            ["topic"],
            registry=registry,
        )
        self.unreadable = Counter(
            "tierlink_feed_unreadable",
            "Records left out because they are no events.",
            ["topic"],
            registry=registry,
        )
