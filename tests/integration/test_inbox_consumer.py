"""Events take effect once and in order, whatever Kafka repeats, drops or reorders."""

import asyncio

import pytest
from aiokafka.client import AIOKafkaClient

from services.shared.inbox.handling import IGNORED, Answer
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kafka.consumer import start_consumer
from services.shared.kernel.refusals import DependencyDown
from tests.integration.inbox_kit import consuming, service
from tests.integration.messaging import read_events, until
from tests.stack import CreateDatabase, SharedStack


async def test_each_event_takes_effect_once_in_order(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await it.publish("a", [1, 2, 2, 3])
        await it.publish("b", [1])
        async with consuming(it.consumer()):
            await until(lambda: it.count("applied") == 4 and it.count("duplicate") == 1)
            await it.publish("a", [1, 2, 3, 4])
            await until(lambda: it.count("applied") == 5 and it.count("duplicate") == 4)
        assert await it.effects("a") == ["1", "2", "3", "4"]
        assert await it.effects("b") == ["1"]


async def test_a_gap_is_parked_until_it_is_filled(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await it.publish("a", [1, 3, 5, 4])
        await it.publish("b", [1, 2])
        async with consuming(it.consumer()):
            await until(lambda: it.count("applied") == 3 and it.count("gap") + it.count("parked") == 3)
            assert it.count("gap") >= 1
            assert it.metrics.parked._value.get() == 1
            assert await it.effects("a") == ["1"]
            await it.publish("a", [2])
            await until(lambda: it.count("applied") == 7)
            await it.publish("a", [6])
            await until(lambda: it.count("applied") == 8)
        assert await it.effects("a") == ["1", "2", "3", "4", "5", "6"]
        assert await it.database.fetch_value("SELECT count(*) FROM parked_events") == 0
        assert it.metrics.parked._value.get() == 0


async def test_what_was_parked_is_taken_up_by_the_next_owner(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await it.publish("a", [1, 3])
        async with consuming(it.consumer()):
            await until(lambda: it.count("gap") == 1)
        await it.publish("a", [2, 4])
        async with consuming(it.consumer()):
            await until(lambda: it.count("applied") == 4)
        assert await it.effects("a") == ["1", "2", "3", "4"]


async def test_events_whose_offsets_were_never_committed_are_repeated_without_effect(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        for key in ("a", "b", "c"):
            await it.publish(key, range(1, 6))
        async with consuming(it.consumer()):
            await until(lambda: it.count("applied") == 15)
        # A group without offsets is what is left when a consumer is killed before its first commit.
        async with consuming(it.consumer(group=f"{topic_prefix}again")):
            await until(lambda: it.count("duplicate") == 15)
        for key in ("a", "b", "c"):
            assert await it.effects(key) == ["1", "2", "3", "4", "5"]


async def test_offsets_are_committed_after_the_database(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await it.publish("a", [1, 2])
        async with consuming(it.consumer()):
            await until(lambda: it.count("applied") == 2)
        async with consuming(it.consumer()):
            await it.publish("a", [3])
            await until(lambda: it.count("applied") == 3)
        assert it.count("duplicate") == 0, "the second consumer began where the first one ended"


async def test_two_members_share_the_partitions_and_one_takes_over(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        keys = [f"k{number}" for number in range(12)]
        async with consuming(it.consumer()):
            async with consuming(it.consumer()):
                for key in keys:
                    await it.publish(key, [1, 2])
                await until(lambda: it.count("applied") == 24)
            for key in keys:
                await it.publish(key, [3])
            await until(lambda: it.count("applied") == 36)
        for key in keys:
            assert await it.effects(key) == ["1", "2", "3"]


async def test_a_dependency_that_is_down_is_waited_for_and_nothing_is_skipped(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    refusals = iter(range(4))

    def down_at_first(event: ConsumedEvent) -> Answer | None:
        if event.version == 2 and next(refusals, None) is not None:
            raise DependencyDown("elsewhere", "down")
        return None

    async with service(stack, database, topic_prefix) as it:
        await it.publish("a", [1, 2, 3])
        async with consuming(it.consumer(down_at_first, tries_max=1)):
            await until(lambda: it.count("applied") == 3)
        assert await it.effects("a") == ["1", "2", "3"]
        assert it.count("dead_letter") == 0
        assert [version for _, version in it.handled] == [1, 2, 2, 2, 2, 2, 3]


async def test_ignored_events_move_the_inbox_whether_asked_for_or_not(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    def only_fourth(event: ConsumedEvent) -> Answer | None:
        return None if event.version == 4 else IGNORED

    async with service(stack, database, topic_prefix) as it:
        await it.publish("a", [1, 2, 3, 4, 5])
        await it.publish("b", [1, 2, 4])
        async with consuming(it.consumer(only_fourth)):
            await until(lambda: it.count("ignored") == 6 and it.count("applied") == 1)
            await until(lambda: it.count("gap") == 1)
            assert await it.inbox("a") == 5
            assert await it.inbox("b") == 2
            await it.publish("b", [3])
            await until(lambda: it.count("applied") == 2)
        assert await it.effects("a") == ["4"]
        assert await it.inbox("b") == 4

        await it.publish("a", [6, 7, 8], type_="Weighed")
        await it.publish("a", [9])
        async with consuming(it.consumer(relevant_types=frozenset({"Moved"}))):
            await until(lambda: it.count("applied") == 3)
        assert await it.effects("a") == ["4", "9"]
        assert not {("a", 6), ("a", 7), ("a", 8)} & set(it.handled)


async def test_thousands_of_ignored_events_cost_few_statements(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await asyncio.gather(*(it.publish(f"k{number}", range(1, 21)) for number in range(50)))
        async with consuming(it.consumer(relevant_types=frozenset())):
            await until(lambda: it.count("ignored") == 1_000)
        marks = await it.database.fetch_value("SELECT sum(version) FROM inbox")
        assert marks == 1_000
    assert len(await read_events(stack.kafka_bootstrap, it.topic, distinct=1_000)) == 1_000


async def test_who_waits_for_a_topic_that_is_not_there_stops_at_once(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected, given_up = asyncio.Event(), asyncio.Event()
    bootstrap = AIOKafkaClient.bootstrap

    async def connect(client: AIOKafkaClient) -> None:
        await bootstrap(client)
        if joining:
            connected.set()

    async def start(*arguments: object, **options: object) -> object:
        joining.append(True)
        try:
            return await start_consumer(*arguments, **options)  # type: ignore[arg-type]
        except asyncio.CancelledError:
            given_up.set()
            raise

    joining: list[bool] = []
    monkeypatch.setattr(AIOKafkaClient, "bootstrap", connect)
    monkeypatch.setattr("services.shared.inbox.consumer.start_consumer", start)
    async with service(stack, database, topic_prefix) as it:
        # Past the bound of its stop it would be cancelled as well.
        consumer = it.consumer(topics=(f"{it.topic}.of-nobody",), stop_timeout_s=60.0)
        running = asyncio.create_task(consumer.run())
        await asyncio.wait_for(connected.wait(), 30.0)
        await asyncio.wait_for(consumer.stop(), 30.0)
        await running
    assert given_up.is_set()
