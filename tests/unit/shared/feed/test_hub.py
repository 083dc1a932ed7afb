"""Rings, queues and positions: who joins gets every event once, and nobody holds more than the bounds."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from services.shared.feed.coming import keys_coming
from services.shared.feed.hub import Hub, HubBounds
from services.shared.feed.metrics import FeedMetrics
from services.shared.feed.repeats import Repeats
from services.shared.feed.ring import Ring
from services.shared.feed.subscriber import Subscriber
from services.shared.feed.tail import everything
from services.shared.kafka.cloud_events import ConsumedEvent, Headers, decode, event_headers
from services.shared.kernel.refusals import DependencyDown, Overloaded
from tests.doubles.parcel import NOW


@dataclass(frozen=True, kw_only=True)
class Record:
    partition: int
    offset: int
    topic: str = "t"
    version: int = 0
    value: bytes | None = b"payload"

    @property
    def key(self) -> bytes:
        return b"k%d" % self.partition

    @property
    def headers(self) -> Headers:
        return event_headers(
            source=b"/t", event_id="e", type_="Moved", subject=self.key, recorded_at=NOW,
            version=self.version or self.offset + 1, traceparent="",
        )  # fmt: skip


def _event(offset: int, *, value: bytes = b"payload") -> ConsumedEvent:
    return decode(Record(partition=0, offset=offset, value=value))


def _hub(**bounds: int) -> Hub:
    hub = Hub("t", HubBounds(**bounds), FeedMetrics(CollectorRegistry()))
    hub.begin({0: 0, 1: 0})
    return hub


def _drain(subscriber: Subscriber) -> list[tuple[int, int]]:
    taken = []
    while (event := subscriber.take()) is not None:
        taken.append((event.partition, event.offset))
    return taken


def test_a_ring_keeps_the_last_records_in_number_and_bytes() -> None:
    ring = Ring(start=10, records_max=3, bytes_max=100)
    for offset in (10, 11, 15, 16):
        ring.append(_event(offset, value=b"x" * 20))
    assert ring.start == 11
    assert [event.offset for event in ring.since(12)] == [15, 16]
    ring.append(_event(17, value=b"x" * 90))
    assert ring.start == 17
    ring.append(_event(18, value=b"x" * 101))
    assert ring.start == 19, "one that is too large alone is not kept either"
    with pytest.raises(AssertionError):
        list(ring.since(18))


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_who_joins_gets_every_event_once(before: int, joins_at: int, after: int) -> None:
    hub = _hub()
    hub.hand_on(0, [Record(partition=0, offset=offset) for offset in range(before)])
    at = {0: min(joins_at, before), 1: 0}
    assert hub.behind(at, hub.epoch) == {}
    subscriber, backlog = hub.join(at, everything)
    hub.hand_on(0, [Record(partition=0, offset=before + offset) for offset in range(after)])
    got = [(event.partition, event.offset) for event in backlog] + _drain(subscriber)
    assert got == [(0, offset) for offset in range(at[0], before + after)]
    assert hub.positions == {0: before + after, 1: 0}


def test_who_is_ahead_of_this_process_waits_for_it() -> None:
    hub = _hub()
    subscriber, backlog = hub.join({0: 2, 1: 0}, everything)
    hub.hand_on(0, [Record(partition=0, offset=offset) for offset in range(4)])
    assert not backlog
    assert _drain(subscriber) == [(0, 2), (0, 3)]


def test_what_comes_twice_is_handed_on_once() -> None:
    hub = _hub()
    subscriber, _ = hub.join({0: 0, 1: 0}, everything)
    original = [Record(partition=0, offset=offset) for offset in range(3)]
    hub.hand_on(0, original)
    repetition = [replace(record, offset=3 + record.offset, version=record.offset + 1) for record in original]
    hub.hand_on(0, repetition)
    assert _drain(subscriber) == [(0, 0), (0, 1), (0, 2)]
    assert hub.positions[0] == 6


def test_only_the_latest_aggregates_are_remembered() -> None:
    repeats = Repeats(remembered_max=2)
    events = [decode(Record(partition=partition, offset=0)) for partition in range(3)]
    assert [repeats.is_new(event) for event in (*events, *events)] == [True, True, True, True, True, True]
    assert not repeats.is_new(events[2])


def test_a_full_queue_drops_its_reader_and_nobody_else() -> None:
    hub = _hub(queue_records_max=2)
    slow, _ = hub.join({0: 0, 1: 0}, everything)
    narrow, _ = hub.join({0: 0, 1: 0}, lambda event: event.partition == 1)
    hub.hand_on(0, [Record(partition=0, offset=offset) for offset in range(3)])
    hub.hand_on(1, [Record(partition=1, offset=0)])
    with pytest.raises(Overloaded):
        slow.take()
    assert _drain(narrow) == [(1, 0)]


def test_a_queue_is_bounded_in_bytes_too() -> None:
    hub = _hub(queue_bytes_max=10)
    subscriber, _ = hub.join({0: 0, 1: 0}, everything)
    hub.hand_on(0, [Record(partition=0, offset=offset) for offset in range(2)])
    with pytest.raises(Overloaded):
        subscriber.take()


def test_a_filter_that_fails_ends_its_stream_alone() -> None:
    hub = _hub()

    def broken(event: ConsumedEvent) -> bool:
        raise ValueError("broken")

    failing, _ = hub.join({0: 0, 1: 0}, broken)
    sound, _ = hub.join({0: 0, 1: 0}, everything)
    hub.hand_on(0, [Record(partition=0, offset=0)])
    with pytest.raises(DependencyDown):
        failing.take()
    assert _drain(sound) == [(0, 0)]


def test_a_loss_of_continuity_ends_every_stream() -> None:
    hub = _hub()
    epoch = hub.epoch
    subscriber, _ = hub.join({0: 0, 1: 0}, everything)
    hub.lose_continuity("the topic was made anew")
    with pytest.raises(DependencyDown):
        subscriber.take()
    with pytest.raises(DependencyDown):
        hub.behind({0: 0, 1: 0}, epoch)


def test_keys_are_those_of_what_the_rings_have_from_there_on() -> None:
    hub = _hub(ring_records_max=2)
    hub.hand_on(0, [Record(partition=0, offset=offset) for offset in range(3)])
    hub.hand_on(1, [Record(partition=1, offset=0)])
    assert hub.keys_since({0: 0, 1: 1}) == {"k0"}, "what a ring no longer has is not asked of it"
    assert hub.keys_since({0: 2, 1: 0}) == {"k0", "k1"}
    assert hub.keys_since({0: 3, 1: 1}) == frozenset()


def _kafka_has(*ends: int) -> Callable[[], Awaitable[dict[int, int]]]:
    async def answer() -> dict[int, int]:
        return dict(enumerate(ends))

    return answer


async def test_what_is_to_come_is_known_when_all_that_kafka_has_was_read() -> None:
    hub = _hub()
    coming = asyncio.create_task(keys_coming(hub, {0: 0, 1: 0}, _kafka_has(1, 1)))
    await asyncio.sleep(0)
    hub.hand_on(0, [Record(partition=0, offset=0)])
    await asyncio.sleep(0.02)
    assert not coming.done()
    hub.hand_on(1, [Record(partition=1, offset=0)])
    assert await coming == {"k0", "k1"}


async def _is_away() -> dict[int, int]:
    raise DependencyDown("kafka", "away")


async def _hangs() -> dict[int, int]:
    await asyncio.Event().wait()
    return {}


@pytest.mark.parametrize("ends", [_kafka_has(9, 9), _is_away, _hangs], ids=["behind", "away", "hangs"])
async def test_a_tail_that_does_not_come_so_far_keeps_nobody_waiting(
    ends: Callable[[], Awaitable[dict[int, int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.shared.feed.coming._WITHIN_S", 0.05)
    hub = _hub()
    hub.hand_on(0, [Record(partition=0, offset=0)])
    assert await keys_coming(hub, {0: 0, 1: 0}, ends) == {"k0"}
    hub.lose_continuity("made anew")
    assert await keys_coming(hub, {0: 0, 1: 0}, ends) == frozenset()
