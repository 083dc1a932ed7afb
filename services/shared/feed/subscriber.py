"""One reader of a feed, and what it reads."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.shared.feed.token import encode_token
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.refusals import Overloaded, Refused
from services.shared.loops.stopping import comes_within

#: Says whether a reader wants an event; must be quick, and is called for every event of the topic.
Wanted = Callable[[ConsumedEvent], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class FeedItem:
    """One message of a stream."""

    topic: str
    #: None in a heartbeat
    event: ConsumedEvent | None
    #: where a reader that has taken this item goes on: next offset by partition
    positions: Mapping[int, int]

    @property
    def resume_token(self) -> str:
        return encode_token(self.topic, self.positions)


class Subscriber:
    """The bounded queue between the tail and one reader."""

    def __init__(self, *, wanted: Wanted, records_max: int, bytes_max: int) -> None:
        self._wanted = wanted
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._bytes = 0
        self._queue: deque[ConsumedEvent] = deque()
        self._filled = asyncio.Event()
        self._failure: Refused | None = None

    @property
    def is_dropped(self) -> bool:
        return self._failure is not None

    @property
    def is_empty(self) -> bool:
        return not self._queue

    def offer(self, event: ConsumedEvent) -> None:
        """Queues an event that the reader wants. A reader whose queue is full is dropped."""
        if not self._wanted(event):
            return
        if len(self._queue) >= self._records_max or self._bytes + len(event.value) > self._bytes_max:
            self.drop(Overloaded("the stream is read too slowly; resume it with its last token"))
            return
        self._queue.append(event)
        self._bytes += len(event.value)
        self._filled.set()

    def drop(self, failure: Refused) -> None:
        """Ends the stream: its reader gets `failure` next, whatever is queued still."""
        self._failure = failure
        self._queue.clear()
        self._filled.set()

    def take(self) -> ConsumedEvent | None:
        """The next event, None when there is none yet. Raises what the reader was dropped for."""
        if self._failure is not None:
            raise self._failure
        if not self._queue:
            self._filled.clear()
            return None
        event = self._queue.popleft()
        self._bytes -= len(event.value)
        return event

    async def wait(self, timeout_s: float) -> None:
        """Returns when there is something to take, or after `timeout_s`."""
        await comes_within(self._filled, timeout_s)
