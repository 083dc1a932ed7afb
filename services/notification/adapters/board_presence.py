"""Signs of life of boards in a table of their own: a lease, ended by the database's clock."""

from collections.abc import Mapping
from datetime import timedelta

from services.notification.application.presence import Presence
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.notification.adapters.sql", "presence.sql")


class StoredPresence:
    """Implements `BoardPresence`."""

    def __init__(self, database: Database, *, live_s: int) -> None:
        """A facility's row is written no more than five times in `live_s`."""
        self._database = database
        self._least_apart = timedelta(seconds=live_s / 5)
        self._current: Mapping[str, Presence] = {}

    async def note(self, facility: str) -> None:
        await self._database.execute(_SQL["note"], facility, self._least_apart)

    async def expect(self, facilities: tuple[str, ...]) -> None:
        await self._database.execute(_SQL["expect"], list(facilities))

    async def forget(self, facility: str) -> None:
        await self._database.execute(_SQL["forget"], facility)
        await self.refresh()

    async def refresh(self) -> None:
        rows = await self._database.fetch(_SQL["read"])
        self._current = {
            row["facility"]: Presence(seen_at=row["seen_at"], silent_s=row["silent_s"]) for row in rows
        }

    def current(self) -> Mapping[str, Presence]:
        return self._current
