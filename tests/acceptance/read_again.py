"""Has a running platform's notification service read its topics again, and kills it on the way."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from services.operator.platform.platform import Platform

GROUP = "tierlink-notification"
TOPICS = ("tierlink.referral.events.v1", "tierlink.directory.v1")
BOUND_S = 90.0


async def until(condition: Callable[[], Awaitable[Any]]) -> Any:
    deadline_s = time.monotonic() + BOUND_S
    while time.monotonic() < deadline_s:
        held = await condition()
        if held:
            return held
        await asyncio.sleep(0.1)
    raise TimeoutError(condition)


async def kill_notification(platform: Platform) -> None:
    """kill -9; returns when its supervisor has started it again."""
    process = platform.services["notification"]
    pid = process.pid
    os.kill(pid, signal.SIGKILL)

    async def back() -> bool:
        return process.is_running and process.pid != pid

    await until(back)


def _bootstrap(platform: Platform) -> str:
    server: Any = platform.servers["kafka"]
    return str(server.bootstrap)


async def _partitions(platform: Platform) -> list[TopicPartition]:
    producer = AIOKafkaProducer(bootstrap_servers=_bootstrap(platform))
    await producer.start()
    try:
        return [
            TopicPartition(topic, partition)
            for topic in TOPICS
            for partition in sorted(await producer.partitions_for(topic))
        ]
    finally:
        await producer.stop()


async def replay(platform: Platform) -> int:
    """Every record of the referrals' topic once more, behind the ones that were read; how many."""
    consumer = AIOKafkaConsumer(bootstrap_servers=_bootstrap(platform), auto_offset_reset="earliest")
    producer = AIOKafkaProducer(bootstrap_servers=_bootstrap(platform))
    await consumer.start()
    await producer.start()
    try:
        partitions = [each for each in await _partitions(platform) if each.topic == TOPICS[0]]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        records: list[Any] = []
        while len(records) < sum(ends.values()):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                records.extend(batch)
        for record in records:
            headers = list(record.headers)
            await producer.send_and_wait(
                record.topic, record.value, key=record.key, partition=record.partition, headers=headers
            )
    finally:
        await producer.stop()
        await consumer.stop()
    return len(records)


async def from_the_beginning(platform: Platform) -> None:
    """Has the service read the topics from their first record.

    It is stopped until its group is rid of it and the offsets can be set back; then it is killed.
    """
    process = platform.services["notification"]
    os.kill(process.pid, signal.SIGSTOP)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=_bootstrap(platform), group_id=GROUP, enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = await _partitions(platform)
        consumer.assign(partitions)

        async def set_back() -> bool:
            try:
                await consumer.commit(dict.fromkeys(partitions, 0))
            except KafkaError:  # the group still has its member
                return False
            return True

        await until(set_back)
    finally:
        await consumer.stop()
        await kill_notification(platform)


async def is_all_read(platform: Platform) -> bool:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=_bootstrap(platform), group_id=GROUP, enable_auto_commit=False
    )
    await consumer.start()
    try:
        partitions = await _partitions(platform)
        ends = await consumer.end_offsets(partitions)
        consumer.assign(partitions)
        for partition in partitions:
            committed = await consumer.committed(partition)
            if ends[partition] and (committed or 0) < ends[partition]:
                return False
        return True
    finally:
        await consumer.stop()
