"""The last records of one partition, for those who resume shortly after they left."""

from collections import deque
from collections.abc import Iterator

from services.shared.kafka.cloud_events import ConsumedEvent


class Ring:
    """All records from `start` on that this process has read, bounded in number and bytes."""

    def __init__(self, *, start: int, records_max: int, bytes_max: int) -> None:
        self._events: deque[ConsumedEvent] = deque()
        self._records_max = records_max
        self._bytes_max = bytes_max
        self._bytes = 0
        #: lowest offset from which on nothing is missing
        self.start = start

    def append(self, event: ConsumedEvent) -> None:
        self._events.append(event)
        self._bytes += len(event.value)
        while len(self._events) > self._records_max or self._bytes > self._bytes_max:
            oldest = self._events.popleft()
            self._bytes -= len(oldest.value)
            self.start = oldest.offset + 1

    def since(self, offset: int) -> Iterator[ConsumedEvent]:
        """Records from `offset` on, which must not be below `start`."""
        assert offset >= self.start, f"{offset} is no longer in the ring, which starts at {self.start}"
        return (event for event in self._events if event.offset >= offset)
