"""Each change of some aggregates, once and in order, with a token to go on after it."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, TypeVar

import structlog

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.runner import CommandRunner
from services.shared.feed.tail import TopicTail
from services.shared.feed.token import Positions, mark
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.telemetry.tracer import Tracer
from services.shared.watching.traced import StreamSpans

_log = structlog.get_logger(__name__)

S = TypeVar("S")

#: Says which of these aggregates have events that are not published yet.
Waiting = Callable[[Collection[str]], Awaitable[Collection[str]]]

#: What a token has room for of what its reader was shown before it was published. More waits only while Kafka
#: is away, and may come twice to who resumes then: nobody misses anything.
_SHOWN_MAX = 64

#: States kept for the other watchers of the same change.
_CACHE_MAX = 2_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Pictured(Generic[S]):
    """One resource of the first picture."""

    name: str
    version: int
    state: S


@dataclass(frozen=True, kw_only=True, slots=True)
class Change(Generic[S]):
    """One message of a watch stream."""

    #: None in a heartbeat
    state: S | None
    #: the event that changed it; empty in the first picture
    event_type: str
    #: empty while the first picture is not complete: who loses it there begins anew
    resume_token: str


class ResourceStreams(Generic[S]):
    """Watch streams of one kind of aggregate. Shared by all streams of a process."""

    def __init__(
        self,
        tail: TopicTail,
        runner: CommandRunner,
        kind: AggregateKind[S, Any],
        waiting: Waiting,
        tracer: Tracer | None = None,
    ) -> None:
        """Without a `tracer` nothing of what is written to streams is recorded."""
        self._waiting = waiting
        self._spans = None if tracer is None else StreamSpans(tracer)
        self._tail = tail
        self._runner = runner
        self._kind = kind
        self._states: OrderedDict[tuple[str, int], S] = OrderedDict()
        self._readings: dict[tuple[str, int], asyncio.Task[S]] = {}

    async def watch(
        self,
        resume_token: str,
        *,
        picture: Callable[[], AsyncIterable[Pictured[S]]],
        visible: Callable[[S], bool],
        traceparent: str = "",
    ) -> AsyncGenerator[Change[S], None]:
        """Without a token the picture comes first; with one, what came after the message that carried it.

        `visible` says whether a state is the watcher's to see, `traceparent` which call watches. Raises
        InvalidInput for a bad token, Overloaded for a reader that is too slow, DependencyDown when Kafka or
        the database is away.
        """
        #: versions of the first picture: what of it was not published yet when it was taken comes once more
        pictured_versions: dict[str, int] = {}
        #: … and those of them of which that is known, for who goes on with a token from before they have come
        shown: dict[str, int] = {}
        if resume_token:
            positions = self._tail.decode(resume_token)
            shown = self._tail.decode_shown(resume_token)
        else:
            positions = await self._tail.end_positions()
            async for pictured in picture():
                pictured_versions[pictured.name] = pictured.version
                yield Change(state=pictured.state, event_type="", resume_token="")
            shown = await self._to_come(positions, pictured_versions)
            yield Change(state=None, event_type="", resume_token=self._token(positions, shown))
        async with contextlib.aclosing(self._tail.subscribe(positions)) as items:
            async for item in items:
                event = item.event
                if event is None:
                    yield Change(state=None, event_type="", resume_token=self._token(item.positions, shown))
                    continue
                if _was_shown(event, shown) or event.version <= pictured_versions.get(event.key, 0):
                    continue
                # From here on the feed itself drops what comes twice.
                pictured_versions.pop(event.key, None)
                try:
                    state = await self._state(event)
                except LookupError as error:
                    # A record of another store, or of before a restore: no watcher loses the rest for it.
                    _log.error(
                        "change_of_nothing", aggregate=event.key, version=event.version, error=str(error)
                    )
                    continue
                if not visible(state):
                    continue
                span = None if self._spans is None else self._spans.begin(event)
                token = self._token(item.positions, shown)
                yield Change(state=state, event_type=event.type, resume_token=token)
                if self._spans is not None and span is not None:
                    # Asked for the next one: this one is written.
                    self._spans.end(span, event, traceparent)

    async def _to_come(self, positions: Positions, versions: Mapping[str, int]) -> dict[str, int]:
        """What of a picture is still to come in the stream: it waits, or lies behind these positions.

        In this order: what is published between the two questions is seen by the second.
        """
        waiting = await self._waiting(versions) if versions else ()
        coming = {*waiting, *(await self._tail.keys_coming(positions))}
        return {mark(name): version for name, version in versions.items() if name in coming}

    def _token(self, positions: Positions, shown: Mapping[str, int]) -> str:
        return self._tail.encode(positions, dict(islice(shown.items(), _SHOWN_MAX)))

    async def _state(self, event: ConsumedEvent) -> S:
        """The state after the event, also when the aggregate has gone on."""
        key = (event.key, event.version)
        found = self._states.get(key)
        if found is not None:
            return found
        reading = self._readings.get(key)
        if reading is None:
            # All streams come to a change at the same moment: it is read and folded once for them.
            reading = self._readings[key] = asyncio.create_task(self._read(key), name="state after an event")
            reading.add_done_callback(partial(self._is_read, key))
        # Who leaves must not take it from the others.
        return await asyncio.shield(reading)

    async def _read(self, key: tuple[str, int]) -> S:
        found = await self._runner.state_at(self._kind, *key)
        self._states[key] = found
        while len(self._states) > _CACHE_MAX:
            self._states.popitem(last=False)
        return found

    def _is_read(self, key: tuple[str, int], reading: "asyncio.Task[S]") -> None:
        self._readings.pop(key, None)
        if not reading.cancelled():
            # Where everybody has left, nobody asks why it failed.
            reading.exception()


def _was_shown(event: ConsumedEvent, shown: dict[str, int]) -> bool:
    """Whether the first picture had it; forgets what has come with that."""
    version = shown.get(mark(event.key)) if shown else None
    if version is None:
        return False
    if event.version >= version:
        del shown[mark(event.key)]
    return event.version <= version
