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
from services.referral.application.listing import Creation, ListedPage, ListFilter, ListQuery, Place
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.worklist import phase_of
from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
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
        self, wanted: ListFilter, parties: tuple[str, ...] | None, after: Place | None, limit: int
    ) -> ListedPage:
        return await self.listings.page(
            ListQuery(kind="referral", wanted=wanted, parties=parties, after=after, limit=limit)
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
            after: Place | None = None
            while True:
                page = await shelf.page(wanted, who, after, limit)
                assert len(page.streams) <= limit
                found.extend(stream.stream_id for stream in page.streams)
                after = page.next_after
                if after is None:
                    break
                # As a token carries it.
                after = Creation.parse(str(after)) if isinstance(after, Creation) else int(str(after))
            expected = [(n, row) for n, row in enumerate(rows) if is_wanted(row, wanted, who)]
            if wanted.created_from or wanted.created_before:
                expected.sort(key=lambda each: (each[1]["created"], f"referrals/{each[0]}"))
            assert found == [f"referrals/{number}" for number, _ in expected[::-1]]

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
            waiting, found = list(touched), list[str]()
            after: Place | None = None
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
    """A database that says what an answer would cost it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self.plan = ""
        #: pages of 8 KiB that were looked at
        self.buffers = 0

    async def fetch_for_caller(self, statement: str, *arguments: object) -> list[Any]:
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        (found,) = orjson.loads(await self._connection.fetchval(explain, *arguments))
        self.plan = orjson.dumps(found).decode()
        self.buffers = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
        return []


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
async def test_a_page_by_creation_costs_no_more_long_ago(database: CreateDatabase, mode: str) -> None:
    """The order of change of the 40,000 referrals has nothing to do with that of their creation."""
    connection = await asyncpg.connect(await prepared(database))
    await connection.execute(
        "INSERT INTO listing SELECT 'referrals/' || n, 'county', 'referral',"
        " CASE WHEN n % 2 = 0 THEN 'CLOSED' ELSE 'OPEN' END, 'CLOSED', n * 7919 % 40009, 'STROKE',"
        " 'ROUTINE', 'UP', false, false, $1::timestamptz + make_interval(hours => n)"
        " FROM generate_series(1, 40000) AS n",
        START,
    )
    await connection.execute(
        "ALTER TABLE streams DISABLE TRIGGER list_new_streams;"
        "INSERT INTO streams (stream_id, kind, version, head_hash, snapshot, fold_version, facets, changed)"
        " SELECT stream_id, kind, 1, decode(repeat('00', 32), 'hex'), '', 1, '{}', changed FROM listing"
    )
    await connection.execute("VACUUM ANALYZE")
    await connection.execute(f"SET plan_cache_mode = {mode}")
    explaining = Explaining(connection)
    listings = PostgresListings(cast(Database, explaining))

    async def cost(begin: int | None, end: int | None, after: Place | None = None) -> int:
        wanted = ListFilter(
            created_from=None if begin is None else START + timedelta(hours=begin),
            created_before=None if end is None else START + timedelta(hours=end),
        )
        await listings.page(
            ListQuery(kind="referral", wanted=wanted, parties=("county",), limit=50, after=after)
        )
        assert "listing_walked_by_creation" in explaining.plan
        return explaining.buffers

    latest = await cost(None, 50_000)
    for asked in ((None, 500), (None, 0), (100, 172), (39_000, None), (100, 10_000)):
        assert await cost(*asked) <= latest + 10, asked
    deep = Creation(created_at=START + timedelta(hours=1_000), name="referrals/1000")
    assert await cost(None, 50_000, deep) <= latest + 10
    assert latest < 300
    await connection.close()
