"""The record of who looked at what, in PostgreSQL."""

from collections.abc import Sequence

from services.referral.application.reading import View
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.batching import Batcher

_SQL = load_blocks("services.referral.adapters.sql", "views.sql")


class PostgresViewLog:
    """Implements `ViewLog`; views of concurrent readers share a statement."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher: Batcher[View, None] = Batcher(
            self._write, batch_max=200, queue_max=4000, name="views", flights_max=1
        )

    async def record(self, view: View) -> None:
        """Raises DependencyDown when it cannot be recorded."""
        await self._batcher.submit(view)

    async def close(self) -> None:
        await self._batcher.close()

    async def _write(self, views: Sequence[View]) -> Sequence[None]:
        await self._database.execute(
            _SQL["record_views"],
            [view.at for view in views],
            [view.actor.user for view in views],
            [view.actor.facility for view in views],
            [",".join(view.actor.roles) for view in views],
            [view.method for view in views],
            [",".join(view.resources) for view in views],
            [view.traceparent for view in views],
            [view.reason for view in views],
        )
        return [None] * len(views)
