"""The record of who looked at what, in PostgreSQL."""

import re
from collections.abc import Sequence
from datetime import datetime

from services.referral.application.list_reads import ReadsPage, RecordedRead
from services.referral.application.reading import View
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.batching import Batcher

_SQL = load_blocks("services.referral.adapters.sql", "views.sql")


#: A place in the log: the moment, and among views of one moment the row's own place, which never moves.
_PLACE = re.compile(r"(\S+) (\((\d{1,10}),(\d{1,5})\))")
_BLOCK_MAX, _ROW_MAX = 2**32 - 1, 2**16 - 1


class PostgresViewLog:
    """Implements `ViewLog` and `ReadLog`; views of concurrent readers share a statement."""

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

    async def reads(
        self,
        resources: Sequence[str],
        read_from: datetime | None,
        read_before: datetime | None,
        *,
        after: str | None,
        limit: int,
    ) -> ReadsPage:
        """Raises DependencyDown; ValueError for a place that is none."""
        moment, row_place = (None, None) if after is None else _place(after)
        rows = await self._database.fetch_for_caller(
            _SQL["list_views"], list(resources), read_from, read_before, moment, row_place, limit + 1
        )
        page = rows[:limit]
        more = len(rows) > limit
        return ReadsPage(
            reads=tuple(
                RecordedRead(
                    at=row["at"],
                    user=row["user_id"],
                    facility=row["facility"],
                    roles=tuple(row["roles"]),
                    method=row["method"],
                    resources=tuple(row["asked"]),
                    reason=row["reason"],
                    traceparent=row["traceparent"],
                )
                for row in page
            ),
            next_after=f"{page[-1]['at'].isoformat()} {page[-1]['place']}" if more else None,
        )


def _place(after: str) -> tuple[datetime, str]:
    found = _PLACE.fullmatch(after)
    moment = None if found is None else datetime.fromisoformat(found[1])
    if found is None or moment is None or moment.tzinfo is None:
        raise ValueError(f"{after!r} is no place in the log")
    if int(found[3]) > _BLOCK_MAX or int(found[4]) > _ROW_MAX:
        raise ValueError(f"{after!r} is no place in the log")
    return moment, found[2]
