"""The metrics of one process.

The pattern: `main` makes one registry with `new_registry` and hands it on. Each mechanism declares its
metrics in a class of its own package, built with that registry (see services/shared/rpc/rpc_metrics.py):

    class RelayMetrics:
        def __init__(self, registry: CollectorRegistry) -> None:
            self.published = Counter("tierlink_relay_published", "…", ["topic"], registry=registry)

Names start with `tierlink_<mechanism>_` and end with their unit. A label's values are known beforehand
(methods, topics, codes), never ids or names of persons. The global registry of prometheus_client is not used:
two services in one process, as in a test, would share it.
"""

from prometheus_client import CollectorRegistry, GCCollector, Info, PlatformCollector, ProcessCollector

#: Latency buckets, seconds: fine below 100 ms where calls live, coarse up to the longest deadline.
LATENCY_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def new_registry(*, service: str, version: str) -> CollectorRegistry:
    """A registry with this process's own figures (memory, descriptors, garbage collection) and its build."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    Info("tierlink_build", "What runs here.", registry=registry).info(
        {"service": service, "version": version}
    )
    return registry
