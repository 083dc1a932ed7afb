"""How late alerts escalate when very many are due: all in the same second, and spread over a minute.

Late is from the moment a call is due to the moment at which the database has it. The alerts are those that
a running service writes, for other patients, and the service has not seen them: as after a restart.
"""

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from services.operator.bench.figures import Reading, Section
from services.operator.bench.life import ORIGIN
from services.operator.bench.plan import Plan
from services.operator.bench.stack import BenchStack, Platform
from services.operator.bench.statistics import percentile
from services.operator.bench.worker_process import BenchFailed, Worker
from services.shared.kernel.text import BilingualText
from services.shared.protocodec.shapes import timestamp_to_datetime
from tierlink.notification.v1 import alert_events_pb2

KEY = "escalation"
#: What nobody's call may be late by.
LATE_MS_AT_MOST = 2_000.0

#: Ten thousand in one second are as many as a process can write in several.
_PROMISED = "spread"

_MINUTE_S = 60
#: As many a second as make ten thousand a minute.
_PER_SECOND = 10_000 / _MINUTE_S
#: Room to write the alerts before the first is due.
_LEAD_S = 2.0
_WRITTEN_PER_SECOND = 1_000
_LOOK_S = 0.025
_TEMPLATE_TIMEOUT_S = 30.0
_END_TIMEOUT_S = 60.0
_ROUNDS = {
    "together": BilingualText(zh="同一秒到期", en="all due in the same second"),
    "spread": BilingualText(zh="一分钟内到期", en="due over the minute"),
}


@dataclass(frozen=True, kw_only=True)
class _Lateness:
    """Of one round."""

    #: from due to recorded, sorted
    recorded_ms: list[float]
    #: how late the last overdue call was when it was seen in the database, or still missing from it
    committed_ms_max: float
    #: from the first due to the last written
    took_s: float


@dataclass(frozen=True, kw_only=True)
class Template:
    """A real alert of an emergency and its referral, in the notification service's database."""

    alert: str
    referral: str


async def make_template(platform: Platform, seed: int) -> Template:
    """Refers somebody and waits for the alert of it. Raises BenchFailed."""
    stack = platform.stack
    async with stack.worker("escalation-client") as worker:
        created = await worker.do(
            "one_command",
            timeout_s=_TEMPLATE_TIMEOUT_S,
            address=platform.addresses.referral,
            token=stack.tokens()["origin"],
            seed=f"{seed}/{KEY}/{ORIGIN}",
        )
    referral = str(created["referral"])
    return Template(alert=await _alert_of(stack.dsn("notification"), referral), referral=referral)


async def _alert_of(dsn: str, referral: str) -> str:
    """The alert of this referral's offer: there may be those of other parts of the bench beside it."""
    connection = await asyncpg.connect(dsn)
    until_s = time.monotonic() + _TEMPLATE_TIMEOUT_S
    try:
        while time.monotonic() < until_s:
            name = await connection.fetchval(
                "SELECT stream_id FROM streams JOIN deadlines d USING (stream_id)"
                " WHERE streams.kind = 'alert' AND version = 1 AND facets @> $1::jsonb LIMIT 1",
                json.dumps({"rule": "OFFER", "live": True, "subject": referral}),
            )
            if name is not None:
                return str(name)
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
    raise BenchFailed("no alert came of an emergency referral")


class EscalationBench:
    """Measures the notification service with all of its parts in one process, on its own."""

    def __init__(self, stack: BenchStack, plan: Plan, template: Template) -> None:
        self._stack = stack
        self._plan = plan
        self._template = template

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError."""
        spread_s = max(2, min(_MINUTE_S, round(self._plan.alerts / _PER_SECOND)))
        async with (
            self._stack.service("notification", label="escalation"),
            self._stack.worker("alert-writer") as worker,
        ):
            found = {
                name: await self._round(worker, name, seconds)
                for name, seconds in (("together", 1), ("spread", spread_s))
            }
        return self._section(found)

    async def _round(self, worker: Worker, name: str, spread_s: int) -> _Lateness:
        plan = self._plan
        plan.note(f"{KEY}: {plan.alerts} alerts, {name}")
        connection = await asyncpg.connect(self._stack.dsn("notification"))
        try:
            now: datetime = await connection.fetchval("SELECT clock_timestamp()")
            lead = timedelta(seconds=_LEAD_S + plan.alerts / _WRITTEN_PER_SECOND)
            written = await worker.do(
                "fill_alerts",
                timeout_s=_END_TIMEOUT_S,
                dsn=self._stack.dsn("notification"),
                alert=self._template.alert,
                subject=self._template.referral,
                alerts=plan.alerts,
                first_due_at=(now + lead).isoformat(),
                spread_s=spread_s,
                seed=f"{plan.seed}/{name}",
            )
            first_due_at = datetime.fromisoformat(written["first_due_at"])
            last_due_at = datetime.fromisoformat(written["last_due_at"])
            found = await self._watch(connection, first_due_at, last_due_at)
            # Their next calls would be due while the next round is timed.
            await connection.execute(
                "DELETE FROM deadlines WHERE due_at > $1 AND stream_id <> $2", now, self._template.alert
            )
        finally:
            await connection.close()
        return found

    async def _watch(
        self, connection: asyncpg.Connection, first_due_at: datetime, last_due_at: datetime
    ) -> _Lateness:
        """Looks again and again for the call that is longest overdue, until all are made."""
        late_max = timedelta(0)
        at, oldest = await _overdue(connection, first_due_at, last_due_at)
        while oldest is not None or at <= last_due_at:
            if oldest is not None:
                late_max = max(late_max, at - oldest)
            if at - last_due_at > timedelta(seconds=_END_TIMEOUT_S):
                raise BenchFailed("alerts that were due were not escalated")
            await asyncio.sleep(_LOOK_S)
            at, oldest = await _overdue(connection, first_due_at, last_due_at)
        # What was missing at one look may have come at any moment before the next.
        committed_ms_max = (late_max.total_seconds() + _LOOK_S) * 1000
        rows = await connection.fetch(
            "SELECT payload FROM events WHERE type = 'AlertEscalated' AND recorded_at >= $1", first_due_at
        )
        if len(rows) != self._plan.alerts:
            raise BenchFailed(f"{len(rows)} calls were made for {self._plan.alerts} alerts")
        recorded: list[float] = []
        for row in rows:
            metadata = alert_events_pb2.AlertEvent.FromString(row["payload"]).metadata
            late = timestamp_to_datetime(metadata.recorded_at) - timestamp_to_datetime(metadata.occurred_at)
            recorded.append(late.total_seconds() * 1000)
        return _Lateness(
            recorded_ms=sorted(recorded),
            committed_ms_max=committed_ms_max,
            took_s=(at - first_due_at).total_seconds(),
        )

    def _section(self, found: dict[str, _Lateness]) -> Section:
        readings = [_reading("alerts", BilingualText(zh="提醒数", en="alerts"), "", float(self._plan.alerts))]
        for name, late in found.items():
            title = _ROUNDS[name]
            for percent in (50, 99):
                shown = BilingualText(
                    zh=f"{title.zh}，延迟 p{percent}", en=f"{title.en}: late by, p{percent}"
                )
                value = percentile(late.recorded_ms, percent)
                readings.append(_reading(f"{name}_late_ms_p{percent}", shown, "ms", value))
            promised = LATE_MS_AT_MOST if name == _PROMISED else None
            longest = BilingualText(zh=f"{title.zh}，最迟", en=f"{title.en}: the latest")
            readings.append(_reading(f"{name}_late_ms_max", longest, "ms", late.committed_ms_max, promised))
            rate = BilingualText(zh=f"{title.zh}，每秒升级数", en=f"{title.en}: escalated a second")
            readings.append(_reading(f"{name}_per_second", rate, "/s", self._plan.alerts / late.took_s))
        title = BilingualText(zh="升级呼叫的准时", en="Escalations on time")
        return Section(key=KEY, title=title, readings=tuple(readings))


def _reading(
    key: str, title: BilingualText, unit: str, value: float, at_most: float | None = None
) -> Reading:
    return Reading(key=key, title=title, unit=unit, value=value, at_most=at_most)


async def _overdue(
    connection: asyncpg.Connection, first_due_at: datetime, last_due_at: datetime
) -> tuple[datetime, datetime | None]:
    """The database's time, and since when the call that is longest overdue is due."""
    row = await connection.fetchrow(
        "SELECT clock_timestamp() AS at, (SELECT min(due_at) FROM deadlines"
        " WHERE due_at BETWEEN $1 AND least($2, clock_timestamp())) AS oldest",
        first_due_at,
        last_due_at,
    )
    assert row is not None, "a query without FROM a table has a row"
    return row["at"], row["oldest"]
