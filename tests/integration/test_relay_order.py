"""Every event reaches Kafka, the first time in its aggregate's order, whatever happens to the relays."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from services.shared.eventstore.runner import CommandRunner
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.outbox.publisher import Published
from services.shared.outbox.relay import RelaySettings
from tests.integration.messaging import (
    event_store_database,
    first_occurrences,
    move,
    opened,
    opened_store,
    parcels,
    read_events,
    running_relay,
    until,
)
from tests.stack import CreateDatabase, SharedStack

_QUICK = RelaySettings(source="/tierlink/test", lease_s=1.0, poll_s=0.1)

_AGGREGATES = 10
_WRITERS = 8
_MOVES = 60

#: A relay in a process of its own, so that it can be stopped as a whole.
_RELAY_PROCESS = """
import asyncio, json, sys
from prometheus_client import CollectorRegistry
from services.shared.database.pool import Database
from services.shared.kafka.address import KafkaAddress
from services.shared.outbox.metrics import RelayMetrics
from services.shared.outbox.relay import Relay, RelaySettings
from services.shared.outbox.table import RELAY_SESSION

async def main(dsn, bootstrap):
    database = Database(dsn, application_name="stopped", session=RELAY_SESSION)
    settings = RelaySettings(source="/tierlink/test", lease_s=1.0, poll_s=0.1)
    metrics = RelayMetrics(CollectorRegistry())
    relay = Relay(database, KafkaAddress(bootstrap=bootstrap), settings, metrics)
    await relay.run()

asyncio.run(main(*sys.argv[1:]))
"""


async def _write(dsn: str, topic: str, *, moves: int = _MOVES) -> int:
    """8 writers on 10 aggregates at once, through two stores; returns the number of events."""
    kind = parcels(topic)
    async with opened_store(dsn) as one, opened_store(dsn) as other:

        async def writer(number: int) -> None:
            runner = CommandRunner((one, other)[number % 2])
            for count in range(moves):
                await move(runner, kind, f"parcels/{(number + count) % _AGGREGATES}", f"{number}-{count}")

        await asyncio.gather(*(writer(number) for number in range(_WRITERS)))
    return _WRITERS * moves


def _assert_complete(seen: Any, events: int) -> None:
    versions = first_occurrences(seen)
    assert sum(len(of_key) for of_key in versions.values()) == events
    for key, of_key in versions.items():
        assert of_key == list(range(1, len(of_key) + 1)), key


async def _topic(stack: SharedStack, prefix: str) -> str:
    topic = f"{prefix}parcels.v1"
    await ensure_topics(KafkaAddress(bootstrap=stack.kafka_bootstrap), [TopicSpec(name=topic, partitions=3)])
    return topic


async def test_two_relays_lose_and_reorder_nothing_and_repeat_nothing(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), await _topic(stack, topic_prefix)
    async with (
        running_relay(dsn, stack.kafka_bootstrap, _QUICK) as one,
        running_relay(dsn, stack.kafka_bootstrap, _QUICK) as other,
    ):
        await until(lambda: len(one.relay.held) == len(other.relay.held) == 4)
        events = await _write(dsn, topic)
        seen = await read_events(stack.kafka_bootstrap, topic, distinct=events)
    _assert_complete(seen, events)
    assert len(seen) == events


async def test_a_zombie_repeats_in_order_and_deletes_nothing(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    """One relay hangs between fetch and send, as if stopped, until the other has taken its shards over."""
    dsn, topic = await event_store_database(stack, database), await _topic(stack, topic_prefix)
    resumed = asyncio.Event()
    async with opened(dsn) as plain, running_relay(dsn, stack.kafka_bootstrap, _QUICK) as zombie:
        await until(lambda: len(zombie.relay.held) == 8)
        stopped = _hang_before_sending(zombie.relay, resumed)
        events = await _write(dsn, topic, moves=10)
        await until(stopped.is_set)
        async with running_relay(dsn, stack.kafka_bootstrap, _QUICK) as successor:
            await until(lambda: len(successor.relay.held) == 8)
            events += await _write_more(dsn, topic)

            async def emptied() -> bool:
                return bool(await plain.fetch_value("SELECT count(*) = 0 FROM outbox"))

            await until(emptied)
            resumed.set()
            await until(lambda: zombie.metrics.leases_lost._value.get() > 0)
            seen = await read_events(stack.kafka_bootstrap, topic, distinct=events)
    _assert_complete(seen, events)
    assert len(seen) > events, "the zombie was meant to repeat what it had fetched"


def _hang_before_sending(relay: Any, resumed: asyncio.Event) -> asyncio.Event:
    stopped = asyncio.Event()
    leases = relay._leases
    tick = leases.tick

    async def stopped_tick(busy: frozenset[int]) -> frozenset[int]:
        if stopped.is_set():
            await resumed.wait()
        result: frozenset[int] = await tick(busy)
        return result

    leases.tick = stopped_tick
    for lane in relay._lanes:
        _hang_lane(lane.publisher, stopped, resumed)
    return stopped


def _hang_lane(publisher: Any, stopped: asyncio.Event, resumed: asyncio.Event) -> None:
    publish = publisher.publish

    async def stopped_publish(rows: Sequence[Any]) -> Published:
        stopped.set()
        await resumed.wait()
        result: Published = await publish(rows)
        return result

    publisher.publish = stopped_publish


async def _write_more(dsn: str, topic: str) -> int:
    async with opened_store(dsn) as store:
        runner = CommandRunner(store)
        for number in range(_AGGREGATES):
            await move(runner, parcels(topic), f"parcels/{number}", "after-takeover")
    return _AGGREGATES


async def test_a_relay_stopped_by_signal_and_one_killed_leave_no_gap(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    dsn, topic = await event_store_database(stack, database), await _topic(stack, topic_prefix)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RELAY_PROCESS, dsn, stack.kafka_bootstrap,
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONPATH": "."},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with opened(dsn) as plain:

            async def held_by_process() -> bool:
                return bool(
                    await plain.fetch_value("SELECT count(*) = 8 FROM relay_leases WHERE owner <> ''")
                )

            await until(held_by_process)
            writing = asyncio.create_task(_write(dsn, topic))

            async def some_published() -> bool:
                return bool(await plain.fetch_value("SELECT last_value > 40 FROM outbox_seq"))

            await until(some_published)
            process.send_signal(signal.SIGSTOP)
            async with running_relay(dsn, stack.kafka_bootstrap, _QUICK) as successor:
                await until(lambda: len(successor.relay.held) == 8)
                process.send_signal(signal.SIGCONT)
                await until(lambda: len(successor.relay.held) == 4)  # it is back, and has its share
                process.kill()
                events = await writing
                seen = await read_events(stack.kafka_bootstrap, topic, distinct=events)
                await until(lambda: len(successor.relay.held) == 8)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    _assert_complete(seen, events)
