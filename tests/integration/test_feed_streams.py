"""Streams begin, resume and end without losing or repeating an event."""

import asyncio
from dataclasses import replace

import pytest

from services.shared.feed.hub import HubBounds
from services.shared.feed.tail import TailSettings
from services.shared.kernel.refusals import InvalidInput, Overloaded
from tests.integration.feed_kit import Reader, topic
from tests.integration.messaging import until
from tests.stack import SharedStack

_SETTINGS = TailSettings(heartbeat_s=0.1)
#: So small that a reader who was away for a while must be read back for.
_SMALL_RING = replace(_SETTINGS, hub=HubBounds(ring_records_max=5))


async def test_a_stream_begins_now_and_each_message_can_be_resumed_from(
    stack: SharedStack, topic_prefix: str
) -> None:
    async with topic(stack.kafka_bootstrap, f"{topic_prefix}events") as it, it.tail() as tail:
        await it.publish("before", [1])
        await until(lambda: sum(tail._hub.positions.values()) == 1)
        reader = Reader(tail)
        await until(lambda: len(reader.heartbeats) > 0)
        await it.publish("a", range(1, 11))
        await it.publish("b", range(1, 11))
        await until(lambda: len(reader.items) == 20)
        assert reader.versions("a") == reader.versions("b") == list(range(1, 11))
        for place in (0, 7, 19):
            resumed = Reader(tail, tail.decode(reader.items[place].resume_token))
            await until(lambda: len(resumed.heartbeats) > 0)  # noqa: B023
            assert sorted(resumed.seen) == sorted(reader.seen[place + 1 :])
            await resumed.close()
        last = Reader(tail, tail.decode(reader.heartbeats[-1].resume_token))
        await it.publish("a", [11])
        await until(lambda: last.seen == [("a", 11)])
        await last.close()
        await reader.close()
    assert it.metrics.catch_ups.labels(it.name)._value.get() == 0


async def test_who_was_away_long_is_read_back_for_and_meets_the_live_tail(
    stack: SharedStack, topic_prefix: str
) -> None:
    async with topic(stack.kafka_bootstrap, f"{topic_prefix}events") as it, it.tail(_SMALL_RING) as tail:
        start = await tail.end_positions()
        for key in ("a", "b", "c", "d"):
            await it.publish(key, range(1, 201))
        writing = asyncio.create_task(_publish_slowly(it, "a", range(201, 401)))
        readers = [Reader(tail, start) for _ in range(3)]
        await writing
        for reader in readers:
            await until(lambda: len(reader.items) >= 1_000)  # noqa: B023
            assert reader.versions("a") == list(range(1, 401))
            for key in ("b", "c", "d"):
                assert reader.versions(key) == list(range(1, 201))
        middle = tail.decode(readers[0].items[500].resume_token)
        again = Reader(tail, middle)
        await until(lambda: len(again.items) >= 499)
        assert sorted(again.seen) == sorted(readers[0].seen[501:])
        await it.publish("a", [401])
        for reader in (*readers, again):
            await until(lambda: reader.seen[-1] == ("a", 401))  # noqa: B023
            await reader.close()
    assert it.metrics.catch_ups.labels(it.name)._value.get() >= 4
    assert it.metrics.subscribers.labels(it.name)._value.get() == 0


async def _publish_slowly(it: object, key: str, versions: range) -> None:
    for start in range(versions.start, versions.stop, 10):
        await it.publish(key, range(start, start + 10))  # type: ignore[attr-defined]


async def test_a_token_is_good_in_another_process_and_across_restarts(
    stack: SharedStack, topic_prefix: str
) -> None:
    async with topic(stack.kafka_bootstrap, f"{topic_prefix}events") as it:
        async with it.tail() as first, it.tail() as second:
            reader = Reader(first)
            await until(lambda: len(reader.heartbeats) > 0)
            await it.publish("a", range(1, 6))
            await until(lambda: len(reader.items) == 5)
            token = reader.items[2].resume_token
            other = Reader(second, second.decode(token))
            await until(lambda: other.versions("a") == [4, 5])
            await reader.close()
            await other.close()
        await it.publish("a", [6])
        async with it.tail() as third:
            reader = Reader(third, third.decode(token))
            await it.publish("a", [7])
            await until(lambda: reader.versions("a") == [4, 5, 6, 7])
            await reader.close()


async def test_what_a_relay_repeated_is_streamed_once(stack: SharedStack, topic_prefix: str) -> None:
    async with topic(stack.kafka_bootstrap, f"{topic_prefix}events") as it:
        async with it.tail() as tail:
            reader = Reader(tail)
            await until(lambda: len(reader.heartbeats) > 0)
            await it.publish("a", [1, 2, 3, 4, 5])
            await it.publish("a", [3, 4, 5, 6])
            await until(lambda: reader.versions("a") == [1, 2, 3, 4, 5, 6])
            token = reader.items[4].resume_token  # after version 5, before its repetition
            await reader.close()
        await it.publish("a", [4, 5, 6, 7])
        for settings in (_SETTINGS, replace(_SETTINGS, hub=HubBounds(ring_records_max=9))):
            async with it.tail(settings) as tail:
                resumed = Reader(tail, tail.decode(token))
                await until(lambda: resumed.versions("a") == [6, 7])  # noqa: B023
                await until(lambda: len(resumed.heartbeats) > 1)  # noqa: B023
                assert sum(resumed.heartbeats[-1].positions.values()) == 13
                assert resumed.versions("a") == [6, 7]
                await resumed.close()


async def test_a_filter_lets_the_token_move_on(stack: SharedStack, topic_prefix: str) -> None:
    async with topic(stack.kafka_bootstrap, f"{topic_prefix}events") as it, it.tail() as tail:
        reader = Reader(tail, wanted=lambda event: event.key == "a")
        await until(lambda: len(reader.heartbeats) > 0)
        await it.publish("b", range(1, 51))
        await it.publish("a", [1])
        await until(lambda: reader.seen == [("a", 1)])
        await until(lambda: sum(reader.heartbeats[-1].positions.values()) == 51)
        await reader.close()


async def test_a_slow_reader_is_dropped_and_can_resume(stack: SharedStack, topic_prefix: str) -> None:
    bounds = HubBounds(queue_records_max=10)
    async with (
        topic(stack.kafka_bootstrap, f"{topic_prefix}events", partitions=1) as it,
        it.tail(replace(_SETTINGS, hub=bounds)) as tail,
    ):
        stream = tail.subscribe()
        beat = await anext(stream)
        await it.publish("a", range(1, 31))
        await until(lambda: sum(tail._hub.positions.values()) == 30)
        with pytest.raises(Overloaded):
            await anext(stream)
        resumed = Reader(tail, tail.decode(beat.resume_token))
        await until(lambda: resumed.versions("a") == list(range(1, 31)))
        await resumed.close()


async def test_tokens_that_are_not_this_topics_are_refused(stack: SharedStack, topic_prefix: str) -> None:
    async with topic(stack.kafka_bootstrap, f"{topic_prefix}events") as it, it.tail() as tail:
        for token in ("", "nonsense", "x" * 20_000, "%%%"):
            with pytest.raises(InvalidInput) as refused:
                tail.decode(token)
            assert refused.value.violations[0].field == "resume_token"
        for positions in ({0: 1_000_000}, {17: 0}):
            with pytest.raises(InvalidInput):
                await anext(tail.subscribe(positions))


async def test_a_record_that_is_no_event_is_left_out(stack: SharedStack, topic_prefix: str) -> None:
    async with topic(stack.kafka_bootstrap, f"{topic_prefix}events") as it, it.tail() as tail:
        reader = Reader(tail)
        await until(lambda: len(reader.heartbeats) > 0)
        await it.producer.send_and_wait(it.name, b"no event", key=b"a")
        await it.publish("a", [1])
        await until(lambda: reader.seen == [("a", 1)])
        await reader.close()
    assert it.metrics.unreadable.labels(it.name)._value.get() == 1
