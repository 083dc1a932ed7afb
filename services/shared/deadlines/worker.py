"""The worker that runs due deadlines, beside those of other processes.

What is due is decided by PostgreSQL's clock alone: `due_at` is compared with its `now()`, and the worker
sleeps for as long as the database says. So the clocks of the processes need not agree.

A deadline's row lives and goes with its aggregate's state (see the event store), so a restart misses none.
The claim keeps workers from doing the same work; that a deadline takes effect once is the request id's doing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.deadlines.metrics import DeadlineMetrics
from services.shared.eventstore.units import AppendUnit
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import DependencyDown, Overloaded
from services.shared.loops.stopping import Stopping, comes_within

_log = structlog.get_logger(__name__)
_SQL = load_blocks("services.shared.deadlines.sql", "deadlines.sql")

#: Failures after which a deadline's log lines are errors.
_LOUD_AFTER = 5

_DELAY_FIRST_S = 0.5
_DELAY_MAX_S = 60.0

#: The least that the worker sleeps: another one may have a row locked that it has not claimed yet.
_SLEEP_MIN_S = 0.002


@dataclass(frozen=True, kw_only=True, slots=True)
class DueDeadline:
    """A deadline that has come."""

    stream_id: str
    #: kind of the aggregate, such as `referral`
    kind: str
    #: as in `Deadline.key`
    key: str
    due_at: datetime
    #: version of the aggregate that set it
    set_version: int
    #: W3C trace context of what is done about it; empty where that is not recorded
    traceparent: str = ""

    @property
    def request_id(self) -> str:
        """The request id of its command: the same whenever and wherever this deadline is run again."""
        return derive_id("deadline", self.stream_id, self.key, str(self.set_version))


#: Runs the command of a deadline, under the deadline's request id. Returns when it is carried out or has
#: nothing to do; whatever it raises is tried again later.
Fire = Callable[[DueDeadline], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadlineSettings:
    """Within which bounds a worker works; the defaults suit a service."""

    #: commands at the same time: enough for several batches of the event store to be on their way
    concurrency: int = 192
    #: how long a deadline stays with a worker that died
    lease_s: float = 10.0
    #: how often the worker looks without a reason
    poll_s: float = 1.0
    stop_timeout_s: float = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Outcome:
    due: DueDeadline
    #: seconds until it is tried again; None when it is done
    delay_s: float | None = None
    #: 1 when it failed for its own reason
    failures: int = 0


class DeadlineWorker:
    """Runs due deadlines until stopped. `appended` is a PostgresEventStore's `on_appended`."""

    def __init__(
        self, database: Database, fire: Fire, metrics: DeadlineMetrics, settings: DeadlineSettings
    ) -> None:
        self._database = database
        self._fire = fire
        self._metrics = metrics
        self._settings = settings
        self._running: dict[asyncio.Task[_Outcome], DueDeadline] = {}
        self._finished: list[_Outcome] = []
        self._woken = asyncio.Event()
        #: in the database's time; None while the worker is awake
        self._wakes_at: datetime | None = None
        self._stopping = Stopping()

    def appended(self, units: tuple[AppendUnit, ...]) -> None:
        """Wakes the worker when a deadline was set that is due before it would look. Never blocks."""
        for unit in units:
            for change in unit.changes:
                for deadline in change.deadlines_set:
                    if self._wakes_at is None or deadline.due_at < self._wakes_at:
                        self._woken.set()
                        return

    async def run(self) -> None:
        """Works until stopped or cancelled; outlives outages of PostgreSQL."""
        with self._stopping.running():
            try:
                await self._work()
            finally:
                await self._leave()

    async def _work(self) -> None:
        delay_s = 0.1
        while not self._stopping.told.is_set():
            self._woken.clear()
            self._wakes_at = None
            try:
                await self._round()
                delay_s = 0.1
                continue
            except DependencyDown as error:
                _log.warning("deadlines_wait", error=str(error))
            except Exception:
                _log.exception("deadlines_failed")
            await self._stopping.pause(delay_s)
            delay_s = min(delay_s * 2, 5.0)

    async def stop(self) -> None:
        """Lets the commands under way end, within a bound; the rest is left to other workers."""
        self._woken.set()
        await self._stopping.end(within_s=self._settings.stop_timeout_s * 2)

    async def _round(self) -> None:
        """Settles what is finished, takes as much in hand as there is room for, and sleeps."""
        await self._settle()
        room = self._settings.concurrency - len(self._running)
        claimed = await self._claim(room) if room > 0 else ()
        if room > 0 and len(claimed) < room:
            row = await self._database.fetch_row(_SQL["next_due"], timedelta(seconds=self._settings.poll_s))
            assert row is not None, "a query without FROM a table has a row"
            self._wakes_at = row["wakes_at"]
            await comes_within(self._woken, max(_SLEEP_MIN_S, row["delay_s"]))
        else:
            # No room: the next command that ends wakes.
            await comes_within(self._woken, self._settings.poll_s)

    async def _claim(self, limit: int) -> Sequence[Any]:
        rows = await self._database.fetch(_SQL["claim_due"], limit, timedelta(seconds=self._settings.lease_s))
        for row in rows:
            self._metrics.late_s.observe(max(0.0, row["late_s"]))
            due = DueDeadline(
                stream_id=row["stream_id"],
                kind=row["kind"],
                key=row["key"],
                due_at=row["due_at"],
                set_version=row["set_version"],
            )
            task = asyncio.create_task(self._attempt(due, row["attempts"]), name="deadline")
            self._running[task] = due
            task.add_done_callback(self._ended_one)
        self._metrics.running.set(len(self._running))
        return rows

    def _ended_one(self, task: asyncio.Task[_Outcome]) -> None:
        due = self._running.pop(task)
        # Cancelled: given back at once, for another worker.
        self._finished.append(_Outcome(due=due, delay_s=0.0) if task.cancelled() else task.result())
        self._metrics.running.set(len(self._running))
        self._woken.set()

    async def _attempt(self, due: DueDeadline, failures_before: int) -> _Outcome:
        try:
            # Over before the claim is, so that it is not run twice at once for nothing.
            async with asyncio.timeout(self._settings.lease_s * 0.8):
                await self._fire(due)
        except (DependencyDown, Overloaded) as error:
            self._metrics.fired.labels(due.kind, "waits").inc()
            _log.warning("deadline_waits", stream=due.stream_id, key=due.key, error=str(error))
            return _Outcome(due=due, delay_s=_DELAY_FIRST_S)
        except Exception:
            failures = failures_before + 1
            self._metrics.fired.labels(due.kind, "failed").inc()
            log = _log.error if failures >= _LOUD_AFTER else _log.warning
            log("deadline_failed", stream=due.stream_id, key=due.key, failures=failures, exc_info=True)
            delay_s = min(_DELAY_FIRST_S * 2.0 ** min(failures_before, 16), _DELAY_MAX_S)
            return _Outcome(due=due, delay_s=delay_s, failures=1)
        self._metrics.fired.labels(due.kind, "done").inc()
        return _Outcome(due=due)

    async def _settle(self) -> None:
        """Writes down what became of finished ones; after a failure to do so, again at the next round."""
        taken = tuple(self._finished)
        done = [outcome.due for outcome in taken if outcome.delay_s is None]
        if done:
            await self._database.execute(_SQL["remove_fired"], *_columns(done))
        postponed = [outcome for outcome in taken if outcome.delay_s is not None]
        if postponed:
            await self._database.execute(
                _SQL["postpone"],
                *_columns([outcome.due for outcome in postponed]),
                [outcome.failures for outcome in postponed],
                [outcome.delay_s for outcome in postponed],
            )
        del self._finished[: len(taken)]

    async def _leave(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=self._settings.stop_timeout_s)
        for task in self._running:
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=self._settings.stop_timeout_s)
        try:
            await self._settle()
        except DependencyDown:
            _log.warning("deadlines_left_to_expire", deadlines=len(self._finished))


def _columns(deadlines: Sequence[DueDeadline]) -> tuple[list[str], list[str], list[int]]:
    return (
        [due.stream_id for due in deadlines],
        [due.key for due in deadlines],
        [due.set_version for due in deadlines],
    )
