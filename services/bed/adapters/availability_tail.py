"""The end of `tierlink.bed.availability.v1`. Implements `AvailabilityTail`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.bed.adapters.availability_records import availability_in
from services.bed.application.watch_availability import Published
from services.shared.feed.tail import TopicTail


class KafkaAvailabilityTail:
    """Reads the topic through the process's tail of it."""

    def __init__(self, tail: TopicTail) -> None:
        self._tail = tail

    async def begin(self, resume_token: str) -> str:
        if resume_token:
            self._tail.decode(resume_token)
            return resume_token
        return self._tail.encode(await self._tail.end_positions())

    async def read(self, resume_token: str) -> AsyncGenerator[Published, None]:
        async with aclosing(self._tail.subscribe(self._tail.decode(resume_token))) as items:
            async for item in items:
                event = item.event
                yield Published(
                    found=None if event is None else availability_in(event.value),
                    version=0 if event is None else event.version,
                    resume_token=item.resume_token,
                )
