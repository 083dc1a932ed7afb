"""The event store without a database: passes the same contract suite as the real one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from services.shared.eventstore.store import StreamPage, StreamQuery
from services.shared.eventstore.units import (
    AppendResult,
    AppendStatus,
    AppendUnit,
    Claim,
    Document,
    OutboxMessage,
    RequestRecord,
    Standing,
    StoredEvent,
    StoredStream,
    StreamChange,
)
from services.shared.kernel.command import Deadline


class MemoryEventStore:
    """Implements `EventStore`; keeps what was written open to the tests."""

    def __init__(self) -> None:
        self.streams: dict[str, StoredStream] = {}
        self.events: dict[str, list[StoredEvent]] = {}
        self.messages: list[OutboxMessage] = []
        self.requests: dict[str, RequestRecord] = {}
        self.inbox: dict[tuple[str, str], int] = {}
        self.deadlines: dict[tuple[str, str], Deadline] = {}
        self.claims: dict[tuple[str, str], str] = {}
        self.documents: dict[tuple[str, str], Document] = {}
        self.facets: dict[str, dict[str, object]] = {}
        self.changed: dict[str, int] = {}
        self._clock = 0

    async def append(self, unit: AppendUnit) -> AppendResult:
        verdict = self._verdict(unit)
        if verdict.status is not AppendStatus.APPENDED:
            return verdict
        for change in unit.changes:
            for claim in change.claims_given_up:
                self.claims.pop((claim.kind, claim.key), None)
        for change in unit.changes:
            self._apply(change)
        for claim in unit.claims:
            self.claims[claim.kind, claim.key] = claim.holder
        self.messages.extend(unit.messages)
        for document in unit.documents:
            known = self.documents.get((document.kind, document.key))
            if known is None or known.version <= document.version:
                self.documents[document.kind, document.key] = document
        if unit.request is not None:
            self.requests[unit.request.request_id] = unit.request
        if unit.inbox is not None:
            self.inbox[unit.inbox.source, unit.inbox.aggregate_id] = unit.inbox.version
        return verdict

    def _verdict(self, unit: AppendUnit) -> AppendResult:
        if unit.request is not None and unit.request.request_id in self.requests:
            return AppendResult(status=AppendStatus.REPEATED, request=self.requests[unit.request.request_id])
        if unit.inbox is not None:
            last = self.inbox.get((unit.inbox.source, unit.inbox.aggregate_id), 0)
            if last >= unit.inbox.version:
                return AppendResult(status=AppendStatus.SEEN)
            if last < unit.inbox.version - 1:
                return AppendResult(status=AppendStatus.GAP)
        decided_on = [(change.stream_id, change.expected_version) for change in unit.changes]
        decided_on += [(guard.stream_id, guard.version) for guard in unit.guards]
        for stream_id, version in decided_on:
            stored = self.streams.get(stream_id)
            if (stored.version if stored else 0) != version:
                return AppendResult(status=AppendStatus.STALE)
        given_up = {(c.kind, c.key) for change in unit.changes for c in change.claims_given_up}
        taken = [claim for change in unit.changes for claim in change.claims_taken]
        for claim in (*taken, *unit.claims):
            if (claim.kind, claim.key) in self.claims and (claim.kind, claim.key) not in given_up:
                return AppendResult(status=AppendStatus.CLAIMED)
        return AppendResult(status=AppendStatus.APPENDED)

    def _apply(self, change: StreamChange) -> None:
        self._clock += 1
        self.changed[change.stream_id] = self._clock
        self.facets[change.stream_id] = json.loads(change.facets)
        self.streams[change.stream_id] = StoredStream(
            stream_id=change.stream_id,
            kind=change.kind,
            version=change.new_version,
            head_hash=change.head_hash,
            snapshot=change.snapshot,
            fold_version=change.fold_version,
        )
        self.events.setdefault(change.stream_id, []).extend(
            StoredEvent(
                stream_id=change.stream_id,
                version=event.version,
                event_id=event.event_id,
                type=event.type,
                recorded_at=event.recorded_at,
                previous_hash=event.previous_hash,
                hash=event.hash,
                payload=event.payload,
            )
            for event in change.events
        )
        for key in change.deadlines_cleared:
            self.deadlines.pop((change.stream_id, key), None)
        for deadline in change.deadlines_set:
            self.deadlines[change.stream_id, deadline.key] = deadline
        for claim in change.claims_taken:
            self.claims[claim.kind, claim.key] = claim.holder

    async def load(self, stream_id: str) -> StoredStream | None:
        return self.streams.get(stream_id)

    async def read_events(
        self, stream_id: str, *, after_version: int = 0, limit: int = 1000
    ) -> Sequence[StoredEvent]:
        found = [event for event in self.events.get(stream_id, []) if event.version > after_version]
        return found[:limit]

    async def standing(self, request_id: str, stream_ids: Sequence[str]) -> Standing:
        return Standing(
            versions={name: self.streams[name].version for name in stream_ids if name in self.streams},
            request=self.requests.get(request_id),
        )

    async def find_request(self, request_id: str) -> RequestRecord | None:
        return self.requests.get(request_id)

    async def find(self, query: StreamQuery) -> StreamPage:
        found = [
            stream
            for stream in sorted(self.streams.values(), key=lambda s: -self.changed[s.stream_id])
            if stream.kind == query.kind
            and _contains(self.facets[stream.stream_id], query.contains)
            and (
                query.parties is None
                or not set(query.parties).isdisjoint(self.facets[stream.stream_id]["parties"])  # type: ignore[call-overload]
            )
            and (not query.states or self.facets[stream.stream_id].get("state") in query.states)
            and (query.after is None or self.changed[stream.stream_id] < query.after)
        ]
        page = found[: query.limit]
        more = len(found) > query.limit
        return StreamPage(streams=tuple(page), next_after=self.changed[page[-1].stream_id] if more else None)

    async def find_any(self, kind: str, wanted: Sequence[Mapping[str, object]]) -> Sequence[StoredStream]:
        return [
            stream
            for stream in self.streams.values()
            if stream.kind == kind
            and any(_contains(self.facets[stream.stream_id], dict(each)) for each in wanted)
        ]

    async def find_claim(self, kind: str, key: str) -> str | None:
        return self.claims.get((kind, key))

    async def claims_of(self, holder: str) -> Sequence[Claim]:
        return [
            Claim(kind=kind, key=key, holder=owner)
            for (kind, key), owner in sorted(self.claims.items())
            if owner == holder
        ]

    async def load_document(self, kind: str, key: str) -> Document | None:
        return self.documents.get((kind, key))

    async def list_documents(self, kind: str, *, after_key: str, limit: int) -> Sequence[Document]:
        found = [d for (k, key), d in sorted(self.documents.items()) if k == kind and key > after_key]
        return found[:limit]

    async def scan(self, *, kind: str, after_stream_id: str, limit: int) -> Sequence[StoredStream]:
        ids = sorted(stream_id for stream_id in self.streams if stream_id > after_stream_id)
        return [self.streams[i] for i in ids if not kind or self.streams[i].kind == kind][:limit]

    async def orphans(self, limit: int = 1000) -> tuple[str, ...]:
        return tuple(sorted(self.events.keys() - self.streams.keys()))[:limit]

    def tamper(self, aggregate: str, at: int, /, **changes: object) -> None:
        """Alters one stored event, as somebody with the database's password could."""
        events = self.events[aggregate]
        events[at - 1] = replace(events[at - 1], **changes)  # type: ignore[arg-type]


def _contains(facets: dict[str, object], wanted: dict[str, object]) -> bool:
    for key, value in wanted.items():
        present = facets.get(key)
        if isinstance(value, list):
            if not isinstance(present, list) or not set(value) <= set(present):
                return False
        elif present != value:
            return False
    return True
