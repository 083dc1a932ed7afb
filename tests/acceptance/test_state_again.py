"""All events folded anew into empty databases: state, read models, deadlines and claims are the same."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from services.embedded.databases import create_database, drop_database, with_database
from services.embedded.stack import DATABASE_PREFIX
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import KAFKA_VARIABLE, Given, variable
from services.operator.platform.platform import Platform, PlatformSettings, running_platform
from services.operator.playing.play import play
from services.operator.rpc.calling import Caller
from services.operator.rpc.people import TokenBook
from services.shared.rpc.channels import SERVICES, open_channels
from tests.acceptance.processes import clean_environment
from tests.acceptance.random_lives import RandomLives

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

LIVES = 300
_PUBLISHED = """
SELECT count(*), count(DISTINCT stream_id) FROM events JOIN streams USING (stream_id)
WHERE kind IN ('referral', 'episode', 'consultation', 'standing_order')
"""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """A platform on which much has happened, and nothing does any more."""

    platform: Platform

    def dsn(self, service: str) -> str:
        server: Any = self.platform.servers["postgres"]
        return with_database(server.dsn(), f"{DATABASE_PREFIX}{service}")

    def environment(self) -> dict[str, str]:
        kafka: Any = self.platform.servers["kafka"]
        dsns = {variable(service, "DSN"): self.dsn(service) for service in SERVICES}
        return clean_environment(**dsns, **{KAFKA_VARIABLE: kafka.bootstrap})

    async def execute(self, service: str, *statements: str) -> None:
        connection = await asyncpg.connect(self.dsn(service))
        try:
            # As somebody with the database's password would: triggers that follow are put aside.
            await connection.execute("SET session_replication_role = replica")
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def value(self, service: str, statement: str) -> Any:
        return (await self.row(service, statement))[0]

    async def row(self, service: str, statement: str) -> Any:
        connection = await asyncpg.connect(self.dsn(service))
        try:
            return await connection.fetchrow(statement)
        finally:
            await connection.close()

    async def verify(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and document of `tierlink projection verify-state --execute`."""
        return await self.projection("verify-state", "--execute", *arguments)

    async def projection(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and document of a `tierlink projection` command."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "services.operator", "projection", *arguments, "--output", "json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment(),
        )
        out, said = await process.communicate()
        assert process.returncode is not None
        assert out, said.decode()
        return process.returncode, json.loads(out)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived() -> AsyncIterator[Lived]:
    settings = PlatformSettings(given=Given(kafka_bootstrap=None, dsns=dict.fromkeys(SERVICES)))
    async with running_platform(settings) as platform:
        assert (await play(read_case(DEFAULT_CASE), platform.addresses, platform.key)).is_ok
        async with open_channels(platform.addresses) as channels:
            lives = RandomLives(Caller(channels), TokenBook(platform.key), 7)
            await lives.live(LIVES)
        assert min(lives.done, lives.refused) > LIVES
        yield Lived(platform=platform)


async def test_all_three_services_are_the_same_byte_for_byte(lived: Lived) -> None:
    code, found = await lived.verify()
    assert (code, {name: each["same"] for name, each in found.items()}) == (
        0,
        dict.fromkeys(SERVICES, True),
    ), found
    rows = {name: each["rows"] for name, each in found.items()}
    for service, table in (
        *(("referral", table) for table in ("events", "deadlines", "listing", "clock_readings")),
        *(("bed", table) for table in ("events", "deadlines", "claims")),
        *(("notification", table) for table in ("events", "deadlines")),
    ):
        assert rows[service][table] > 0, f"{table} of {service}: nothing was compared"
    assert all(each["outdated"] == 0 for each in found.values())
    # Nothing is left behind, and nothing was published: the outbox of a new database is never read.
    names = "SELECT count(*) FROM pg_database WHERE datname LIKE '%_refold'"
    assert await lived.value("referral", names) == 0


async def test_all_that_was_published_is_folded_in_memory(lived: Lived) -> None:
    code, found = await lived.projection("try-fold", "--service", "referral", "--processes", "2")
    (referral,) = found.values()
    assert (code, referral["same"], referral["left_alone"]) == (0, True, 0), found
    events, aggregates = await lived.row("referral", _PUBLISHED)
    assert (referral["events"], referral["aggregates"]) == (events, aggregates)


async def test_events_of_another_service_are_no_events_of_this_one(lived: Lived) -> None:
    topic = ("--topic", "tierlink.notification.events.v1")
    code, found = await lived.projection("try-fold", "--service", "bed", *topic)
    assert (code, found["bed"]["events"]) == (1, 0)
    assert found["bed"]["faults_count"] == found["bed"]["read"] > 0
    code, found = await lived.projection("try-fold", "--service", "bed", "--topic", "nobody.knows.it")
    assert (code, found["bed"]["same"], found["bed"]["why"]) == (2, None, "KAFKA_AWAY")


async def test_from_the_store_as_well(lived: Lived) -> None:
    code, found = await lived.verify("--source", "store")
    assert (code, [each["same"] for each in found.values()]) == (0, [True] * 3), found


_HELD_AFTER_A_PAGE = """
DO $$
BEGIN
    FOR look IN 1..20000 LOOP
        -- not to_regclass, which does not see within a statement what others have made since
        IF EXISTS (SELECT FROM pg_tables WHERE schemaname = 'refolding' AND tablename = 'places') THEN
            IF EXISTS (SELECT FROM refolding.places) THEN
                LOCK TABLE refolding.places IN EXCLUSIVE MODE;
                RETURN;
            END IF;
        END IF;
        PERFORM pg_sleep(0.002);
    END LOOP;
    RAISE 'no page was written';
END
$$
"""
_END_WHO_WAITS = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
)


async def test_a_run_that_was_killed_goes_on_and_doubles_nothing(lived: Lived) -> None:
    live = lived.dsn("referral")
    into = await create_database(live, "cut_anew")
    environment = {**lived.environment(), "REFOLD_INTO_DSN": into}
    program = (sys.executable, "-m", "services.referral.refold")
    first = await asyncio.create_subprocess_exec(*program, env=environment, stdout=asyncio.subprocess.DEVNULL)
    connection = await asyncpg.connect(into)
    # In the server, which is there in time however busy the machine is: the page after the first must wait.
    async with connection.transaction():
        await connection.execute(_HELD_AFTER_A_PAGE)
        os.kill(first.pid, signal.SIGKILL)
        assert await first.wait() == -signal.SIGKILL
        await connection.execute(_END_WHO_WAITS)
    written = await connection.fetchval("SELECT count(*) FROM events")
    stored = await lived.value("referral", "SELECT count(*) FROM events")
    assert 0 < written < stored
    again = await asyncio.create_subprocess_exec(*program, env=environment, stdout=asyncio.subprocess.PIPE)
    out, _ = await again.communicate()
    said = json.loads(out.splitlines()[-1])
    assert (again.returncode, said["same"], said["read"]) == (0, True, stored - written), said
    assert await connection.fetchval("SELECT count(*) FROM outbox") == 0
    await connection.close()
    await drop_database(live, "cut_anew")


async def test_a_restart_of_postgresql_is_waited_for(lived: Lived) -> None:
    live = lived.dsn("referral")
    into = await create_database(live, "restarted_anew")
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.referral.refold"),
        env={**lived.environment(), "REFOLD_INTO_DSN": into},
        stdout=asyncio.subprocess.PIPE,
    )
    begun = await asyncio.wait_for(_line(run), 60)
    assert begun["say"] == "progress"
    os.kill(lived.platform.processes["postgres"].pid, signal.SIGKILL)
    assert run.stdout is not None
    said = json.loads((await run.stdout.read()).splitlines()[-1])
    assert (await run.wait(), said["say"], said.get("same")) == (0, "verdict", True), said
    await drop_database(live, "restarted_anew")


async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    found: dict[str, Any] = json.loads(await process.stdout.readline())
    return found


async def test_a_database_of_somebody_is_never_touched(lived: Lived) -> None:
    live = lived.dsn("bed")
    name = live.rsplit("/", 1)[1]
    into = await create_database(live, f"{name}_refold")
    connection = await asyncpg.connect(into)
    await connection.execute("CREATE TABLE precious (id integer)")
    code, found = await lived.verify("--service", "bed")
    assert (code, found["bed"]["same"]) == (2, None)
    assert await connection.fetchval("SELECT count(*) FROM precious") == 0
    await connection.close()
    await drop_database(live, f"{name}_refold")


async def test_whatever_was_altered_is_named(lived: Lived) -> None:
    """The last of the module: it spoils the database."""
    some = "SELECT stream_id FROM streams WHERE kind = 'referral' ORDER BY stream_id"
    snapshot, event, removed, listed, gone = [
        await lived.value("referral", f"{some} OFFSET {place} LIMIT 1") for place in range(5)
    ]
    waiting = await lived.value("referral", "SELECT stream_id FROM deadlines ORDER BY stream_id LIMIT 1")
    await lived.execute(
        "referral",
        f"UPDATE streams SET snapshot = set_byte(snapshot, 40, 1) WHERE stream_id = '{snapshot}'",
        f"UPDATE events SET payload = payload || '\\x00' WHERE stream_id = '{event}' AND version = 1",
        f"DELETE FROM events WHERE stream_id = '{removed}' AND version = 1",
        f"UPDATE listing SET urgency = 'ROUTINE?' WHERE stream_id = '{listed}' AND party = ''",
        f"DELETE FROM streams WHERE stream_id = '{gone}'",
        f"UPDATE deadlines SET due_at = due_at + interval '1 day' WHERE stream_id = '{waiting}'",
        "INSERT INTO claims VALUES ('bed', 'nobody', 'nobody')",
        "INSERT INTO deadlines VALUES ('referrals/nobody', 'x', 'referral', now() + interval '1 year', 1)",
    )
    code, found = await lived.verify("--service", "referral")
    assert code == 1
    differences = {
        (each["kind"], each["table"], each["key"], *each["columns"])
        for each in found["referral"]["differences"]
    }
    assert {
        ("ALTERED", "streams", f"({snapshot})", "snapshot"),
        ("ALTERED", "events", f"({event},1)", "payload"),
        ("EXTRA", "events", f"({removed},1)"),
        ("ALTERED", "listing", f'({listed},"")', "urgency"),
        ("EXTRA", "streams", f"({gone})"),
        ("MISSING", "claims", "(bed,nobody)"),
        ("MISSING", "deadlines", "(referrals/nobody,x)"),
    } <= differences
    altered_deadlines = {
        key for kind, table, key, *_ in differences if (kind, table) == ("ALTERED", "deadlines")
    }
    assert altered_deadlines and all(key.startswith(f"({waiting},") for key in altered_deadlines)
    # Its rows are orphans in the live database; anew they are as they were, so they are no difference.
    assert {table for _, table, *_ in differences} == {"streams", "events", "listing", "deadlines", "claims"}
