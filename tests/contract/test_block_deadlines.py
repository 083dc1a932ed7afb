"""Blocks of an older version, whose end nobody waits for, on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from services.bed.adapters.aggregate_codecs import build_aggregates
from services.bed.adapters.block_deadlines import PostgresMissingDeadlines
from services.bed.application.renew_block_deadlines import BlockDeadlineRenewal, WardDeadline
from services.bed.domain import events as happened
from services.bed.domain.state import Ward
from services.bed.domain.values import Bed, BedType, CodedReason
from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
from services.shared.eventstore.aggregate import Loaded, absent, advance, change_of
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import AppendStatus, AppendUnit
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.text import BilingualText
from tests.stack import CreateDatabase

KINDS = build_aggregates()
NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=1)
DESK = Actor(user="desk", name="desk", facility="a", roles=(Role.BED_DESK,))
BROKEN = CodedReason(code="BROKEN")
APPLIED = happened.WardApplied(
    facility="a",
    bed_type=BedType.ICU,
    name=BilingualText(zh="w", en="w"),
    added_beds=tuple(Bed(id=f"w-{number}") for number in (1, 2, 3)),
)
BLOCKED = happened.BedBlocked(bed="w-1", reason=BROKEN, blocked_until=UNTIL)


class Wards:
    """A database with one ward in it."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = PostgresEventStore(database, database)
        self.missing = PostgresMissingDeadlines(database)
        self.at: Loaded[Ward] = absent(KINDS.ward, "wards/w")

    async def append(self, *events: happened.Event) -> None:
        request = f"r{self.at.version}"
        context = CommandContext(request_id=request, actor=DESK, occurred_at=NOW, recorded_at=NOW)
        step = advance(KINDS.ward, self.at, events, context)
        change = change_of(KINDS.ward, self.at, step.after, step.events)
        assert (await self.store.append(AppendUnit(changes=(change,)))).status is AppendStatus.APPENDED
        self.at = step.after

    async def forget_deadlines(self) -> None:
        await self.database.execute("DELETE FROM deadlines")

    async def renew(self) -> None:
        runner = CommandRunner(self.store)
        await BlockDeadlineRenewal(self.store, runner, KINDS, self.missing).renew()

    async def deadlines(self) -> list[tuple[str, datetime, int]]:
        rows = await self.database.fetch("SELECT key, due_at, set_version FROM deadlines ORDER BY key")
        return [(row["key"], row["due_at"], row["set_version"]) for row in rows]


@asynccontextmanager
async def ward_in(dsn: str) -> AsyncIterator[Wards]:
    database = Database(dsn, application_name="test")
    try:
        await migrate(database, load_migrations("services.shared.eventstore.migrations"))
        wards = Wards(database)
        await wards.append(APPLIED)
        yield wards
        await wards.store.close()
    finally:
        await database.close()


async def test_the_end_of_an_old_block_is_waited_for_after_a_start(database: CreateDatabase) -> None:
    async with ward_in(await database()) as wards:
        await wards.append(BLOCKED)
        set_with_it = await wards.deadlines()
        assert [(due, version) for _, due, version in set_with_it] == [(UNTIL, 2)]
        await wards.forget_deadlines()

        await wards.renew()
        assert await wards.deadlines() == set_with_it
        await wards.renew()
        assert await wards.deadlines() == set_with_it

        await wards.append(happened.BedUnblocked(bed="w-1"))
        assert await wards.deadlines() == []


async def test_it_is_set_as_the_event_set_it_whatever_the_ward_did_since(database: CreateDatabase) -> None:
    async with ward_in(await database()) as wards:
        await wards.append(BLOCKED)
        await wards.append(happened.BedBlocked(bed="w-2", reason=BROKEN, blocked_until=UNTIL))
        await wards.append(happened.BedBlocked(bed="w-3", reason=BROKEN))
        as_set = await wards.deadlines()
        assert [version for _, _, version in as_set] == [2, 3]
        await wards.forget_deadlines()

        await wards.renew()
        assert await wards.deadlines() == as_set


async def test_what_was_met_or_has_no_end_is_not_waited_for(database: CreateDatabase) -> None:
    async with ward_in(await database()) as wards:
        await wards.append(
            BLOCKED,
            happened.BedBlockOverdue(bed="w-1", reason=BROKEN, blocked_until=UNTIL),
            happened.BedBlocked(bed="w-2", reason=BROKEN),
        )
        await wards.renew()
        assert await wards.deadlines() == []


async def test_a_ward_that_changed_meanwhile_is_left_alone(database: CreateDatabase) -> None:
    async with ward_in(await database()) as wards:
        await wards.append(BLOCKED)
        await wards.forget_deadlines()
        (deadline,) = KINDS.ward.deadlines(wards.at.state)  # type: ignore[arg-type]
        await wards.append(happened.BedUnblocked(bed="w-1"))
        old = WardDeadline(stream_id="wards/w", version=2, deadline=deadline, set_version=2)
        await wards.missing.set_missing([old])
        assert await wards.deadlines() == []


async def test_a_start_does_not_wait_for_a_database_that_is_away() -> None:
    database = Database("postgresql://127.0.0.1:1/none", application_name="test", timeout_s=0.5)
    wards = Wards(database)
    await wards.renew()
