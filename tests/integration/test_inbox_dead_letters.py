"""One bad record stops its aggregate and nothing else, is published for all to see, and can be redriven."""

import asyncio

from services.shared.inbox.handling import Answer
from services.shared.kafka.cloud_events import ConsumedEvent
from tests.integration.inbox_kit import Service, consuming, service
from tests.integration.messaging import reader, running_relay, until
from tests.stack import CreateDatabase, SharedStack


class Cure:
    """A handler's fault in version 2 of `bad`, until it is cured."""

    def __init__(self) -> None:
        self.done = False

    def __call__(self, event: ConsumedEvent) -> Answer | None:
        if not self.done and (event.key, event.version) == ("bad", 2):
            raise ValueError("the bed of 11010519491231002X does not exist")
        return None


async def _parked(it: Service) -> int:
    return int(await it.database.fetch_value("SELECT count(*) FROM parked_events"))


async def _has_parked(it: Service, events: int) -> bool:
    return await _parked(it) == events


async def test_a_poisonous_event_parks_its_aggregate_and_is_redriven_in_order(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    cure = Cure()
    async with service(stack, database, topic_prefix) as it:
        await it.publish("bad", [1, 2, 3])
        await it.publish("good", [1, 2])
        async with consuming(it.consumer(cure)):
            await until(lambda: it.count("dead_letter") == 1 and it.count("applied") == 3)
            await it.publish("bad", [4, 5])
            await it.publish("good", [3])
            await until(lambda: it.count("applied") == 4 and it.count("parked") == 3)
            assert it.handled.count(("bad", 2)) == 3, "it is tried a few times"
            assert not {("bad", 3), ("bad", 4), ("bad", 5)} & set(it.handled)
            assert await it.effects("good") == ["1", "2", "3"]

            (letter,) = await it.desk.open_letters()
            assert (letter.aggregate_id, letter.version, letter.attempts) == ("bad", 2, 3)
            assert "ValueError" in letter.error
            assert "11010519491231002X" not in letter.error, "no identity number leaves in an error"

            # Redriven too early it is a dead letter again, and what waits goes on waiting.
            assert await it.desk.redrive(it.topic, "bad") == 1
            await until(lambda: it.count("dead_letter") == 2)
            await until(lambda: _has_parked(it, 3))
            assert await it.effects("bad") == ["1"]

            cure.done = True
            assert await it.desk.redrive(it.topic, "bad") == 1
            await until(lambda: it.count("applied") == 8)
            await it.publish("bad", [6])
            await until(lambda: it.count("applied") == 9)
        assert await it.effects("bad") == ["1", "2", "3", "4", "5", "6"]
        assert await it.desk.open_letters() == ()
        assert await _parked(it) == 0


async def test_a_dead_letter_can_be_given_up(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await it.publish("bad", [1, 2, 3])
        async with consuming(it.consumer(Cure())):
            await until(lambda: it.count("parked") == 1)
            (letter,) = await it.desk.open_letters()
            assert await it.desk.skip(letter.letter_id)
            assert not await it.desk.skip(letter.letter_id), "it is decided already"
            await until(lambda: it.count("applied") == 2)
        assert await it.effects("bad") == ["1", "3"]
        assert await it.inbox("bad") == 3


async def test_a_dead_letter_survives_its_consumer_and_is_not_doubled(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await it.publish("bad", [1, 2, 3])
        async with consuming(it.consumer(Cure())):
            await until(lambda: it.count("parked") == 1)
        async with consuming(it.consumer(Cure(), group=f"{topic_prefix}again")):
            await until(lambda: it.count("parked") == 4)  # all three come again: the aggregate is parked
            (letter,) = await it.desk.open_letters()
            assert letter.version == 2
            assert await it.desk.skip(letter.letter_id)
            await until(lambda: it.count("applied") == 2)
        assert await it.effects("bad") == ["1", "3"]
        assert await _parked(it) == 0


async def test_what_cannot_be_read_goes_to_the_dead_letter_topic_as_it_came(
    stack: SharedStack, database: CreateDatabase, topic_prefix: str
) -> None:
    async with service(stack, database, topic_prefix) as it:
        await it.producer.send_and_wait(it.topic, b"\xff\x00", key=b"k", headers=[("odd", b"\xfe")])
        await it.producer.send_and_wait(it.topic, b"keyless", partition=0)
        await it.publish("a", [1])
        async with consuming(it.consumer()):
            await until(lambda: it.count("dead_letter") == 2 and it.count("applied") == 1)
        letters = await it.desk.open_letters()
        assert [letter.aggregate_id for letter in letters] == [None, None]
        assert await it.desk.skip(letters[0].letter_id)
        async with (
            running_relay(it.database.dsn, stack.kafka_bootstrap),
            reader(stack.kafka_bootstrap, it.settings.dlq_topic) as consumer,
        ):
            records = [await asyncio.wait_for(consumer.getone(), 20.0) for _ in range(2)]
        by_value = {record.value: dict(record.headers) for record in records}
        assert set(by_value) == {b"\xff\x00", b"keyless"}
        odd = by_value[b"\xff\x00"]
        assert odd["odd"] == b"\xfe"
        assert odd["dlq_origin_topic"].decode() == it.topic
        assert odd["dlq_attempts"] == b"1"
        assert b"undecodable" in odd["dlq_error"]
        assert {b"dlq_origin_partition", b"dlq_origin_offset"} <= {name.encode() for name in odd}
