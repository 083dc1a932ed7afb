"""A process's time of day is its database's, and goes on by itself while that is away."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from services.shared.clocks.agreement import ClockAgreement
from services.shared.clocks.day_clock import DayClock, steady_s
from services.shared.database.pool import Database
from services.shared.kernel.refusals import DependencyDown
from tests.integration.messaging import until
from tests.stack import CreateDatabase


def _hours_off(hours: float) -> Callable[[], float]:
    return lambda: datetime.now(UTC).timestamp() + hours * 3600


async def test_a_wrong_clock_follows_the_database_s(database: CreateDatabase) -> None:
    pool = Database(await database(), application_name="clock", connections_max=1)
    clock = DayClock(system_s=_hours_off(-2), steady=steady_s)
    agreement = ClockAgreement(clock, pool, asked_every_s=0.05)
    running = asyncio.create_task(agreement.run())
    try:
        await until(lambda: abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=1))
    finally:
        await agreement.stop()
        await running
        await pool.close()


async def test_without_its_database_it_goes_on(unused_tcp_port_factory: Callable[[], int]) -> None:
    port = unused_tcp_port_factory()
    pool = Database(f"postgresql://nobody@127.0.0.1:{port}/none", application_name="clock", timeout_s=0.5)
    clock = DayClock(system_s=_hours_off(1), steady=steady_s)
    with pytest.raises(DependencyDown):
        await ClockAgreement(clock, pool).round()
    ahead = clock.now() - datetime.now(UTC)
    assert abs(ahead - timedelta(hours=1)) < timedelta(seconds=1)
    await pool.close()
