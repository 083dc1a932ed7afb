"""Ends of blocks that nobody waits for. Implements `MissingDeadlines`."""

from collections.abc import Sequence

from services.bed.application.renew_block_deadlines import WardDeadline
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.bed.adapters.sql", "block_deadlines.sql")


class PostgresMissingDeadlines:
    """Writes into the table that the deadline worker reads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def waited_for(self, stream_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Raises DependencyDown."""
        rows = await self._database.fetch(_SQL["waited_for"], stream_ids)
        return frozenset((row["stream_id"], row["key"]) for row in rows)

    async def set_missing(self, deadlines: Sequence[WardDeadline]) -> None:
        """Raises DependencyDown."""
        await self._database.execute(
            _SQL["set_missing"],
            [each.stream_id for each in deadlines],
            [each.version for each in deadlines],
            [each.deadline.key for each in deadlines],
            [each.deadline.due_at for each in deadlines],
            [each.set_version for each in deadlines],
        )
