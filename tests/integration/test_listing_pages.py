"""Pages of lists: joined they are the whole filtered list, also while other referrals change."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.referral.adapters.listing import PostgresListings
from services.referral.application.listing import ListFilter, ListQuery
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.worklist import phase_of
from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
from services.shared.eventstore.store import StreamPage
from tests.stack import CreateDatabase

FACILITIES = ("branch", "county", "city")
STATES = ("REQUESTED", "IN_TRANSIT", "CLOSED", "CANCELLED")
START = datetime(2026, 3, 1, tzinfo=UTC)

facets = st.fixed_dictionaries(
    {
        "parties": st.sets(st.sampled_from(FACILITIES), min_size=1).map(sorted),
        "state": st.sampled_from(STATES),
        "pathway": st.sampled_from(("STROKE", "GENERAL")),
        "urgency": st.sampled_from(("EMERGENCY", "ROUTINE")),
        "direction": st.sampled_from(("UP", "DOWN")),
        "patient": st.sampled_from(("P-1", "P-2")),
        "episode": st.sampled_from(("episodes/1", "episodes/2")),
        "overdue": st.booleans(),
        "created": st.integers(0, 9).map(lambda day: (START + timedelta(days=day)).isoformat()),
    }
)
moments = st.none() | st.integers(0, 10).map(lambda day: START + timedelta(days=day))
filters = st.builds(
    ListFilter,
    states=st.sets(st.sampled_from(STATES)).map(tuple),
    pathway=st.sampled_from(("", "STROKE")),
    urgency=st.sampled_from(("", "ROUTINE")),
    direction=st.sampled_from(("", "UP")),
    patient=st.sampled_from(("", "", "P-1")),
    episode=st.sampled_from(("", "", "episodes/1")),
    waiting=st.booleans(),
    overdue=st.booleans(),
    live=st.booleans(),
    created_from=moments,
    created_before=moments,
    contains=st.sampled_from(({}, {}, {"live": True})),
)
readers = st.none() | st.sets(st.sampled_from(FACILITIES), min_size=1).map(lambda names: tuple(sorted(names)))


def whole(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What the domain would add: the first facility must act, and what is over is not open."""
    found = []
    for row in rows:
        phase = phase_of(ReferralState(row["state"]))
        is_open = phase == "OPEN"
        found.append(
            {
                **row,
                "phase": phase,
                "live": is_open,
                "waiting": row["parties"][:1] if is_open else [],
                "overdue": row["overdue"] and is_open,
            }
        )
    return found


def is_wanted(row: dict[str, Any], wanted: ListFilter, parties: tuple[str, ...] | None) -> bool:
    """The filter in other words than SQL's."""
    created = datetime.fromisoformat(row["created"])
    return all(
        (
            parties is None or bool(set(parties) & set(row["parties"])),
            not wanted.states or row["state"] in wanted.states,
            wanted.pathway in ("", row["pathway"]),
            wanted.urgency in ("", row["urgency"]),
            wanted.direction in ("", row["direction"]),
            wanted.patient in ("", row["patient"]),
            wanted.episode in ("", row["episode"]),
            not wanted.waiting or (parties is not None and bool(set(parties) & set(row["waiting"]))),
            not wanted.overdue or row["overdue"],
            not wanted.live or row["live"],
            wanted.created_from is None or created >= wanted.created_from,
            wanted.created_before is None or created < wanted.created_before,
            all(row[key] == value for key, value in wanted.contains.items()),
        )
    )


class Shelf:
    """Referrals in a database, without their events."""

    def __init__(self, dsn: str) -> None:
        self._database = Database(dsn, application_name="test", connections_max=1)
        self.listings = PostgresListings(self._database)
        #: long after some of them were created
        self.asked_at = START + timedelta(days=35)

    async def close(self) -> None:
        await self._database.close()

    async def fill(self, rows: list[dict[str, Any]]) -> None:
        await self._database.execute("TRUNCATE streams, listing")
        for number, row in enumerate(rows):
            await self._database.execute(
                "INSERT INTO streams"
                " (stream_id, kind, version, head_hash, snapshot, fold_version, facets, changed)"
                " VALUES ($1, 'referral', 1, decode(repeat('00', 32), 'hex'), '', 1, $2::text::jsonb,"
                " nextval('streams_changed'))",
                f"referrals/{number}",
                orjson.dumps(row).decode(),
            )

    async def touch(self, number: int, row: dict[str, Any]) -> None:
        """Another version of one referral."""
        await self._database.execute(
            "UPDATE streams SET facets = $2::text::jsonb, changed = nextval('streams_changed')"
            " WHERE stream_id = $1",
            f"referrals/{number}",
            orjson.dumps(row).decode(),
        )

    async def page(
        self, wanted: ListFilter, parties: tuple[str, ...] | None, after: int | None, limit: int
    ) -> StreamPage:
        return await self.listings.page(
            ListQuery(
                kind="referral",
                wanted=wanted,
                parties=parties,
                after=after,
                limit=limit,
                asked_at=self.asked_at,
            )
        )


async def prepared(database: CreateDatabase) -> str:
    dsn = await database()
    migrations = load_migrations("services.shared.eventstore.migrations", "services.referral.migrations")
    pool = Database(dsn, application_name="test", connections_max=1)
    await migrate(pool, migrations)
    await pool.close()
    return dsn


def test_pages_joined_are_the_whole_filtered_list(database: CreateDatabase) -> None:
    with asyncio.Runner() as runner:
        shelf = Shelf(runner.run(prepared(database)))

        @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            rows=st.lists(facets, max_size=12).map(whole),
            wanted=filters,
            who=readers,
            limit=st.integers(1, 4),
        )
        def check(
            rows: list[dict[str, Any]], wanted: ListFilter, who: tuple[str, ...] | None, limit: int
        ) -> None:
            runner.run(read(rows, wanted, who, limit))

        async def read(
            rows: list[dict[str, Any]], wanted: ListFilter, who: tuple[str, ...] | None, limit: int
        ) -> None:
            await shelf.fill(rows)
            found: list[str] = []
            after: int | None = None
            while True:
                page = await shelf.page(wanted, who, after, limit)
                assert len(page.streams) <= limit
                found.extend(stream.stream_id for stream in page.streams)
                after = page.next_after
                if after is None:
                    break
            expected = [f"referrals/{n}" for n, row in enumerate(rows) if is_wanted(row, wanted, who)]
            assert found == expected[::-1]

        check()
        runner.run(shelf.close())


def test_what_does_not_change_between_two_pages_is_shown_once_and_nothing_twice(
    database: CreateDatabase,
) -> None:
    with asyncio.Runner() as runner:
        shelf = Shelf(runner.run(prepared(database)))

        @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
        @given(
            rows=st.lists(facets, min_size=4, max_size=10).map(whole),
            touched=st.lists(st.integers(0, 9), max_size=6),
            limit=st.integers(1, 3),
        )
        def check(rows: list[dict[str, Any]], touched: list[int], limit: int) -> None:
            runner.run(read(rows, [number for number in touched if number < len(rows)], limit))

        async def read(rows: list[dict[str, Any]], touched: list[int], limit: int) -> None:
            await shelf.fill(rows)
            waiting, found, after = list(touched), list[str](), None
            while True:
                page = await shelf.page(ListFilter(), FACILITIES, after, limit)
                found.extend(stream.stream_id for stream in page.streams)
                after = page.next_after
                if after is None:
                    break
                if waiting:
                    number = waiting.pop()
                    await shelf.touch(number, rows[number])
            assert len(found) == len(set(found))
            still = [f"referrals/{n}" for n in range(len(rows)) if n not in touched]
            assert [name for name in found if name in still] == still[::-1]

        check()
        runner.run(shelf.close())


async def test_a_facility_that_takes_no_part_any_more_has_it_in_no_list(database: CreateDatabase) -> None:
    dsn = await prepared(database)
    shelf = Shelf(dsn)
    row = whole([{"parties": ["branch", "county"], "state": "REQUESTED", "overdue": False}])[0]
    await shelf.fill([row])
    await shelf.touch(0, {**row, "parties": ["branch"]})
    pages = [await shelf.page(ListFilter(), who, None, 5) for who in (("county",), ("branch",), None)]
    assert [len(page.streams) for page in pages] == [0, 1, 1]
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT count(*) FROM listing") == 2
    await connection.close()
    await shelf.close()


@pytest.mark.parametrize("wanted", [ListFilter(), ListFilter(states=("CLOSED",)), ListFilter(waiting=True)])
def test_a_page_is_asked_of_few_phases(wanted: ListFilter) -> None:
    phases = ListQuery(kind="referral", wanted=wanted, parties=None, limit=1).phases
    assert len(phases) == (1 if wanted.waiting or wanted.states else 6)


class Explaining:
    """A database that says how it would answer."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plan = ""

    async def fetch(self, statement: str, *arguments: object) -> list[Any]:
        lines = await self._connection.fetch(f"EXPLAIN {statement}", *arguments)
        self.plan = "\n".join(str(line[0]) for line in lines)
        return []


async def test_few_days_long_ago_are_read_by_when_they_were_created(database: CreateDatabase) -> None:
    connection = await asyncpg.connect(await prepared(database))
    await connection.execute(
        "INSERT INTO listing SELECT 'referrals/' || n, 'county', 'referral', 'CLOSED', 'CLOSED', n, 'STROKE',"
        " 'ROUTINE', 'UP', false, false, $1::timestamptz + make_interval(hours => n)"
        " FROM generate_series(1, 20000) AS n",
        START,
    )
    await connection.execute("VACUUM ANALYZE listing")
    now, explaining = START + timedelta(hours=20_000), Explaining(connection)
    listings = PostgresListings(cast(Database, explaining))

    async def index(begin: datetime | None, days: int, parties: tuple[str, ...] | None = ("county",)) -> str:
        end = now if begin is None else begin + timedelta(days=days)
        wanted = ListFilter(created_from=begin or now - timedelta(days=days), created_before=end)
        await listings.page(ListQuery(kind="referral", wanted=wanted, parties=parties, limit=5, asked_at=now))
        return "creation" if "listing_by_creation" in explaining.plan else "walk"

    long_ago = START + timedelta(days=100)
    assert await index(long_ago, 3) == "creation"
    assert await index(long_ago, 4) == "walk"
    assert await index(long_ago, 31, None) == "creation"
    assert await index(long_ago, 32, None) == "walk"
    assert await index(None, 2) == "walk"
    await connection.close()
