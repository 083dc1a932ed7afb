"""Many streams of the same changes: each is read, folded and rendered once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from services.shared.feed.subscriber import FeedItem
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.refusals import DependencyDown
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind
from services.shared.watching.rendered import Rendered
from services.shared.watching.resource_stream import Change, Pictured, ResourceStreams
from services.shared.watching.traced import STREAMS_MAX
from tests.doubles.spans import Kept

CHANGES = 3
STREAMS = 20


@dataclass(frozen=True)
class State:
    name: str
    version: int


class Tail:
    """The same few events for every stream."""

    def __init__(self, traceparent: str = "") -> None:
        self._traceparent = traceparent

    async def end_positions(self) -> dict[int, int]:
        return {0: 0}

    def encode(self, positions: Any, shown: Any) -> str:
        return "t"

    async def keys_coming(self, positions: Any) -> frozenset[str]:
        return frozenset()

    async def subscribe(self, positions: Any) -> AsyncGenerator[FeedItem, None]:
        for version in range(1, CHANGES + 1):
            event = ConsumedEvent(
                topic="t",
                partition=0,
                offset=version,
                key="referrals/1",
                version=version,
                type="Moved",
                event_id=f"e-{version}",
                value=b"",
                recorded_at=datetime(2025, 1, 1, tzinfo=UTC),
                traceparent=self._traceparent,
            )
            yield FeedItem(topic="t", event=event, positions={0: version})


class Store:
    """Counts how often a state is read; the first reading may fail."""

    def __init__(self, *, fails: int = 0, lacks: int = 0) -> None:
        self.read: list[tuple[str, int]] = []
        self.fails = fails
        #: a version that is not in it
        self.lacks = lacks

    async def state_at(self, _kind: Any, name: str, version: int) -> State:
        self.read.append((name, version))
        await asyncio.sleep(0.01)
        if self.fails:
            self.fails -= 1
            raise DependencyDown("postgres", "away")
        if version == self.lacks:
            raise LookupError(f"{name} has no events")
        return State(name, version)


async def nothing() -> AsyncIterator[Pictured[State]]:
    for each in ():
        yield each


async def none_waits(_keys: Collection[str]) -> frozenset[str]:
    return frozenset()


def streams_of(store: Store) -> ResourceStreams[State]:
    return ResourceStreams(cast(Any, Tail()), cast(Any, store), cast(Any, None), none_waits)


async def watched(streams: ResourceStreams[State]) -> list[Change[State]]:
    changes = streams.watch("", picture=nothing, visible=lambda _state: True)
    return [change async for change in changes if change.state is not None]


async def test_a_change_is_read_once_for_all_streams() -> None:
    store = Store()
    streams = streams_of(store)
    found = await asyncio.gather(*(watched(streams) for _ in range(STREAMS)))
    assert store.read == [("referrals/1", version) for version in range(1, CHANGES + 1)]
    for told in found:
        assert [each.state for each in told] == [State("referrals/1", v) for v in range(1, CHANGES + 1)]


async def test_who_leaves_takes_it_from_nobody() -> None:
    store = Store()
    streams = streams_of(store)
    leaves, stays = (asyncio.create_task(watched(streams)) for _ in range(2))
    await asyncio.sleep(0.005)
    leaves.cancel()
    assert len(await stays) == CHANGES
    assert len(store.read) == CHANGES
    await asyncio.gather(leaves, return_exceptions=True)


async def test_what_could_not_be_read_is_read_anew() -> None:
    store = Store(fails=1)
    streams = streams_of(store)
    for failed in await asyncio.gather(watched(streams), watched(streams), return_exceptions=True):
        assert isinstance(failed, DependencyDown)
    assert len(await watched(streams)) == CHANGES


async def test_a_change_of_what_the_store_does_not_have_costs_nobody_the_others() -> None:
    told = await watched(streams_of(Store(lacks=2)))
    expected = [State("referrals/1", v) for v in range(1, CHANGES + 1) if v != 2]
    assert [each.state for each in told] == expected


@pytest.mark.parametrize(
    ("change", "is_kept"),
    [
        (Change(state=State("a", 1), event_type="Moved", resume_token="1"), True),
        # A picture is one stream's, and a sign of life is nothing to keep.
        (Change(state=State("a", 1), event_type="", resume_token=""), False),
        (Change(state=None, event_type="", resume_token="1"), False),
    ],
)
def test_a_change_is_rendered_once(change: Change[State], is_kept: bool) -> None:
    made: list[object] = []

    def render(found: Change[State]) -> object:
        made.append(found)
        return object()

    rendered = Rendered(render)
    assert (rendered.of(change) is rendered.of(change)) == is_kept
    assert len(made) == (1 if is_kept else 2)
    other = Change(state=State("a", 2), event_type="Moved", resume_token="1")
    assert rendered.of(other) is not rendered.of(change)


async def test_what_is_written_is_a_span_below_the_sending_for_some_of_many_streams() -> None:
    trace, kept = "4bf92f3577b34da6a3ce929d0e0e4736", Kept()
    tail = Tail(f"00-{trace}-00f067aa0ba902b7-01")
    streams: ResourceStreams[State] = ResourceStreams(
        cast(Any, tail), cast(Any, Store()), cast(Any, None), none_waits, Tracer(kept, ratio=0.0)
    )
    reader = f"00-{'1' * 32}-{'2' * 16}-01"

    async def read() -> None:
        async for _ in streams.watch("", picture=nothing, visible=lambda _: True, traceparent=reader):
            pass

    await asyncio.gather(*(read() for _ in range(STREAMS)))
    assert len(kept.spans) == CHANGES * STREAMS_MAX < CHANGES * STREAMS
    for span in kept.spans:
        assert (span.name, span.kind) == ("deliver t", SpanKind.CONSUMER)
        assert (span.context.trace_id, span.context.parent_span_id) == (trace, "00f067aa0ba902b7")
        assert [link.traceparent for link in span.links] == [reader]


async def test_what_a_reader_did_not_take_is_not_told_as_delivered() -> None:
    kept = Kept()
    tail = Tail(f"00-{'4' * 32}-{'5' * 16}-01")
    streams: ResourceStreams[State] = ResourceStreams(
        cast(Any, tail), cast(Any, Store()), cast(Any, None), none_waits, Tracer(kept, ratio=0.0)
    )
    changes = streams.watch("", picture=nothing, visible=lambda _: True)
    while (await anext(changes)).state is None:
        pass
    await changes.aclose()
    assert kept.spans == []
