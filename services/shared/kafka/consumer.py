"""Consumers: made with one set of bounds, closed within a bound."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)

#: How long an answer is waited for. A broker that is gone without a word is missed after this, not after
#: aiokafka's forty seconds; a join takes as long as the slowest member's session, six.
_REQUEST_TIMEOUT_MS = 12_000


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchBounds:
    """How much is asked of Kafka at once, and how long it may wait for something to come."""

    #: A fetch comes back at once when there is a record. It is waited for when a partition could not be asked
    #: because its last records had not been taken yet, hence not Kafka's own 500.
    wait_ms_max: int = 100
    bytes_max: int = 8 * 1024 * 1024
    partition_bytes_max: int = 1024 * 1024

    def client_options(self) -> dict[str, Any]:
        return {
            "fetch_max_wait_ms": self.wait_ms_max,
            "fetch_min_bytes": 1,
            "fetch_max_bytes": self.bytes_max,
            "max_partition_fetch_bytes": self.partition_bytes_max,
        }


#: For who reads whole topics, and does little else meanwhile: four times as much at once is waited for a
#: quarter as often, for hardly longer.
READ_UP = FetchBounds(bytes_max=32 * 1024 * 1024, partition_bytes_max=4 * 1024 * 1024)


async def start_consumer(
    kafka: KafkaAddress,
    *,
    client_id: str,
    bounds: FetchBounds,
    timeout_s: float,
    subscribe: Sequence[str] = (),
    listener: object | None = None,
    **options: Any,
) -> AIOKafkaConsumer:
    """A connected consumer; with `subscribe`, one that is a member of its group.

    `options` are aiokafka's. Raises DependencyDown when Kafka, the topics or the group's coordinator are not
    there in time.
    """
    consumer = AIOKafkaConsumer(
        **kafka.client_options(client_id),
        **bounds.client_options(),
        enable_auto_commit=False,
        **{"request_timeout_ms": _REQUEST_TIMEOUT_MS, **options},
    )
    if subscribe:
        consumer.subscribe(list(subscribe), listener=listener)
    try:
        # Without a bound it waits for its group's coordinator for as long as there is none.
        await asyncio.wait_for(consumer.start(), timeout_s)
    except (KafkaError, OSError) as error:
        await stop_consumer(consumer)
        raise DependencyDown("kafka", f"no consumer: {error!r}") from error
    except BaseException:
        await stop_consumer(consumer)
        raise
    return consumer


async def stop_consumer(consumer: AIOKafkaConsumer, *, timeout_s: float = 3.0) -> None:
    """Leaves the group and closes the connections. A failure is logged: there is nothing else to be done."""
    try:
        await asyncio.wait_for(consumer.stop(), timeout_s)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        # Nobody has stopped us. It had left its group, and cancelled a fetch that was to be tried again, and
        # passes on its end: without this, a broker that goes away would look like Ctrl-C.
        await consumer._client.close()
    except (KafkaError, OSError) as error:
        _log.warning("consumer_closed_with_force", error=repr(error))
        await consumer._client.close()


def pin_partitions(consumer: AIOKafkaConsumer) -> tuple[TopicPartition, ...]:
    """Assigns, for good, all partitions of what a consumer without a group subscribed to; returns them.

    A subscription would be assigned anew, without its positions, whenever the number of partitions changes.
    """
    partitions = tuple(sorted(consumer.assignment()))
    consumer.unsubscribe()
    consumer.assign(list(partitions))
    return partitions
