"""All documents of one kind in memory, at most a few seconds old: another process may have written them."""

from collections.abc import Mapping
from typing import Generic, TypeVar

import msgspec
import structlog

from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document
from services.shared.eventstore.work import Work
from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.stopping import Stopping

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_PAGE = 1000


class DocumentCopies(Generic[T]):
    """The values of one kind by key. An empty document says that its key is gone."""

    def __init__(self, store: EventStore, kind: str, value_type: type[T], *, interval_s: float = 3.0) -> None:
        self._store = store
        self._kind = kind
        self._value_type = value_type
        self._interval_s = interval_s
        self._current: Mapping[str, T] = {}
        self._stopping = Stopping()

    def current(self) -> Mapping[str, T]:
        """As this process knows them."""
        return self._current

    def keep(self, work: Work, key: str, value: T, version: int) -> None:
        """Keeps a value in the unit of work; an older one never replaces a newer one."""
        work.put(Document(kind=self._kind, key=key, version=version, value=msgspec.msgpack.encode(value)))

    def remove(self, work: Work, key: str, version: int) -> None:
        """Keeps that a key is gone."""
        work.put(Document(kind=self._kind, key=key, version=version, value=b""))

    async def refresh(self) -> None:
        """Reads them anew. Raises DependencyDown when the store is away."""
        found: dict[str, T] = {}
        after = ""
        while page := await self._store.list_documents(self._kind, after_key=after, limit=_PAGE):
            for document in page:
                if document.value:
                    found[document.key] = msgspec.msgpack.decode(document.value, type=self._value_type)
            after = page[-1].key
        self._current = found

    async def stop(self) -> None:
        """Ends `run`."""
        self._stopping.told.set()

    async def run(self) -> None:
        """Follows the store until it is stopped."""
        while not self._stopping.told.is_set():
            await self._stopping.pause(self._interval_s)
            try:
                await self.refresh()
            except DependencyDown:
                _log.warning("copies_not_refreshed", kind=self._kind)
