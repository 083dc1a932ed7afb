"""Cases as documents of the event store: one each, and one each in the list of every facility it concerns.

A list's keys begin with facility and day, so that a hand-over reads the days it asks for, and never all that
was ever referred there.
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from services.notification.domain.caseload import CaseUnderWay, is_over
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import Document
from services.shared.eventstore.work import Work

_CASE = "case"
_UNDER_WAY = "under_way"
_PAGE = 500


class StoredCaseload:
    """Implements `Caseload`."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def load(self, name: str) -> CaseUnderWay | None:
        found = await self._store.load_document(_CASE, name)
        return None if found is None else msgspec.msgpack.decode(found.value, type=CaseUnderWay)

    def put(self, work: Work, before: CaseUnderWay | None, after: CaseUnderWay) -> None:
        """An empty document says that the case is no longer one of the facility's."""
        value = msgspec.msgpack.encode(after)
        work.put(Document(kind=_CASE, key=after.name, version=after.version, value=value))
        known = before.facilities if before is not None and not is_over(before) else ()
        wanted = () if is_over(after) else after.facilities
        for facility in dict.fromkeys((*known, *wanted)):
            work.put(
                Document(
                    kind=_UNDER_WAY,
                    key=f"{facility}/{after.opened_at.date().isoformat()}/{after.name}",
                    version=after.version,
                    value=value if facility in wanted else b"",
                )
            )

    async def of(self, facility: str, *, since: date, cases_max: int) -> Sequence[CaseUnderWay]:
        prefix = f"{facility}/"
        after = f"{prefix}{since.isoformat()}"
        found: list[CaseUnderWay] = []
        while len(found) < cases_max:
            page = await self._store.list_documents(_UNDER_WAY, after_key=after, limit=_PAGE)
            own = [document for document in page if document.key.startswith(prefix)]
            found += [
                msgspec.msgpack.decode(document.value, type=CaseUnderWay)
                for document in own
                if document.value
            ]
            if len(own) < _PAGE:
                break
            after = own[-1].key
        return tuple(found[:cases_max])
