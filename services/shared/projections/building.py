"""Makes one read model anew beside the one that serves, catches up, compares, and changes their places."""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiokafka.errors import KafkaError

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown, KafkaAway
from services.shared.projections import decisions
from services.shared.projections.build_store import Build, BuildStore, Known
from services.shared.projections.decisions import ProjectionFile
from services.shared.refolding.folding import Folded, MissingEvent, Unfoldable, fold
from services.shared.refolding.subject import SourceEvent
from services.shared.refolding.topic_source import TopicSource, open_topics

#: Folded with one transaction, and between two of them whoever commands goes first.
_STREAMS_MAX = 200
#: Looked for with one statement, which passes over every aggregate.
_BEHIND_MAX = 2_000
_EVENTS_MAX = 2_000
_REST_S = 0.005
#: So few are left that a swap folds them while commands wait.
SWAP_MAX = 500
#: Aggregates compared within one snapshot.
_COMPARED_MAX = 500
#: What the store has and the topics do not bring within this time does not come.
_TOPICS_PATIENCE_S = 10.0
_LOOK_S = 0.5
_FAULTS_MAX = 100


@dataclass(kw_only=True)
class BuildProgress:
    """How far one call has come."""

    events: int = 0
    #: aggregates that cannot be folded on; they are not tried again by this call
    stuck: set[str] = field(default_factory=set)
    #: the first reasons
    faults: list[str] = field(default_factory=list)

    def tell(self, name: str, fault: str) -> None:
        if name not in self.stuck and len(self.faults) < _FAULTS_MAX:
            self.faults.append(fault)
        self.stuck.add(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Compared:
    """A page of a comparison."""

    #: kind, key and columns of each row that is not the same
    differences: Sequence[Mapping[str, Any]]
    aggregates: int
    rows: int
    behind: int


class Building:
    """The build of one read model. Several processes may work on it at once: no page is written twice."""

    def __init__(self, store: BuildStore, kafka: KafkaAddress) -> None:
        self.store = store
        self._spec = store.spec
        self._kafka = kafka

    async def run(self, build: Build) -> AsyncGenerator[BuildProgress, None]:
        """Folds what there is and catches up; says so after each page.

        Raises RecordsGone, and DependencyDown: KafkaAway where that is what is away.
        """
        progress = BuildProgress()
        try:
            if build.source == "KAFKA" and self._spec.topics:
                async with open_topics(self._kafka, self._spec.topics) as source:
                    async for _ in self._from_topics(source, progress):
                        yield progress
                    async for _ in self._pass(build, self._spec.unpublished, progress):
                        yield progress
                    async for _ in self._follow_topics(source, progress):
                        yield progress
            else:
                async for _ in self._pass(build, tuple(self._spec.kinds), progress):
                    yield progress
                async for _ in self._catch_up(tuple(self._spec.kinds), progress):
                    yield progress
        except (KafkaError, OSError) as error:
            raise KafkaAway(str(error) or repr(error)) from error
        except DependencyDown as error:
            if error.dependency != "kafka":
                raise
            raise KafkaAway(str(error)) from error

    async def swap(self, file: ProjectionFile) -> None:
        """Folds the last few events while commands wait, and has the one that was made serve.

        Nothing where it serves already. Raises NotAllowed when too much is left, DependencyDown when somebody
        has a table in hand for long.
        """
        if not await self.store.has_same_columns():
            raise decisions.columns_differ(file)
        async with self.store.changing_places() as connection:
            there = await self.store.hold_commands(connection)
            building, serving = there.get("BUILDING"), there["SERVING"]
            if building is None:
                return
            behind = await self.store.behind(self._spec.kinds, limit=SWAP_MAX + 1, connection=connection)
            if len(behind) > SWAP_MAX:
                raise decisions.too_far_behind(file)
            await self._fold_known(behind, BuildProgress(), connection=connection)
            await self.store.switch(connection, serving=serving.number, number=building.number)

    async def compare(self) -> AsyncGenerator[Compared, None]:
        """Page by page, each within one snapshot; at last the rows that belong to no aggregate."""
        after = ""
        while True:
            async with (
                self.store.database.connection() as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                page = await self.store.page_to_compare(connection, after=after, limit=_COMPARED_MAX)
                current = [name for name, is_current in page if is_current]
                rows, differences = await self.store.differences(connection, current)
            yield Compared(
                differences=differences,
                aggregates=len(current),
                rows=rows,
                behind=len(page) - len(current),
            )
            if len(page) < _COMPARED_MAX:
                break
            after = page[-1][0]
        orphans = [
            {"kind": "MISSING", "key": row["key"], "columns": ()}
            for row in await self.store.orphans(_COMPARED_MAX)
        ]
        yield Compared(differences=orphans, aggregates=0, rows=len(orphans), behind=0)

    async def _pass(
        self, build: Build, kinds: Sequence[str], progress: BuildProgress
    ) -> AsyncGenerator[None, None]:
        """Every aggregate once, by id, from where it was left."""
        after, is_passed = build.after_stream_id, build.is_passed
        while not is_passed:
            page = await self.store.next_to_pass(kinds, after=after, limit=_STREAMS_MAX)
            await self._fold_known(page, progress)
            is_passed = len(page) < _STREAMS_MAX
            after = page[-1].stream_id if page else after
            await self.store.keep_pass(build.number, after=after, is_passed=is_passed)
            yield
            await asyncio.sleep(_REST_S)

    async def _catch_up(self, kinds: Sequence[str], progress: BuildProgress) -> AsyncGenerator[None, None]:
        """What has gone on since, until so little is left that it is no use to go on."""
        while True:
            behind = await self.store.behind(kinds, but=list(progress.stuck), limit=_BEHIND_MAX)
            for start in range(0, len(behind), _STREAMS_MAX):
                await self._fold_known(behind[start : start + _STREAMS_MAX], progress)
                yield
            if len(behind) < _STREAMS_MAX:
                return

    async def _from_topics(self, source: TopicSource, progress: BuildProgress) -> AsyncGenerator[None, None]:
        """What the topics have that was not folded yet."""
        async for page in source.pages(await self.store.places()):
            for fault in page.unreadable:
                progress.tell(fault.partition(":")[0], fault)
            events = [event for event in page.events if _collection(event) in self._spec.collections]
            # What only the topic has is no row of any list; `events diff --store` speaks of it.
            there = await self.store.existing({event.stream_id for event in events})
            events = [event for event in events if event.stream_id in there]
            kinds = {event.stream_id: self._spec.collections[_collection(event)] for event in events}
            folded = await self._folded(events, kinds, progress)
            await self.store.write(folded, places=page.places)
            progress.events += len(events)
            yield

    async def _follow_topics(
        self, source: TopicSource, progress: BuildProgress
    ) -> AsyncGenerator[None, None]:
        """Until the topics have brought what the store has, or bring nothing more."""
        until_s = time.monotonic() + _TOPICS_PATIENCE_S
        while True:
            async for _ in self._catch_up(self._spec.unpublished, progress):
                yield
            before = progress.events
            async for _ in self._from_topics(source, progress):
                yield
            if progress.events > before:
                until_s = time.monotonic() + _TOPICS_PATIENCE_S
            left = await self.store.behind(self._spec.kinds, limit=1)
            if not left or time.monotonic() > until_s:
                return
            await asyncio.sleep(_LOOK_S)

    async def _fold_known(
        self, known: Sequence[Known], progress: BuildProgress, *, connection: Any = None
    ) -> None:
        """What the store has of these aggregates."""
        kinds = {each.stream_id: self._spec.kinds[each.kind] for each in known}
        before = {each.stream_id: each.version for each in known}
        reached = dict(before)
        while reached:
            events = await self.store.events_after(reached, limit=_EVENTS_MAX, connection=connection)
            of_these = {event.stream_id: kinds[event.stream_id] for event in events}
            folded = await self._folded(events, of_these, progress, connection=connection)
            await self.store.write(folded, connection=connection)
            progress.events += len(events)
            reached |= {event.stream_id: event.version for event in events}
            if len(events) < _EVENTS_MAX:
                break
        for name, version in before.items():
            if reached[name] == version:
                progress.tell(name, f"{name}: the store has no event after {version}")

    async def _folded(
        self,
        events: Sequence[SourceEvent],
        kinds: Mapping[str, AggregateKind[Any, Any]],
        progress: BuildProgress,
        *,
        connection: Any = None,
    ) -> list[Folded]:
        by_stream: dict[str, list[SourceEvent]] = {}
        for event in events:
            by_stream.setdefault(event.stream_id, []).append(event)
        before = await self.store.states(kinds, connection=connection)
        folded = []
        for name, its in by_stream.items():
            try:
                folded.append(fold(kinds[name], before[name], its))
            except (MissingEvent, Unfoldable) as error:
                progress.tell(name, str(error))
        return folded


def _collection(event: SourceEvent) -> str:
    return event.stream_id.partition("/")[0]
