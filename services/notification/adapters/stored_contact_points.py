"""Contact points, encrypted, as documents of the event store, written with the event that tells of it."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.notification.application.contact_points import ContactsUnreadable
from services.notification.domain.contact_values import ContactPoint
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document
from services.shared.eventstore.work import Work
from services.shared.sealing.key_file import read_sealing_keys
from services.shared.sealing.keyed_cipher import KeyedCipher, Seal, SealingKey, SealUnreadable

_KIND = "contact_points"
_PURPOSE = b"tierlink/contact-points/1"
_TAG_PURPOSE = b"tierlink/contact-points/request/1"


class StoredContactPoints:
    """Implements `KeptContactPoints`."""

    def __init__(self, store: EventStore, keys: Sequence[SealingKey]) -> None:
        """The first key encrypts. Raises ValueError without keys, or for an id that stands twice."""
        self._store = store
        self._cipher = KeyedCipher(keys, purpose=_PURPOSE, tag_purpose=_TAG_PURPOSE)

    async def of(self, user: str) -> tuple[ContactPoint, ...]:
        """Raises DependencyDown, ContactsUnreadable."""
        found = await self._store.load_document(_KIND, user)
        if found is None:
            return ()
        seal = msgspec.msgpack.decode(found.value, type=Seal)
        try:
            plain = self._cipher.open(seal, user, str(found.version))
        except SealUnreadable as error:
            raise ContactsUnreadable(str(error)) from None
        return msgspec.msgpack.decode(plain, type=tuple[ContactPoint, ...])

    def keep(self, work: Work, user: str, version: int, points: Sequence[ContactPoint]) -> None:
        seal = self._cipher.seal(msgspec.msgpack.encode(tuple(points)), user, str(version))
        work.put(Document(kind=_KIND, key=user, version=version, value=msgspec.msgpack.encode(seal)))

    def tag(self, digest: bytes) -> bytes:
        return self._cipher.tag(digest)


def stored_contact_points(store: EventStore, keys: Path | None) -> StoredContactPoints | None:
    """The points with the keys of a file; None without one. Raises SealingKeysInvalid."""
    return None if keys is None else StoredContactPoints(store, read_sealing_keys(keys))
