"""Signs of life of boards in a table of their own: a lease, ended by the database's clock."""

from collections.abc import Mapping
from datetime import timedelta

from services.notification.application.presence import Presence
from services.notification.domain.board import Place
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.notification.adapters.sql", "presence.sql")


class StoredPresence:
    """Implements `BoardPresence`."""

    def __init__(self, database: Database, *, live_s: int) -> None:
        """A place's row is written no more than five times in `live_s`."""
        self._database = database
        self._least_apart = timedelta(seconds=live_s / 5)
        self._current: Mapping[Place, Presence] = {}

    async def note(self, place: Place) -> None:
        await self._database.execute(_SQL["note"], place.facility, place.centre, self._least_apart)

    async def expect(self, places: tuple[Place, ...]) -> None:
        facilities, centres = [each.facility for each in places], [each.centre for each in places]
        await self._database.execute(_SQL["expect"], facilities, centres)

    async def forget(self, place: Place) -> None:
        await self._database.execute(_SQL["forget"], place.facility, place.centre)
        await self.refresh()

    async def refresh(self) -> None:
        rows = await self._database.fetch(_SQL["read"])
        self._current = {
            Place(facility=row["facility"], centre=row["centre"]): Presence(
                seen_at=row["seen_at"], silent_s=row["silent_s"]
            )
            for row in rows
        }

    def current(self) -> Mapping[Place, Presence]:
        return self._current
