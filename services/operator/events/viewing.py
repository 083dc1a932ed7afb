"""Shows records: a range in the order of time, or the end of the topics and what comes after."""

from dataclasses import dataclass
from heapq import nlargest, nsmallest
from typing import Protocol

from rich.console import Console

from services.operator.events.record import EventRecord
from services.operator.events.selection import Selection
from services.operator.events.source import Reach, TopicSource, open_source
from services.operator.events.topics import Topic
from services.operator.texts import Language, say
from services.shared.kafka.address import KafkaAddress

#: A tail looks so far back in each partition for the lines that it begins with.
_LOOKBACK = 2_000


class Printer(Protocol):
    """Where records are shown."""

    def show(self, records: list[EventRecord]) -> None: ...


@dataclass(frozen=True, kw_only=True)
class View:
    """What is looked at, and how it is shown."""

    kafka: KafkaAddress
    topics: tuple[Topic, ...]
    #: no topic was named, so those that are there will do
    skip_missing: bool
    printer: Printer
    #: for remarks
    console: Console
    language: Language


async def show_reach(view: View, selection: Selection, reach: Reach, *, count_max: int) -> None:
    """Shows what is in reach and selected, the earliest `count_max`, and says when there is more.

    Raises DependencyDown when Kafka or a topic is not there.
    """
    async with open_source(view.kafka, view.topics, skip_missing=view.skip_missing) as source:
        await source.seek(reach)
        kept, found = await _earliest(source, selection, count_max)
    view.printer.show(kept)
    key = "events.shown_some" if found > len(kept) else "events.shown"
    view.console.print(say(key, view.language, shown=len(kept), found=found))


async def _earliest(
    source: TopicSource, selection: Selection, count_max: int
) -> tuple[list[EventRecord], int]:
    """The earliest records that are selected, and how many are selected in all. Keeps no more than asked."""
    kept: list[EventRecord] = []
    found = 0
    async for page in source.read():
        wanted = [record for record in page if selection.wants(record)]
        found += len(wanted)
        kept += wanted
        if len(kept) > 2 * count_max:
            kept = nsmallest(count_max, kept, key=_order)
    return nsmallest(count_max, kept, key=_order), found


async def follow(view: View, selection: Selection, reach: Reach, *, lines: int, goes_on: bool) -> None:
    """Shows the last `lines` records that are selected, then every one that comes.

    Raises DependencyDown when Kafka or a topic is not there.
    """
    async with open_source(view.kafka, view.topics, skip_missing=view.skip_missing) as source:
        await source.seek(Reach(partition=reach.partition, last=_LOOKBACK if lines else 0))
        latest: list[EventRecord] = []
        async for page in source.read():
            latest = nlargest(lines, [*latest, *filter(selection.wants, page)], key=_order)
        view.printer.show(latest[::-1])
        if not goes_on:
            return
        async for page in source.follow():
            view.printer.show([record for record in page if selection.wants(record)])


def _order(record: EventRecord) -> tuple[object, ...]:
    """By time; what was recorded at the same moment keeps the order of its aggregate."""
    return record.time, record.aggregate, record.version, record.topic.name, record.partition, record.offset
