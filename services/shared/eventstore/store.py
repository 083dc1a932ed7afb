"""What the application needs of a store. PostgreSQL and the tests' fake pass one contract suite."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.shared.eventstore.units import (
    AppendResult,
    AppendUnit,
    Claim,
    Document,
    RequestRecord,
    Standing,
    StoredEvent,
    StoredStream,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamQuery:
    """Which aggregates to list; the latest change first."""

    kind: str
    #: every one of these facets must be contained, as JSON
    contains: dict[str, object]
    #: one of these must be among the facet `parties`; None is anybody's
    parties: tuple[str, ...] | None = None
    #: the facet `state` must be one of these; any when empty
    states: tuple[str, ...] = ()
    #: position of the last one seen; None begins
    after: int | None = None
    limit: int = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamPage:
    streams: tuple[StoredStream, ...]
    #: position to go on after; None when there is no more
    next_after: int | None
    #: of each stream, for who stops within the page; empty where nobody may
    positions: tuple[int, ...] = ()


class EventStore(Protocol):
    """Raises DependencyDown wherever the store is away, or the outcome of an append is unknown."""

    async def load(self, stream_id: str) -> StoredStream | None: ...

    async def append(self, unit: AppendUnit) -> AppendResult: ...

    async def read_events(
        self, stream_id: str, *, after_version: int = 0, limit: int = 1000
    ) -> Sequence[StoredEvent]: ...

    async def standing(self, request_id: str, stream_ids: Sequence[str]) -> Standing:
        """What is in force of these aggregates, and whether the request was carried out; at one moment."""
        ...

    async def find_request(self, request_id: str) -> RequestRecord | None: ...

    async def find(self, query: StreamQuery) -> StreamPage: ...

    async def find_any(self, kind: str, wanted: Sequence[Mapping[str, object]]) -> Sequence[StoredStream]:
        """All that have every facet of one of `wanted`, in no order; for lists that are known to be short."""
        ...

    async def find_claim(self, kind: str, key: str) -> str | None:
        """The holder of a claim, None when nobody has it."""
        ...

    async def claims_of(self, holder: str) -> Sequence[Claim]:
        """Everything that one holder has."""
        ...

    async def load_document(self, kind: str, key: str) -> Document | None: ...

    async def list_documents(self, kind: str, *, after_key: str, limit: int) -> Sequence[Document]:
        """Documents of a kind by key."""
        ...

    async def scan(self, *, kind: str, after_stream_id: str, limit: int) -> Sequence[StoredStream]:
        """Aggregates by id, for audits and rebuilds; `kind` empty means every kind."""
        ...
