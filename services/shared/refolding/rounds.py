"""Reads what has not been folded yet, folds it and writes it, page by page."""

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from services.shared.database.pool import Database
from services.shared.eventstore.aggregate import AggregateKind, Loaded, absent
from services.shared.eventstore.units import Claim, StoredStream
from services.shared.refolding.faults import Faults
from services.shared.refolding.folding import (
    Folded,
    MissingEvent,
    SetDeadline,
    Unfoldable,
    deadlines_of,
    fold,
)
from services.shared.refolding.replica import SQL, Replica
from services.shared.refolding.subject import SourceEvent, Subject
from services.shared.refolding.topic_source import TopicSource

#: States kept in memory: what comes next of an aggregate is seldom far away.
_STATES_MAX = 10_000
_EVENTS_MAX = 2_000
_STREAMS_MAX = 500

#: Told how many more events were read.
OnRead = Callable[[int], None]


class Rounds:
    """Folds into one replica. After a failure make another one: what it knows may not be what was written."""

    def __init__(self, subject: Subject, replica: Replica, on_read: OnRead) -> None:
        self._subject = subject
        self._replica = replica
        self._on_read = on_read
        self._states: OrderedDict[str, Loaded[Any]] = OrderedDict()
        self.faults = Faults()

    async def from_topics(self, source: TopicSource) -> int:
        """What the topics have that was not folded yet; how many. Raises KafkaError, DependencyDown."""
        read = 0
        async for page in source.pages(await self._replica.places()):
            for fault in page.unreadable:
                self.faults.tell(fault)
            known = [event for event in page.events if self._subject.kind_of(event) is not None]
            for event in page.events:
                if self._subject.kind_of(event) is None:
                    self.faults.tell(f"{event.stream_id}: no aggregate of this service")
            await self._replica.write(await self._folded(known, self._subject.kind_of), page.places)
            read += len(page.events)
            self._on_read(len(page.events))
        return read

    async def from_store(self, live: Database, kinds: Sequence[str]) -> int:
        """What the live store has of these kinds (of all without any) that was not folded yet; how many."""
        read = 0
        async for behind in self._behind(live, kinds):
            by_name = {stream_id: self._subject.kinds[kind] for stream_id, (kind, _) in behind.items()}
            reached = {stream_id: version for stream_id, (_, version) in behind.items()}
            while True:
                rows = await live.fetch(
                    SQL["events_after"], list(reached), list(reached.values()), _EVENTS_MAX
                )
                events = [_event(row) for row in rows]
                folded = await self._folded(events, lambda event: by_name.get(event.stream_id))  # noqa: B023
                await self._replica.write(folded, {})
                reached |= {event.stream_id: event.version for event in events}
                read += len(events)
                self._on_read(len(events))
                if len(events) < _EVENTS_MAX:
                    break
        return read

    async def derive(self) -> None:
        """Deadlines and claims, of the states as they are now: of all aggregates that have any."""
        await self._replica.forget_derived()
        after = ""
        while page := await self._replica.waiting(after=after, limit=_STREAMS_MAX):
            deadlines: list[tuple[str, str, SetDeadline]] = []
            claims: list[Claim] = []
            names = [name for name, _ in page]
            states = await self._loaded({name: self._subject.kinds[kind] for name, kind in page})
            histories = await self._histories(names)
            for name, kind_name in page:
                kind = self._subject.kinds[kind_name]
                claims += kind.claims(states[name].state)
                deadlines += [(name, kind_name, each) for each in deadlines_of(kind, histories[name])]
            await self._replica.write_derived(deadlines, claims)
            after = names[-1]

    async def _histories(self, names: Sequence[str]) -> Mapping[str, list[SourceEvent]]:
        found: dict[str, list[SourceEvent]] = {name: [] for name in names}
        reached = dict.fromkeys(names, 0)
        while True:
            rows = await self._replica.database.fetch(
                SQL["events_after"], list(reached), list(reached.values()), _EVENTS_MAX
            )
            for event in map(_event, rows):
                found[event.stream_id].append(event)
                reached[event.stream_id] = event.version
            if len(rows) < _EVENTS_MAX:
                return found

    async def _behind(
        self, live: Database, kinds: Sequence[str]
    ) -> AsyncIterator[dict[str, tuple[str, int]]]:
        """Kind and folded version of aggregates that the live store has more events of."""
        after = ""
        while True:
            rows = await live.fetch(SQL["versions"], after, _STREAMS_MAX, list(kinds))
            names = [row["stream_id"] for row in rows]
            here = {
                row["stream_id"]: row["version"]
                for row in await self._replica.database.fetch(SQL["versions_of"], names)
            }
            behind = {
                row["stream_id"]: (row["kind"], here.get(row["stream_id"], 0))
                for row in rows
                if row["version"] > here.get(row["stream_id"], 0)
            }
            if behind:
                yield behind
            if len(rows) < _STREAMS_MAX:
                return
            after = names[-1]

    async def _folded(
        self,
        events: Iterable[SourceEvent],
        kind_of: Callable[[SourceEvent], AggregateKind[Any, Any] | None],
    ) -> list[Folded]:
        by_stream: dict[str, list[SourceEvent]] = {}
        kinds: dict[str, AggregateKind[Any, Any]] = {}
        for event in events:
            kind = kind_of(event)
            if kind is not None:
                by_stream.setdefault(event.stream_id, []).append(event)
                kinds[event.stream_id] = kind
        before = await self._loaded(kinds)
        folded: list[Folded] = []
        for stream_id, its in by_stream.items():
            try:
                found = fold(kinds[stream_id], before[stream_id], its)
            except (MissingEvent, Unfoldable) as error:
                self.faults.tell(str(error))
                continue
            folded.append(found)
            self._keep(found.after)
        return folded

    async def _loaded(self, kinds: Mapping[str, AggregateKind[Any, Any]]) -> dict[str, Loaded[Any]]:
        unknown = [name for name in kinds if name not in self._states]
        stored = await self._replica.streams(unknown) if unknown else {}
        return {
            name: self._states.get(name) or _revived(kind, stored[name])
            if name in self._states or name in stored
            else absent(kind, name)
            for name, kind in kinds.items()
        }

    def _keep(self, loaded: Loaded[Any]) -> None:
        self._states[loaded.stream_id] = loaded
        self._states.move_to_end(loaded.stream_id)
        while len(self._states) > _STATES_MAX:
            self._states.popitem(last=False)


class OtherFold(Exception):
    """The replica was begun by another version of the program."""


def _revived(kind: AggregateKind[Any, Any], stored: StoredStream) -> Loaded[Any]:
    if stored.fold_version != kind.fold_version:
        raise OtherFold(f"{kind.name}: fold {stored.fold_version}, not {kind.fold_version}")
    try:
        state = kind.decode_state(stored.snapshot)
    except (msgspec.MsgspecError, ValueError) as error:
        raise OtherFold(f"{stored.stream_id}: {error}") from error
    return Loaded(stream_id=stored.stream_id, version=stored.version, head_hash=stored.head_hash, state=state)


def _event(row: Any) -> SourceEvent:
    return SourceEvent(
        stream_id=row["stream_id"],
        version=row["version"],
        event_id=str(row["event_id"]),
        type=row["type"],
        recorded_at=row["recorded_at"],
        payload=row["payload"],
    )
