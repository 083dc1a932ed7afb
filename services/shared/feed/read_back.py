"""Reads a part of a topic again, for one stream that resumes further back than the ring reaches."""

from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from services.shared.feed.token import bad_token
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.cloud_events import ReceivedRecord
from services.shared.kafka.consumer import FetchBounds, start_consumer, stop_consumer
from services.shared.kernel.refusals import DependencyDown

_POLL_MS = 500
_EXPIRED = "is so old that Kafka no longer has what follows it"


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Records of one partition in order, and the next offset after them."""

    partition: int
    records: tuple[ReceivedRecord, ...]
    next_offset: int


async def read_back(
    kafka: KafkaAddress,
    topic: str,
    starts: Mapping[int, int],
    is_over: Callable[[], bool],
    *,
    lookback: int,
    bounds: FetchBounds,
    start_timeout_s: float,
) -> AsyncGenerator[Page, None]:
    """Pages of the partitions in `starts`, each from a little before its offset on, until `is_over`.

    What comes before is for the reader to know repetitions by. Raises InvalidInput when Kafka no longer has
    what is asked for, DependencyDown when it is away.
    """
    consumer = await start_consumer(
        kafka,
        client_id="tierlink-feed-back",
        bounds=bounds,
        timeout_s=start_timeout_s,
        group_id=None,
        auto_offset_reset="none",
    )
    try:
        partitions = {partition: TopicPartition(topic, partition) for partition in starts}
        consumer.assign(list(partitions.values()))
        firsts = await consumer.beginning_offsets(partitions.values())
        for partition, offset in starts.items():
            first = firsts[partitions[partition]]
            if offset < first:
                raise bad_token(_EXPIRED, reason="RESUME_TOKEN_EXPIRED")
            consumer.seek(partitions[partition], max(first, offset - lookback))
        while not is_over():
            batches = await consumer.getmany(timeout_ms=_POLL_MS, max_records=500)
            for partition, records in batches.items():
                yield Page(
                    partition=partition.partition,
                    records=tuple(records),
                    # Not the last record's offset and one: a compacted topic has holes.
                    next_offset=await consumer.position(partition),
                )
    except OffsetOutOfRangeError as error:
        raise bad_token(_EXPIRED, reason="RESUME_TOKEN_EXPIRED") from error
    except (KafkaError, OSError) as error:
        raise DependencyDown("kafka", f"cannot read back: {error!r}") from error
    finally:
        await stop_consumer(consumer)
