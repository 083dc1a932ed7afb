"""Pages of lists, from the narrow rows that every change of an aggregate leaves (`0130_listing.sql`)."""

from datetime import datetime
from typing import Any

import orjson

from services.referral.application.listing import Creation, ListedPage, ListQuery, Place
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.postgres_store import stored_stream

_SQL = load_blocks("services.referral.adapters.sql", "listing.sql")

#: The party of those who may read everything.
_EVERYBODY = ("",)
_BEFORE_ALL = 2**63 - 1


class PostgresListings:
    """Implements `Listings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: ListQuery) -> ListedPage:
        """Raises DependencyDown when PostgreSQL is away."""
        rows = await self._database.fetch_for_caller(*_statement(query))
        page = rows[: query.limit]
        places: tuple[Place, ...] = tuple([_place(row, query) for row in page])
        return ListedPage(
            streams=tuple([stored_stream(row) for row in page]),
            next_after=places[-1] if len(rows) > query.limit else None,
            positions=places,
        )


def _place(row: Any, query: ListQuery) -> Place:
    if query.by_creation:
        return Creation(created_at=row["created_at"], name=row["stream_id"])
    return int(row["changed"])


def _statement(query: ListQuery) -> tuple[Any, ...]:
    """The statement for what is asked, with its arguments."""
    wanted = query.wanted
    asked: tuple[Any, ...] = (
        query.kind,
        list(_EVERYBODY if query.parties is None else query.parties),
        list(query.phases),
        query.limit + 1,
        list(wanted.states),
        wanted.pathway,
        wanted.urgency,
        wanted.direction,
        wanted.waiting,
        wanted.overdue,
        orjson.dumps(dict(wanted.contains)).decode(),
    )
    latest = query.after if isinstance(query.after, int) else _BEFORE_ALL
    times = (wanted.created_from, *_created_before(query))
    if wanted.patient or wanted.episode:
        return (
            _SQL["list_by_name"],
            *asked,
            latest,
            *times,
            wanted.patient,
            wanted.episode,
            query.by_creation,
        )
    if query.by_creation:
        return (_SQL["list_by_creation"], *asked, *times)
    if wanted.contains:
        return (_SQL["list_by_facets"], *asked, latest)
    return (_SQL["list_by_party"], *asked[:-1], latest)


def _created_before(query: ListQuery) -> tuple[datetime | None, str]:
    """What is shown was created before this moment, or at it under a lesser name; None is any moment."""
    end, after = query.wanted.created_before, query.after
    if isinstance(after, Creation) and (end is None or after.created_at < end):
        return after.created_at, after.name
    return end, ""
