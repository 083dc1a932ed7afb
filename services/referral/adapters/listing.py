"""Pages of lists, from the narrow rows that every change of an aggregate leaves (`0130_listing.sql`)."""

from datetime import timedelta
from typing import Any

import orjson

from services.referral.application.listing import ListQuery
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.postgres_store import stored_stream
from services.shared.eventstore.store import StreamPage

_SQL = load_blocks("services.referral.adapters.sql", "listing.sql")

#: The party of those who may read everything.
_EVERYBODY = ("",)
_BEFORE_ALL = 2**63 - 1

#: So far back a walk from the latest change is long,
_LONG_AGO = timedelta(days=30)
#: and so few days are read sooner: of one facility's, and of everybody's list, whose walk is the longest.
_DAYS_MAX = timedelta(days=3)
_DAYS_MAX_OF_ALL = timedelta(days=31)


class PostgresListings:
    """Implements `Listings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: ListQuery) -> StreamPage:
        """Raises DependencyDown when PostgreSQL is away."""
        rows = await self._database.fetch(*_statement(query))
        page = rows[: query.limit]
        more = len(rows) > query.limit
        return StreamPage(
            streams=tuple(stored_stream(row) for row in page),
            next_after=page[-1]["changed"] if more else None,
            positions=tuple(row["changed"] for row in page),
        )


def _statement(query: ListQuery) -> tuple[Any, ...]:
    """The statement for what is asked, with its arguments."""
    wanted = query.wanted
    arguments: tuple[Any, ...] = (
        query.kind,
        list(_EVERYBODY if query.parties is None else query.parties),
        list(query.phases),
        _BEFORE_ALL if query.after is None else query.after,
        query.limit + 1,
        list(wanted.states),
        wanted.pathway,
        wanted.urgency,
        wanted.direction,
        wanted.waiting,
        wanted.overdue,
        wanted.created_from,
        wanted.created_before,
    )
    facets = orjson.dumps(dict(wanted.contains)).decode()
    if wanted.patient or wanted.episode:
        return (_SQL["list_by_name"], *arguments, facets, wanted.patient, wanted.episode)
    if wanted.contains:
        return (_SQL["list_by_facets"], *arguments, facets)
    if _is_days_long_ago(query):
        return (_SQL["list_by_creation"], *arguments)
    return (_SQL["list_by_party"], *arguments)


def _is_days_long_ago(query: ListQuery) -> bool:
    """Whether the pages of the days that are asked for are fewer than all that came later."""
    begin, end = query.wanted.created_from, query.wanted.created_before
    if begin is None or end is None or query.asked_at is None:
        return False
    longest = _DAYS_MAX_OF_ALL if query.parties is None else _DAYS_MAX
    return end - begin <= longest and query.asked_at - end >= _LONG_AGO
