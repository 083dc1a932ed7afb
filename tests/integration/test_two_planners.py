"""Two processes plan messages to the same people at the same time: neither waits for what the other has."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest_asyncio

from services.notification.adapters.stored_deliveries import StoredDeliveries
from services.notification.application.delivery_table import CallPlan, WaitingCall
from services.notification.domain.delivery import PlannedDelivery
from services.notification.domain.values import AlertCall
from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
from services.shared.kernel.ids import derive_id
from tests.integration.hospital import new_id
from tests.integration.messaging import opened
from tests.stack import SharedStack

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
#: In the order in which they are taken: the first two by one planner, the others by the other one.
CALLED = {"alerts/1": "dr-a", "alerts/2": "dr-b", "alerts/3": "dr-b", "alerts/4": "dr-a"}


@pytest_asyncio.fixture
async def database(stack: SharedStack) -> AsyncIterator[Database]:
    dsn = await stack.create_database(f"planners_{new_id()[:8]}")
    async with opened(dsn) as database:
        packages = ("services.shared.eventstore.migrations", "services.notification.migrations")
        await migrate(database, load_migrations(*packages))
        for alert in CALLED:
            await database.execute(
                "INSERT INTO delivery_calls (stream_id, version, type) VALUES ($1, 1, 'AlertTriggered')",
                alert,
            )
        yield database


def planned(alert: str) -> PlannedDelivery:
    user = CALLED[alert]
    call = AlertCall(
        id=derive_id("call", alert),
        recipient=user,
        name=user,
        channels=("gateway",),
        run=1,
        step=0,
        round=1,
        duty="duty",
        facility="jimsar-general",
        roles=(),
        called_at=AT,
    )
    return PlannedDelivery(
        id=derive_id("delivery", alert),
        alert=alert,
        call=call,
        channel="gateway",
        subject=f"referrals/{alert}",
        severity_rank=0,
    )


async def test_two_planners_of_the_same_people_do_not_wait_for_each_other(database: Database) -> None:
    both_are_in_the_middle = asyncio.Barrier(2)

    async def plan(call: WaitingCall) -> CallPlan:
        if call.alert in ("alerts/2", "alerts/4"):
            await both_are_in_the_middle.wait()
        return CallPlan(alert=call.alert, deliveries=(planned(call.alert),))

    table = StoredDeliveries(database)
    taken = await asyncio.gather(*(table.plan_some(plan, 2) for _ in range(2)))
    assert taken == [2, 2]
    rows = await database.fetch("SELECT alert, recipient FROM deliveries ORDER BY alert")
    assert {row["alert"]: row["recipient"] for row in rows} == CALLED
