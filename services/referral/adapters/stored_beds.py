"""Copies of the bed service's counts and the projection of acceptances, as documents of the event store.

A facility's documents have a kind of their own: one look-up by the primary key's first column reads them, and
no order of letters that a database may have can come between.
"""

from zlib import crc32

import msgspec

from services.referral.domain.acceptance_times import Acceptance
from services.referral.domain.free_beds import WardBeds, WardNews, followed
from services.referral.domain.values import Urgency
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document
from services.shared.eventstore.work import Work

#: More wards than any hospital has.
WARDS_MAX = 1_000

#: Acceptances kept of one facility and urgency. Each has a place by its offer's name, and the latest one
#: there stays: concurrent acceptances never wait for each other, and nothing grows.
ACCEPTANCES_MAX = 64


class StoredBeds:
    """Implements `KnownBeds`."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def of(self, facility: str) -> tuple[WardBeds, ...]:
        found = await self._store.list_documents(_wards(facility), after_key="", limit=WARDS_MAX)
        return tuple([_ward(document) for document in found])

    async def follow(self, work: Work, news: WardNews) -> None:
        before = await self._store.load_document(_wards(news.facility), news.ward)
        after = followed(None if before is None else _ward(before), news)
        work.put(
            Document(
                kind=_wards(after.facility),
                key=after.ward,
                version=after.version,
                value=msgspec.msgpack.encode(after),
            )
        )


class StoredAcceptances:
    """Implements `KnownAcceptances`."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def of(self, facility: str, urgency: Urgency) -> tuple[Acceptance, ...]:
        found = await self._store.list_documents(
            _acceptances(facility, urgency), after_key="", limit=ACCEPTANCES_MAX
        )
        return tuple([msgspec.msgpack.decode(document.value, type=Acceptance) for document in found])

    def keep(self, work: Work, acceptance: Acceptance) -> None:
        work.put(
            Document(
                kind=_acceptances(acceptance.facility, acceptance.urgency),
                key=f"{crc32(acceptance.offer.encode()) % ACCEPTANCES_MAX:02}",
                # The later one stays, whichever is written last.
                version=int(acceptance.accepted_at.timestamp() * 1_000_000),
                value=msgspec.msgpack.encode(acceptance),
            )
        )


def _wards(facility: str) -> str:
    return f"wards of {facility}"


def _acceptances(facility: str, urgency: Urgency) -> str:
    return f"acceptances of {facility}: {urgency}"


def _ward(document: Document) -> WardBeds:
    return msgspec.msgpack.decode(document.value, type=WardBeds)
