"""Due deadlines run their command once, soon, whichever worker notices them and whatever dies meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from prometheus_client import CollectorRegistry

from services.shared.database.pool import Database
from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.deadlines.worker import DeadlineSettings, DeadlineWorker, DueDeadline
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, Work
from services.shared.kernel.refusals import DependencyDown
from tests.doubles.parcel import PARCEL, Moved, Parcel, context
from tests.integration.messaging import event_store_database, opened, opened_store, until
from tests.stack import CreateDatabase, SharedStack

_LOCAL = replace(PARCEL, topic=None)
_SETTINGS = DeadlineSettings()


@dataclass(kw_only=True)
class Depot:
    """Parcels with a deadline; when it comes, the parcel goes to `late` by an ordinary command."""

    database: Database
    store: PostgresEventStore
    metrics: DeadlineMetrics = field(default_factory=lambda: DeadlineMetrics(CollectorRegistry()))
    fired: list[DueDeadline] = field(default_factory=list)

    def worker(
        self,
        before: Callable[[DueDeadline], None] = lambda due: None,
        settings: DeadlineSettings = _SETTINGS,
    ) -> DeadlineWorker:
        runner = CommandRunner(self.store)

        async def fire(due: DueDeadline) -> None:
            self.fired.append(due)
            before(due)

            async def move_late(work: Work) -> Reply[Parcel]:
                state = await work.load(_LOCAL, due.stream_id)
                assert state is not None
                if state.due_at == due.due_at:
                    await work.record(_LOCAL, due.stream_id, [Moved(to="late")])
                return work.reply(_LOCAL, due.stream_id)

            await runner.run(
                move_late,
                replace(context(due.stream_id), request_id=due.request_id),
                kind=_LOCAL,
                target=due.stream_id,
                digest=b"deadline",
            )

        return DeadlineWorker(self.database, fire, self.metrics, settings)

    async def send(self, name: str, due_at: datetime | None, *, to: str = "road") -> None:
        async def move(work: Work) -> None:
            await work.load(_LOCAL, name)
            await work.record(_LOCAL, name, [Moved(to=to, due_at=due_at)])

        await CommandRunner(self.store).react(move, context(name), target=name, inbox=None)

    async def now(self) -> datetime:
        now: datetime = await self.database.fetch_value("SELECT clock_timestamp()")
        return now

    async def places(self, name: str) -> list[str]:
        events = await self.store.read_events(name)
        return [_LOCAL.decode_event(event.payload).event.to for event in events]

    async def open_deadlines(self) -> int:
        return int(await self.database.fetch_value("SELECT count(*) FROM deadlines"))


@asynccontextmanager
async def depot(
    stack: SharedStack, database: CreateDatabase, workers: list[DeadlineWorker]
) -> AsyncIterator[Depot]:
    dsn = await event_store_database(stack, database)
    async with (
        opened(dsn) as pool,
        opened_store(dsn, lambda units: [worker.appended(units) for worker in workers] and None) as store,
    ):
        yield Depot(database=pool, store=store)


@asynccontextmanager
async def working(*workers: DeadlineWorker) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        yield
    finally:
        for worker in workers:
            await worker.stop()
        await asyncio.gather(*tasks)


async def test_a_deadline_fires_soon_after_it_is_due_and_never_before(
    stack: SharedStack, database: CreateDatabase
) -> None:
    workers: list[DeadlineWorker] = []
    async with depot(stack, database, workers) as it:
        workers.append(it.worker(settings=replace(_SETTINGS, poll_s=30.0)))
        async with working(*workers):
            await until(lambda: workers[0]._wakes_at is not None)  # asleep for half a minute
            for number in range(5):
                await it.send(f"p{number}", await it.now() + timedelta(milliseconds=100 + 40 * number))
            await until(lambda: len(it.fired) == 5)
            late = it.metrics.late_s._sum.get() / 5
            assert late < 0.25, f"{late * 1000:.0f} ms late on average"
        assert [due.stream_id for due in it.fired] == [f"p{number}" for number in range(5)]
        assert await it.places("p0") == ["road", "late"]
        assert await it.open_deadlines() == 0


async def test_two_workers_run_each_of_many_once(stack: SharedStack, database: CreateDatabase) -> None:
    workers: list[DeadlineWorker] = []
    async with depot(stack, database, workers) as it:
        past = await it.now() - timedelta(hours=1)
        for hundred in range(0, 600, 100):
            await asyncio.gather(*(it.send(f"p{hundred + number}", past) for number in range(100)))
        async with working(it.worker(), it.worker()):
            await until(lambda: it.metrics.fired.labels("parcel", "done")._value.get() == 600)
        assert len({due.request_id for due in it.fired}) == len(it.fired) == 600
        assert await it.open_deadlines() == 0
        moved = await it.database.fetch_value("SELECT count(*) FROM events WHERE version = 2")
        assert moved == 600


async def test_a_worker_that_dies_with_a_deadline_in_hand_leaves_it_to_another(
    stack: SharedStack, database: CreateDatabase
) -> None:
    async with depot(stack, database, []) as it:
        await it.send("p", await it.now())
        hanging, started = asyncio.Event(), asyncio.Event()

        async def hang(due: DueDeadline) -> None:
            started.set()
            await hanging.wait()

        dead = DeadlineWorker(it.database, hang, it.metrics, replace(_SETTINGS, lease_s=0.5))
        await dead._claim(10)  # and then nothing more is heard of it
        await until(started.is_set)
        async with working(it.worker()):
            await until(lambda: len(it.fired) == 1)
            await until(lambda: it.metrics.fired.labels("parcel", "done")._value.get() == 1)
        hanging.set()
        await asyncio.wait(dead._running or {asyncio.create_task(asyncio.sleep(0))})
        assert await it.places("p") == ["road", "late"]


async def test_a_deadline_whose_outcome_was_not_heard_takes_effect_once(
    stack: SharedStack, database: CreateDatabase
) -> None:
    """The worker dies between the commit and its own note of it: the next one runs the command again."""
    async with depot(stack, database, []) as it:
        due_at = await it.now()
        await it.send("p", due_at)
        async with working(it.worker()):
            await until(lambda: len(it.fired) == 1)
        await it.database.execute(
            "INSERT INTO deadlines (stream_id, key, kind, due_at, set_version)"
            " VALUES ('p', 'arrive', 'parcel', $1, 1)",
            due_at,
        )
        async with working(it.worker()):
            await until(lambda: len(it.fired) == 2)
        assert it.fired[0].request_id == it.fired[1].request_id
        assert await it.places("p") == ["road", "late"]
        assert await it.open_deadlines() == 0


async def test_a_deadline_set_anew_while_the_old_one_fires_stays(
    stack: SharedStack, database: CreateDatabase
) -> None:
    async with depot(stack, database, []) as it:
        await it.send("p", await it.now())
        resets: list[asyncio.Task[None]] = []

        async def fire(due: DueDeadline) -> None:
            # The state moves on: the same key is due tomorrow.
            await it.send("p", due.due_at + timedelta(days=1), to="detour")
            resets.append(asyncio.create_task(asyncio.sleep(0)))

        async with working(DeadlineWorker(it.database, fire, it.metrics, _SETTINGS)):
            await until(lambda: it.metrics.fired.labels("parcel", "done")._value.get() == 1)
        assert len(resets) == 1
        assert await it.database.fetch_value("SELECT set_version FROM deadlines") == 2


async def test_failures_are_tried_again_later_each_time_and_hold_up_no_others(
    stack: SharedStack, database: CreateDatabase
) -> None:
    faults = iter((ValueError("broken"), DependencyDown("elsewhere", "down")))

    def fail(due: DueDeadline) -> None:
        if due.stream_id == "bad" and (fault := next(faults, None)) is not None:
            raise fault

    async with depot(stack, database, []) as it:
        past = await it.now() - timedelta(minutes=1)
        await it.send("bad", past)
        await it.send("good", past)
        async with working(it.worker(fail, replace(_SETTINGS, poll_s=0.05))):
            await until(lambda: it.metrics.fired.labels("parcel", "done")._value.get() == 1)

            async def noted() -> bool:
                row = await it.database.fetch_row(
                    "SELECT attempts, claimed_until > now() AS later FROM deadlines"
                )
                return row is not None and row["attempts"] == 1 and row["later"]

            await until(noted)
            assert await it.places("good") == ["road", "late"]
            await until(lambda: it.metrics.fired.labels("parcel", "done")._value.get() == 2)
        assert it.metrics.fired.labels("parcel", "failed")._value.get() == 1
        assert it.metrics.fired.labels("parcel", "waits")._value.get() == 1
        assert await it.places("bad") == ["road", "late"]


async def test_what_became_due_while_nobody_worked_is_not_missed(
    stack: SharedStack, database: CreateDatabase
) -> None:
    async with depot(stack, database, []) as it:
        await it.send("p", datetime(2020, 1, 1, tzinfo=UTC))
        await it.send("q", await it.now() + timedelta(days=1))
        async with working(it.worker()):
            await until(lambda: len(it.fired) == 1)
        assert await it.open_deadlines() == 1
