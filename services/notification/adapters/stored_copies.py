"""Copies of other services' events, kept as documents of the event store."""

import asyncio
import contextlib

import msgspec
import structlog

from services.notification.domain.directory import Community, Directory, Facility
from services.notification.domain.subject_state import SubjectState
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document
from services.shared.eventstore.work import Work
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)

_SUBJECT, _FACILITY, _COMMUNITY = "subject", "facility", "community"
_KINDS: dict[type, str] = {Facility: _FACILITY, Community: _COMMUNITY}
_PAGE = 1000


class StoredSubjects:
    """Implements `Subjects`."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def load(self, name: str) -> SubjectState | None:
        found = await self._store.load_document(_SUBJECT, name)
        return None if found is None else msgspec.msgpack.decode(found.value, type=SubjectState)

    def put(self, work: Work, subject: SubjectState) -> None:
        work.put(
            Document(
                kind=_SUBJECT,
                key=subject.name,
                version=subject.version,
                value=msgspec.msgpack.encode(subject),
            )
        )


class StoredDirectory:
    """Implements `KnownDirectory`: the documents, read anew every few seconds and when told to."""

    def __init__(self, store: EventStore, *, interval_s: float = 3.0) -> None:
        self._store = store
        self._interval_s = interval_s
        self._current = Directory()
        self._stopping = asyncio.Event()

    def current(self) -> Directory:
        return self._current

    def keep(self, work: Work, entry: Facility | Community, version: int) -> None:
        value = msgspec.msgpack.encode(entry)
        work.put(Document(kind=_KINDS[type(entry)], key=entry.id, version=version, value=value))

    def remove(
        self, work: Work, entry_type: type[Facility] | type[Community], key: str, version: int
    ) -> None:
        work.put(Document(kind=_KINDS[entry_type], key=key, version=version, value=b""))

    async def refresh(self) -> None:
        """Raises DependencyDown when the store is away."""
        facilities = {
            document.key: msgspec.msgpack.decode(document.value, type=Facility)
            for document in await self._documents(_FACILITY)
        }
        communities = {
            document.key: msgspec.msgpack.decode(document.value, type=Community)
            for document in await self._documents(_COMMUNITY)
        }
        self._current = Directory(facilities=facilities, communities=communities)

    async def _documents(self, kind: str) -> list[Document]:
        found: list[Document] = []
        after = ""
        while page := await self._store.list_documents(kind, after_key=after, limit=_PAGE):
            found.extend(document for document in page if document.value)
            after = page[-1].key
        return found

    async def stop(self) -> None:
        """Ends `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Follows the store until it is stopped: another process may have read the topic."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval_s)
            try:
                await self.refresh()
            except DependencyDown:
                _log.warning("directory_not_refreshed")
