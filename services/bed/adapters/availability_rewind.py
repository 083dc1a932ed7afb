"""A worker whose table is gone must not go on where the one that had it stopped: it reads from the start."""

import asyncio
import time
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError, UnknownMemberIdError
from aiokafka.structs import OffsetAndMetadata

from services.bed.adapters.aggregate_codecs import BED_TOPIC
from services.bed.adapters.availability_stream import APP, COUNTS_TOPIC, PARTITIONS, SESSION_TIMEOUT_S, TABLE
from services.shared.kafka.address import KafkaAddress

_log = structlog.get_logger(__name__)

_RETRY_S = 0.25


async def rewind_without_state(kafka: KafkaAddress) -> bool:
    """Says the beginning to the group when its table's changelog is empty; returns whether it did.

    Without that the table would be made of what came since alone, and be wrong in silence. Nothing is done
    while another worker lives, which has the table; one that was killed counts as living for some seconds, so
    this long it is tried. Raises KafkaError, OSError when Kafka is away.
    """
    consumer = AIOKafkaConsumer(
        **kafka.client_options(f"{APP}-rewind"), group_id=APP, enable_auto_commit=False
    )
    await consumer.start()
    try:
        sources = _partitions(BED_TOPIC) + _partitions(COUNTS_TOPIC)
        consumer.assign(sources)
        ends = await consumer.end_offsets(_partitions(f"{APP}-{TABLE}-changelog"))
        committed = [await consumer.committed(partition) for partition in sources]
        if any(ends.values()) or not any(committed):
            return False
        firsts = await consumer.beginning_offsets(sources)
        return await _commit(consumer, {at: OffsetAndMetadata(first, "") for at, first in firsts.items()})
    finally:
        await consumer.stop()


async def _commit(consumer: Any, offsets: dict[TopicPartition, OffsetAndMetadata]) -> bool:
    deadline_s = time.monotonic() + 2 * SESSION_TIMEOUT_S
    while True:
        try:
            await consumer.commit(offsets)
        except (CommitFailedError, UnknownMemberIdError, IllegalStateError) as error:
            # Only a group without members lets somebody else commit.
            if time.monotonic() > deadline_s:
                _log.warning("availability_not_rewound", error=repr(error))
                return False
            await asyncio.sleep(_RETRY_S)
        else:
            _log.warning("availability_rebuilt_from_the_start")
            return True


def _partitions(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, number) for number in range(PARTITIONS)]
