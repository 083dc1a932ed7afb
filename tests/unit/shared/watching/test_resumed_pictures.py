"""Who leaves after the first picture and comes back is sent nothing that the picture had."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import pytest

from services.shared.feed.subscriber import FeedItem
from services.shared.feed.token import decode_shown, decode_token, encode_token
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.watching import resource_stream
from services.shared.watching.resource_stream import Change, Pictured, ResourceStreams

ONE, TWO = "referrals/1", "referrals/2"


class State(NamedTuple):
    name: str
    version: int


class Topic:
    """One partition, of which the tail has read up to a place when a stream begins."""

    def __init__(self, *records: State, read: int) -> None:
        self.records = list(records)
        self.read = read

    async def end_positions(self) -> dict[int, int]:
        return {0: self.read}

    async def keys_coming(self, positions: Mapping[int, int]) -> frozenset[str]:
        return frozenset(record.name for record in self.records[positions[0] :])

    def encode(self, positions: Mapping[int, int], shown: Mapping[str, int]) -> str:
        return encode_token("t", positions, shown)

    def decode(self, token: str) -> dict[int, int]:
        return decode_token("t", token)

    def decode_shown(self, token: str) -> dict[str, int]:
        return decode_shown("t", token)

    async def subscribe(self, positions: Mapping[int, int]) -> AsyncGenerator[FeedItem, None]:
        for offset in range(positions[0], len(self.records)):
            event = ConsumedEvent(
                topic="t",
                partition=0,
                offset=offset,
                key=self.records[offset].name,
                version=self.records[offset].version,
                type="Moved",
                event_id=f"e-{offset}",
                value=b"",
                recorded_at=datetime(2025, 1, 1, tzinfo=UTC),
                traceparent="",
            )
            yield FeedItem(topic="t", event=event, positions={0: offset + 1})
        yield FeedItem(topic="t", event=None, positions={0: len(self.records)})


class Store:
    async def state_at(self, _kind: Any, name: str, version: int) -> State:
        return State(name, version)


class Watched:
    """Streams of a topic, whose outbox has the events of some aggregates still."""

    def __init__(self, topic: Topic, *waiting: str) -> None:
        async def waits(keys: Collection[str]) -> frozenset[str]:
            return frozenset(waiting) & frozenset(keys)

        self._streams: ResourceStreams[State] = ResourceStreams(
            cast(Any, topic), cast(Any, Store()), cast(Any, None), waits
        )

    async def read(self, token: str, *pictured: State) -> list[Change[State]]:
        async def picture() -> AsyncIterator[Pictured[State]]:
            for each in pictured:
                yield Pictured(name=each.name, version=each.version, state=each)

        return [each async for each in self._streams.watch(token, picture=picture, visible=lambda _: True)]


def shown(changes: list[Change[State]]) -> list[State]:
    return [each.state for each in changes if each.state is not None]


async def test_what_was_read_from_kafka_before_the_picture_is_in_no_token() -> None:
    topic = Topic(State(ONE, 1), read=1)
    *_, complete, beat = await Watched(topic).read("", State(ONE, 1))
    assert complete.resume_token == beat.resume_token == encode_token("t", {0: 1})


@pytest.mark.parametrize("is_published", [False, True], ids=["in_the_outbox", "in_kafka"])
async def test_what_comes_after_the_picture_that_had_it_is_not_sent_to_who_comes_back(
    is_published: bool,
) -> None:
    """In Kafka already, but not read yet by the tail; or still in the outbox, and in Kafka later."""
    late = (State(TWO, 1), State(TWO, 2))
    topic = Topic(State(ONE, 1), *(late if is_published else ()), read=1)
    watched = Watched(topic, *(() if is_published else (TWO,)))
    first, second, complete, *_ = await watched.read("", State(ONE, 1), State(TWO, 2))
    assert shown([first, second]) == [State(ONE, 1), State(TWO, 2)]
    topic.records = [State(ONE, 1), *late, State(ONE, 2), State(TWO, 3)]
    back = await watched.read(complete.resume_token)
    assert shown(back) == [State(ONE, 2), State(TWO, 3)]
    # All has come, and nothing of it is carried on.
    assert [each.resume_token for each in back] == [encode_token("t", {0: place}) for place in (4, 5, 5)]


async def test_who_comes_back_twice_before_it_has_come_is_not_sent_it_either() -> None:
    topic = Topic(State(ONE, 1), read=1)
    watched = Watched(topic, TWO)
    _, _, complete, _ = await watched.read("", State(ONE, 1), State(TWO, 2))
    topic.records += [State(TWO, 1), State(ONE, 2)]
    between = await watched.read(complete.resume_token)
    assert shown(between) == [State(ONE, 2)]
    topic.records += [State(TWO, 2), State(TWO, 3)]
    assert shown(await watched.read(between[-1].resume_token)) == [State(TWO, 3)]


async def test_a_token_has_room_for_some_and_nobody_misses_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource_stream, "_SHOWN_MAX", 1)
    topic = Topic(read=0)
    watched = Watched(topic, ONE, TWO)
    _, _, complete, _ = await watched.read("", State(ONE, 1), State(TWO, 1))
    topic.records = [State(ONE, 1), State(TWO, 1), State(ONE, 2), State(TWO, 2)]
    # The second comes once more.
    assert shown(await watched.read(complete.resume_token)) == [State(TWO, 1), State(ONE, 2), State(TWO, 2)]


async def test_while_it_lasts_a_stream_sends_nothing_of_its_picture() -> None:
    """Kafka could not say what was to come: the stream itself remembers."""

    class Silent(Topic):
        async def keys_coming(self, positions: Mapping[int, int]) -> frozenset[str]:
            return frozenset()

    topic = Silent(State(ONE, 1), State(ONE, 2), read=0)
    told = await Watched(topic).read("", State(ONE, 1))
    assert shown(told) == [State(ONE, 1), State(ONE, 2)]
