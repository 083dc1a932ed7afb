"""Copies of other services' events, kept as documents of the event store."""

import msgspec

from services.notification.domain.directory import Community, Directory, Facility
from services.notification.domain.subject_state import SubjectState
from services.shared.copies.document_copies import DocumentCopies
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document
from services.shared.eventstore.work import Work

_SUBJECT = "subject"


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
    """Implements `KnownDirectory`."""

    def __init__(self, store: EventStore) -> None:
        self.facilities = DocumentCopies(store, "facility", Facility)
        self.communities = DocumentCopies(store, "community", Community)

    def current(self) -> Directory:
        return Directory(facilities=self.facilities.current(), communities=self.communities.current())

    def keep(self, work: Work, entry: Facility | Community, version: int) -> None:
        if isinstance(entry, Facility):
            self.facilities.keep(work, entry.id, entry, version)
        else:
            self.communities.keep(work, entry.id, entry, version)

    def remove(
        self, work: Work, entry_type: type[Facility] | type[Community], key: str, version: int
    ) -> None:
        if entry_type is Facility:
            self.facilities.remove(work, key, version)
        else:
            self.communities.remove(work, key, version)

    async def refresh(self) -> None:
        """Raises DependencyDown when the store is away."""
        await self.facilities.refresh()
        await self.communities.refresh()
