"""One aggregate's events keep their order through gaps, failures and repetitions, in every mixture."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from services.shared.eventstore.units import AppendStatus
from services.shared.inbox.handling import IGNORED, Answer
from services.shared.inbox.metrics import InboxMetrics
from services.shared.inbox.parking import AggregateKey, Received, Span, StoredRecord, Waiting
from services.shared.inbox.turns import Turns
from services.shared.kafka.cloud_events import ConsumedEvent
from services.shared.kernel.refusals import Overloaded
from tests.doubles.parcel import NOW

_KEY = "a"
_AGGREGATE = ("t", _KEY)


def received(version: int, *, type_: str = "Moved") -> Received:
    record = StoredRecord(topic="t", partition=0, offset=version, key=b"a", value=b"", headers=())
    event = ConsumedEvent(
        topic="t", partition=0, offset=version, key=_KEY, version=version, type=type_,
        event_id=str(version), value=b"", recorded_at=NOW, traceparent="",
    )  # fmt: skip
    return Received(record=record, event=event)


@dataclass(kw_only=True)
class Tables:
    """The tables of the inbox, in memory, for one aggregate."""

    version: int = 0
    parked: dict[int, Received] = field(default_factory=dict)
    letters: dict[int, str] = field(default_factory=dict)
    marks: int = 0

    async def mark_ignored(self, spans: Mapping[AggregateKey, Span]) -> frozenset[AggregateKey]:
        self.marks += bool(spans)
        behind = set()
        for aggregate, span in spans.items():
            if self.version < span.first - 1:
                behind.add(aggregate)
            else:
                self.version = max(self.version, span.last)
        return frozenset(behind)

    async def park(self, item: Received) -> None:
        self.parked.setdefault(item.event.version, item)

    async def remove(self, aggregate: AggregateKey, versions: Sequence[int]) -> None:
        for version in versions:
            self.parked.pop(version, None)

    async def parked_aggregates(self, topics: Sequence[str]) -> frozenset[AggregateKey]:
        return frozenset({_AGGREGATE}) if await self.is_parked(_AGGREGATE) else frozenset()

    async def is_parked(self, aggregate: AggregateKey) -> bool:
        return bool(self.parked or self.letters)

    async def waiting(self, aggregate: AggregateKey, *, limit: int) -> Waiting:
        before = min(self.letters, default=1 << 62)
        events = tuple(item for version, item in sorted(self.parked.items()) if version < before)
        return Waiting(events=events[:limit], handled_version=self.version)

    async def ready(self, partitions: Any, *, limit: int) -> tuple[AggregateKey, ...]:
        before = min(self.letters, default=1 << 62)
        is_ready = any(version <= self.version + 1 and version < before for version in self.parked)
        return (_AGGREGATE,) if is_ready else ()

    async def bury(self, record: Any, event: ConsumedEvent | None, *, error: str, attempts: int) -> bool:
        if event is not None:
            self.letters[event.version] = error
        return True

    def redrive(self) -> None:
        for version in self.letters:
            self.parked.setdefault(version, received(version))
        self.letters.clear()


@dataclass(kw_only=True)
class Effects:
    """A handler that obeys the inbox, as `CommandRunner.react` does."""

    tables: Tables
    poisonous: set[int] = field(default_factory=set)
    ignored: set[int] = field(default_factory=set)
    done: list[int] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    async def __call__(self, event: ConsumedEvent) -> Answer:
        self.asked.append(event.version)
        await asyncio.sleep(0)
        if event.version in self.ignored:
            return IGNORED
        if event.version in self.poisonous:
            raise ValueError("poison")
        if event.version <= self.tables.version:
            return AppendStatus.SEEN
        if event.version > self.tables.version + 1:
            return AppendStatus.GAP
        self.tables.version = event.version
        self.done.append(event.version)
        return AppendStatus.APPENDED


def turns_of(tables: Tables, handler: Any, **options: Any) -> Turns:
    return Turns(
        tables,  # type: ignore[arg-type]
        handler,
        metrics=InboxMetrics(CollectorRegistry()),
        stopping=asyncio.Event(),
        tries_max=1,
        **options,
    )


async def _poll(turns: Turns, *versions: int) -> None:
    if versions:
        await turns.mark([await turns.take([received(version) for version in versions])])


@settings(max_examples=200, deadline=None)
@given(
    data=st.data(),
    count=st.integers(1, 9),
    poisonous=st.sets(st.integers(1, 9), max_size=3),
    ignored=st.sets(st.integers(1, 9), max_size=5),
)
def test_every_event_takes_effect_once_in_order_whatever_comes_when(
    data: st.DataObject, count: int, poisonous: set[int], ignored: set[int]
) -> None:
    """Any order, any repetition, any division into polls, restarts between them, poison cured later."""
    once = list(range(1, count + 1))
    again = data.draw(st.lists(st.sampled_from(once), max_size=8))
    arrivals = data.draw(st.permutations(once + again))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(arrivals)), max_size=4)))
    polls = [arrivals[a:b] for a, b in zip([0, *cuts], [*cuts, len(arrivals)], strict=True)]
    restarts = data.draw(st.sets(st.integers(0, len(polls)), max_size=3))

    async def live() -> None:
        tables = Tables()
        effects = Effects(tables=tables, poisonous=poisonous - ignored, ignored=ignored)
        turns = turns_of(tables, effects)
        for number, poll in enumerate(polls):
            if number in restarts:
                turns = turns_of(tables, effects)
                await turns.reload(["t"])
            await _poll(turns, *poll)
        assert effects.done == sorted(set(effects.done))
        # Somebody cures the fault and redrives, as often as it takes.
        effects.poisonous = set()
        tables.redrive()
        await turns.sweep([("t", 0)])
        assert effects.done == [version for version in once if version not in ignored]
        assert tables.version == count
        assert not tables.parked
        assert not tables.letters
        await _poll(turns, count + 1)
        assert tables.version == count + 1

    with capture_logs():
        asyncio.run(live())


async def test_a_run_of_ignored_events_is_one_mark() -> None:
    tables = Tables()
    effects = Effects(tables=tables, ignored=set(range(1, 100)))
    await _poll(turns_of(tables, effects), *range(1, 100))
    assert (tables.version, tables.marks) == (99, 1)


async def test_types_that_are_not_relevant_are_never_asked_about() -> None:
    tables = Tables()
    effects = Effects(tables=tables)
    turns = turns_of(tables, effects, relevant_types=frozenset({"Moved"}))
    items = [
        received(1, type_="Weighed"),
        received(2, type_="Weighed"),
        received(3),
        received(4, type_="Sold"),
    ]
    await turns.mark([await turns.take(items)])
    assert effects.asked == effects.done == [3]
    assert tables.version == 4


async def test_overload_is_waited_out_and_not_counted_as_a_failure() -> None:
    tables = Tables()
    effects = Effects(tables=tables)
    refusals = iter(range(2))

    async def overloaded(event: ConsumedEvent) -> Answer:
        if next(refusals, None) is not None:
            raise Overloaded("busy")
        return await effects(event)

    await _poll(turns_of(tables, overloaded), 1)
    assert effects.done == [1]
    assert not tables.letters


async def test_an_answer_that_is_none_is_a_dead_letter() -> None:
    tables = Tables()

    async def wrong(event: ConsumedEvent) -> Any:
        return AppendStatus.STALE

    await _poll(turns_of(tables, wrong), 1)
    assert "STALE" in tables.letters[1]
