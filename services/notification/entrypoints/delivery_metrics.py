"""What the delivery worker tells about itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class DeliveryMetrics:
    """Counters and gauges of one process's worker."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._attempts = Counter(
            "tierlink_delivery_attempts",
            "Messages by what became of a try: sent, failed (tried again), dead (given up), cancelled."
            " Of receipts: delivered, seen, undelivered, receipt_refused."
            " Without a channel: not_planned (tried again), not_reachable (nothing reaches the person).",
            ["channel", "outcome"],
            registry=registry,
        )
        self._silent = Gauge(
            "tierlink_channel_silent",
            "1 while nothing gets through a channel.",
            ["channel"],
            registry=registry,
        )

    def counted(self, channel: str, outcome: str) -> None:
        self._attempts.labels(channel, outcome).inc()

    def seen(self, channel: str, silent: bool) -> None:
        self._silent.labels(channel).set(float(silent))
