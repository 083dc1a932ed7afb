"""A bed is asked for as its referral ends: of two processes over one database the later decides again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
import pytest_asyncio

from services.bed.domain.state import Ward
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.units import AppendResult, AppendUnit
from services.shared.kernel.refusals import NotAllowed
from tests.doubles.memory_store import MemoryEventStore
from tests.integration.messaging import event_store_database, opened_store
from tests.stack import CreateDatabase, SharedStack
from tests.unit.bed.facility import Facility, referral


class Process(Facility):
    """The use cases over a database, which is not open to the checks of the store's double."""

    def check(self) -> None:
        pass

    def ward(self, name: str) -> Any:
        return None

    async def read(self) -> Ward:
        found = (await self.runner.read(self.kinds.ward, "wards/w")).state
        assert found is not None
        return found

    async def claims(self) -> dict[str, str | None]:
        """Of the referral: by kind, who has it."""
        kinds = ("referral-bed", "referral-promise")
        return {kind: await self.store.find_claim(kind, referral(1)) for kind in kinds}


@pytest_asyncio.fixture
async def processes(stack: SharedStack, database: CreateDatabase) -> AsyncIterator[tuple[Process, Process]]:
    dsn = await event_store_database(stack, database)
    async with opened_store(dsn) as one, opened_store(dsn) as other:
        pair = Process(cast(MemoryEventStore, one)), Process(cast(MemoryEventStore, other))
        await pair[0].apply("w", 1)
        yield pair


def happens_before_the_next_append(process: Process, other: Callable[[], Awaitable[object]]) -> None:
    """What the process does next has been decided, and is not written yet, when the other happens."""
    store = cast(PostgresEventStore, process.store)
    append = store.append

    async def late(unit: AppendUnit) -> AppendResult:
        store.append = append  # type: ignore[method-assign]
        await other()
        return await append(unit)

    store.append = late  # type: ignore[method-assign]


ENDED = {"referral-bed": None, "referral-promise": "ended-referrals"}


async def test_a_hold_that_is_decided_when_the_end_comes_is_refused(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    happens_before_the_next_append(one, lambda: other.end(1))
    with pytest.raises(NotAllowed) as caught:
        await one.hold(1)
    assert [rule.code for rule in caught.value.failed_rules] == ["REFERRAL_ENDED"]
    assert (await one.read()).counts.free == 1
    assert await one.claims() == ENDED


async def test_an_end_that_is_decided_when_a_bed_is_held_gives_it_back(
    processes: tuple[Process, Process],
) -> None:
    one, other = processes
    happens_before_the_next_append(one, lambda: other.hold(1))
    await one.end(1)
    ward = await other.read()
    # One hold was given, and given back.
    assert (ward.counts.free, ward.next_token) == (1, 2)
    assert await one.claims() == ENDED


async def test_who_is_about_to_wait_when_the_end_comes_is_refused(processes: tuple[Process, Process]) -> None:
    one, other = processes
    await one.hold(2)
    happens_before_the_next_append(one, lambda: other.end(1))
    with pytest.raises(NotAllowed) as caught:
        await one.join(1)
    assert [rule.code for rule in caught.value.failed_rules] == ["REFERRAL_ENDED"]
    assert await one.claims() == ENDED
