"""Which cluster an address leads to, and the topics that are there."""

from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient

from services.operator.replay.state_file import Cluster
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown

_TIMEOUT_MS = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenCluster:
    """A cluster and the names of its topics."""

    cluster: Cluster
    topics: frozenset[str]


async def see_cluster(kafka: KafkaAddress) -> SeenCluster:
    """Raises DependencyDown when Kafka does not say which cluster it is, KafkaError, OSError."""
    admin = AIOKafkaAdminClient(**kafka.client_options("tierlink-replay"), request_timeout_ms=_TIMEOUT_MS)
    try:
        await admin.start()
        described = await admin.describe_cluster()
        topics = await admin.list_topics()
    finally:
        await admin.close()
    found = described.get("cluster_id")
    if not found:
        # Without it nobody can tell whether source and target are one.
        raise DependencyDown("kafka", f"{kafka.bootstrap} does not tell its cluster id")
    return SeenCluster(cluster=Cluster(bootstrap=kafka.bootstrap, id=found), topics=frozenset(topics))
