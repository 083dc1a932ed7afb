"""Which group and table a worker goes on with: one whose table is gone must not go on where it stopped.

The table would be made of what came since alone, and be wrong in silence. Saying the beginning to the group
instead would have to wait until Kafka believes that the worker which was killed is gone, for only a group
without members lets somebody else commit: six seconds at least. A group of a new name reads from the
beginning at once.
"""

import asyncio

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError

from services.bed.adapters.availability_stream import APP, PARTITIONS, changelog
from services.shared.kafka.address import KafkaAddress

#: Whoever asks first about a group has a new Kafka make the topic that groups are kept in.
_COORDINATOR_TRIES = 50
_COORDINATOR_WAIT_S = 0.2

_log = structlog.get_logger(__name__)


def generation(number: int) -> str:
    """The name of a group and its table; the first one is plain."""
    return APP if number == 1 else f"{APP}-{number}"


async def usable_generation(kafka: KafkaAddress) -> str:
    """The first group that has its table still, or has not begun.

    Two workers that disagree compute the same counts twice, which are absolute and change nothing. Raises
    KafkaError, OSError when Kafka is away.
    """
    admin = AIOKafkaAdminClient(**kafka.client_options(f"{APP}-generation"))
    await admin.start()
    try:
        number = 1
        while await _has_begun(admin, generation(number)) and not await _has_table(kafka, admin, number):
            number += 1
    finally:
        await admin.close()
    if number > 1:
        _log.info("availability_generation", number=number)
    return generation(number)


async def _has_begun(admin: AIOKafkaAdminClient, group: str) -> bool:
    for tries_left in range(_COORDINATOR_TRIES - 1, -1, -1):
        try:
            committed = await admin.list_consumer_group_offsets(group)
        except GroupCoordinatorNotAvailableError:
            # Not the same as a group that has not begun: Kafka may only be restarting.
            if tries_left == 0:
                raise
            await asyncio.sleep(_COORDINATOR_WAIT_S)
        else:
            break
    return any(found.offset > 0 for found in committed.values())


async def _has_table(kafka: KafkaAddress, admin: AIOKafkaAdminClient, number: int) -> bool:
    topic = changelog(generation(number))
    if topic not in await admin.list_topics():
        return False
    consumer = AIOKafkaConsumer(**kafka.client_options(f"{APP}-generation"))
    await consumer.start()
    try:
        ends = await consumer.end_offsets([TopicPartition(topic, each) for each in range(PARTITIONS)])
    finally:
        await consumer.stop()
    return any(ends.values())
