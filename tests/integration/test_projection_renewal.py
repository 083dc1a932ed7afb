"""What was written before a list or a clock existed comes into it without a change of its own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from services.referral.adapters.aggregate_codecs import build_aggregates
from services.referral.adapters.projections import PostgresProjections, made_by, projection_renewal
from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.application.renew_projections import BATCH, Projected, ProjectionRenewal
from services.referral.domain.clocks_targets import ClockTargets
from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from tests.integration.hospital import BRANCH, COUNTY, Hospital, accept_request, new_id, referral_service
from tests.integration.messaging import until
from tests.stack import CreateDatabase
from tierlink.referral.v1 import episode_service_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

TARGETS = load_catalogue().targets()
NOW = datetime.now(UTC).replace(microsecond=0)


async def stroke_with_a_needle(hospital: Hospital) -> Any:
    referral = await hospital.create(occurred_at=NOW - timedelta(minutes=50))
    for kind, minutes in (("DOOR_IN", 60), ("THROMBOLYSIS", 20)):
        await hospital.episodes.RecordMilestone(
            episode_service_pb2.RecordMilestoneRequest(
                request_id=new_id(),
                name=referral.episode,
                kind=f"MILESTONE_KIND_{kind}",
                occurred_at=NOW - timedelta(minutes=minutes),
            ),
            metadata=hospital.as_(BRANCH),
        )
    await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
    return referral


async def rows(connection: asyncpg.Connection) -> dict[str, Any]:
    """Every projection, as it is now; the directory is on no list."""
    return {
        "facets": await connection.fetch("SELECT stream_id, facets FROM streams ORDER BY stream_id"),
        "listing": await connection.fetch(
            "SELECT * FROM listing WHERE kind <> 'directory' ORDER BY stream_id, party"
        ),
        "clocks": await connection.fetch("SELECT * FROM clock_readings ORDER BY episode, key, started_by"),
    }


async def forget(connection: asyncpg.Connection) -> None:
    """As rows of an older version: without triggers, which would write them at once."""
    await connection.execute("SET session_replication_role = replica")
    await connection.execute("DELETE FROM listing WHERE party <> ''")
    await connection.execute("UPDATE listing SET state = 'OF_OLD', created_at = now()")
    await connection.execute("DELETE FROM clock_readings WHERE key = 'door-to-needle'")
    await connection.execute("UPDATE clock_readings SET elapsed_ms = 1")
    await connection.execute("UPDATE streams SET facets = facets - 'clocks' - 'overdue'")
    await connection.execute("RESET session_replication_role")
    await connection.execute("DELETE FROM projection_passes")


def renewal(
    database: Database, store: PostgresEventStore, targets: ClockTargets = TARGETS
) -> ProjectionRenewal:
    kinds = build_aggregates(targets.clocks, targets.shares)
    return projection_renewal(database, store, CommandRunner(store), kinds=kinds, targets=targets)


async def finished(renewing: ProjectionRenewal) -> int:
    """The steps that it took."""
    for step in range(1, 50):
        if (await renewing.step()).is_finished:
            return step
    raise AssertionError("it never ends")


async def test_rows_of_an_older_version_become_what_a_change_would_write(
    database: CreateDatabase, tmp_path: Path
) -> None:
    dsn = await database()
    async with referral_service(tmp_path, dsn=dsn) as (hospital, _):
        for _ in range(3):
            await stroke_with_a_needle(hospital)
    connection = await asyncpg.connect(dsn)
    reading = Database(dsn, application_name="test", connections_max=2)
    store = PostgresEventStore(reading, reading)
    try:
        kinds = build_aggregates(TARGETS.clocks, TARGETS.shares)
        as_written = await rows(connection)
        assert len(as_written["listing"]) >= 12
        assert any(row["key"] == "door-to-needle" for row in as_written["clocks"])
        # What is right is not written again.
        await connection.execute("DELETE FROM projection_passes")
        before = await connection.fetchval("SELECT sum(xmin::text::bigint) FROM listing")
        assert await finished(renewal(reading, store)) == 1
        assert await rows(connection) == as_written
        assert await connection.fetchval("SELECT sum(xmin::text::bigint) FROM listing") == before

        await forget(connection)
        assert await rows(connection) != as_written
        await finished(renewal(reading, store))
        assert await rows(connection) == as_written

        # Another target of the site begins another pass; the same one does not.
        await forget(connection)
        await connection.execute(
            "INSERT INTO projection_passes VALUES ('projections', $1, '', now())", made_by(TARGETS, kinds)
        )
        await finished(renewal(reading, store))
        assert await rows(connection) != as_written
        tighter = replace(TARGETS, shares=())
        await finished(renewal(reading, store, tighter))
        assert await rows(connection) == as_written
    finally:
        await connection.close()
        await store.close()
        await reading.close()


async def test_a_pass_is_of_few_at_a_time_and_goes_on_where_it_was(
    database: CreateDatabase, tmp_path: Path
) -> None:
    dsn = await database()
    async with referral_service(tmp_path, dsn=dsn) as (hospital, _):
        referral = await stroke_with_a_needle(hospital)
    connection = await asyncpg.connect(dsn)
    reading = Database(dsn, application_name="test", connections_max=2)
    store = PostgresEventStore(reading, reading)
    try:
        await connection.execute(
            "INSERT INTO streams SELECT 'referrals/00000000-0000-4000-8000-' || lpad(n::text, 12, '0'), kind,"
            " version, head_hash, snapshot, fold_version, facets, nextval('streams_changed')"
            " FROM streams, generate_series(1, $2) AS n WHERE stream_id = $1",
            referral.name,
            BATCH,
        )
        await forget(connection)
        first = await renewal(reading, store).step()
        assert (first.is_finished, await PostgresProjections(reading).progress()) == (False, first)
        listed = "SELECT count(DISTINCT stream_id) FROM listing WHERE kind = 'referral' AND party = $1"
        halfway = await connection.fetchval(listed, COUNTY)
        assert 0 < halfway < BATCH + 1
        # Another process goes on.
        assert await finished(renewal(reading, store)) == 1
        assert await connection.fetchval(listed, COUNTY) == BATCH + 1
        # Whoever changed it meanwhile wrote his own rows.
        stale = Projected(
            stream_id=referral.name, version=1, facets={"parties": ["nobody"], "live": True}, deadlines=()
        )
        assert await PostgresProjections(reading).renew([stale]) == 0
    finally:
        await connection.close()
        await store.close()
        await reading.close()


async def test_a_service_renews_when_it_starts(database: CreateDatabase, tmp_path: Path) -> None:
    dsn = await database()
    async with referral_service(tmp_path / "first", dsn=dsn) as (hospital, _):
        referral = await stroke_with_a_needle(hospital)
    connection = await asyncpg.connect(dsn)
    try:
        await forget(connection)
        async with referral_service(tmp_path / "second", dsn=dsn) as (hospital, _):

            async def listed() -> bool:
                page = await hospital.referrals.ListReferrals(
                    pb.ListReferralsRequest(), metadata=hospital.as_(COUNTY)
                )
                return [each.name for each in page.referrals] == [referral.name]

            await until(listed)
    finally:
        await connection.close()
