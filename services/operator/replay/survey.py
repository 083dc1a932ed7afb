"""What a replay would read: every record in reach is looked at, none is sent."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiokafka import TopicPartition

from services.operator.events.record import EventRecord
from services.operator.events.selection import Selection
from services.operator.events.source import TopicSource
from services.operator.replay.continuity import Continuity
from services.operator.replay.marks import replays_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Survey:
    """What is in reach, and what of it is selected."""

    #: offsets to be read, by partition
    bounds: Mapping[TopicPartition, range]
    read: int
    #: by source topic
    selected: Mapping[str, int]
    selected_bytes: int
    #: of what is selected; None when nothing is
    first: datetime | None
    last: datetime | None
    #: selected, and no event of ours
    unreadable: int
    #: selected, and replayed too often already
    exhausted: int
    #: selected events whose aggregate's event before is not
    gaps: int
    #: selected events that were seen before
    repeats: int

    @property
    def count(self) -> int:
        return sum(self.selected.values())

    @property
    def span(self) -> timedelta:
        """From the first to the last record, as they were recorded."""
        return self.last - self.first if self.first and self.last else timedelta()


async def survey(
    source: TopicSource, selection: Selection, *, count_max: int | None, replays_max: int
) -> Survey:
    """Reads what `source` has in reach; with `count_max`, up to so many selected records."""
    tally = _Tally(replays_max)
    everything = selection.is_everything
    async for page in source.merged():
        for position, record in enumerate(page, start=1):
            if everything or selection.wants(record):
                tally.take(record)
                if tally.taken == count_max:
                    tally.read += position
                    tally.reached(page[:position])
                    return tally.survey(
                        {
                            each: range(offsets.start, tally.ends.get(each, offsets.start))
                            for each, offsets in source.bounds.items()
                        }
                    )
        tally.read += len(page)
        if count_max is not None:
            tally.reached(page)
    return tally.survey(source.bounds)


class _Tally:
    def __init__(self, replays_max: int) -> None:
        #: how far each partition was read
        self.ends: dict[TopicPartition, int] = {}
        self.read = 0
        self.taken = 0
        self._replays_max = replays_max
        self._selected: Counter[str] = Counter()
        self._bytes = 0
        self._first: datetime | None = None
        self._last: datetime | None = None
        self._unreadable = 0
        self._exhausted = 0
        self._continuity = Continuity()

    def reached(self, page: Sequence[EventRecord]) -> None:
        for record in page:
            self.ends[TopicPartition(record.topic.name, record.partition)] = record.offset + 1

    def take(self, record: EventRecord) -> None:
        time = record.time
        self.taken += 1
        self._selected[record.topic.name] += 1
        self._bytes += len(record.value)
        if self._first is None or time < self._first:
            self._first = time
        if self._last is None or time > self._last:
            self._last = time
        self._unreadable += bool(record.fault)
        self._exhausted += replays_of(record.headers) >= self._replays_max
        self._continuity.see(record)

    def survey(self, bounds: Mapping[TopicPartition, range]) -> Survey:
        return Survey(
            bounds=bounds,
            read=self.read,
            selected=dict(self._selected),
            selected_bytes=self._bytes,
            first=self._first,
            last=self._last,
            unreadable=self._unreadable,
            exhausted=self._exhausted,
            gaps=self._continuity.gaps,
            repeats=self._continuity.repeats,
        )
