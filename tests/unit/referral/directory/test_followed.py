"""The directory at hand, which is looked for elsewhere before anybody is refused for want of an entry."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from services.referral.adapters.aggregate_codecs import build_aggregates
from services.referral.adapters.store_directory import StoreDirectory
from services.referral.application.apply_directory import apply_directory
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import DIRECTORY_NAME
from services.referral.entrypoints.grpc.directory_misses import is_miss, looking_again
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import Standing
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import (
    DependencyDown,
    FieldViolation,
    InvalidInput,
    NotFound,
    NotPermitted,
    Refused,
)
from services.shared.kernel.text import BilingualText
from services.shared.rpc.method import UnaryMethod
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.referral.referral.network import COMMUNITIES, FACILITIES, OPERATOR, START
from tierlink.referral.v1 import directory_service_pb2 as pb

LOOK_INTERVAL_S = 0.05
NEW = "ambulance-120"
KINDS = build_aggregates()


def wrong(reason: str) -> InvalidInput:
    return InvalidInput(FieldViolation(field="destinations[0]", reason=reason, description=""))


async def turns() -> None:
    """Lets everything run that waits for nothing but its turn."""
    for _ in range(20):
        await asyncio.sleep(0)


class AskedStore(MemoryEventStore):
    """Knows when it was asked for the directory's version, and may be away."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_s: list[float] = []
        self.is_away = False
        self.answers = asyncio.Event()
        self.answers.set()

    async def standing(self, request_id: str, stream_ids: Sequence[str]) -> Standing:
        if tuple(stream_ids) == (DIRECTORY_NAME,):
            self.asked_s.append(asyncio.get_running_loop().time())
        if self.is_away:
            raise DependencyDown("postgres", "away")
        found = await super().standing(request_id, stream_ids)
        await self.answers.wait()
        return found


class Processes:
    """Two processes on one store: `here` decides, `elsewhere` applies directories."""

    def __init__(self) -> None:
        self.store = AskedStore()
        self.here = self._directory()
        self.elsewhere = CommandRunner(self.store)
        self.tries = 0
        method: UnaryMethod[Any, Any] = UnaryMethod(
            name="GetFacility",
            request_type=pb.GetFacilityRequest,
            response_type=pb.GetFacilityResponse,
            handler=self._get,
        )
        self.method = cast(UnaryMethod[Any, Any], looking_again([method], self.here)[0])

    def _directory(self) -> StoreDirectory:
        runner = CommandRunner(self.store)
        return StoreDirectory(self.store, runner, KINDS, look_interval_s=LOOK_INTERVAL_S)

    async def _get(self, request: Any, call: Any) -> Any:
        self.tries += 1
        if self.here.current().facility(request.id) is None:
            raise NotPermitted("FACILITY_NOT_IN_DIRECTORY", BilingualText(zh="无", en="none"))
        return pb.GetFacilityResponse()

    async def given_directory(self, *, without: str = "") -> None:
        facilities = tuple(each for each in FACILITIES if each.id != without)
        command = ApplyDirectory(communities=COMMUNITIES, facilities=facilities)
        request = f"00000000-0000-4000-8000-{len(self.store.requests) + 1:012}"
        context = CommandContext(request_id=request, actor=OPERATOR, occurred_at=START, recorded_at=START)
        use_case = apply_directory(KINDS, self._directory(), lambda *_: (), command)
        await self.elsewhere.run(
            use_case, context, kind=KINDS.directory, target=DIRECTORY_NAME, digest=request.encode()
        )

    async def when_asked_for(self, facility: str) -> Any:
        return await self.method.handler(pb.GetFacilityRequest(id=facility), cast(Any, None))


@pytest.fixture
async def processes() -> Processes:
    """Given a directory without one facility, which both processes know."""
    made = Processes()
    await made.given_directory(without=NEW)
    await made.here.refresh()
    return made


async def test_what_another_process_applied_is_found_before_anybody_is_refused(processes: Processes) -> None:
    await processes.given_directory()
    await processes.when_asked_for(NEW)
    assert (processes.tries, len(processes.store.asked_s)) == (2, 1)


async def test_who_is_found_asks_the_store_nothing(processes: Processes) -> None:
    await processes.given_directory()
    for _ in range(9):
        await processes.when_asked_for(FACILITIES[0].id)
    assert (processes.tries, processes.store.asked_s) == (9, [])


async def test_a_stranger_is_refused_once_the_store_knows_no_newer_one(processes: Processes) -> None:
    with pytest.raises(NotPermitted):
        await processes.when_asked_for("nobody")
    assert (processes.tries, len(processes.store.asked_s)) == (1, 1)


async def test_a_newer_directory_that_lacks_it_too_is_tried_once(processes: Processes) -> None:
    await processes.given_directory()
    with pytest.raises(NotPermitted):
        await processes.when_asked_for("nobody")
    assert (processes.tries, len(processes.store.asked_s)) == (2, 1)


async def test_strangers_share_a_look_and_looks_are_an_interval_apart(processes: Processes) -> None:
    for _ in range(3):
        found = await asyncio.gather(
            *(processes.when_asked_for(f"nobody-{number}") for number in range(500)), return_exceptions=True
        )
        assert {type(each) for each in found} == {NotPermitted}
    first, second, third = processes.store.asked_s
    assert second - first >= LOOK_INTERVAL_S
    assert third - second >= LOOK_INTERVAL_S


async def test_who_asks_during_a_look_gets_one_that_begins_after_it(processes: Processes) -> None:
    processes.store.answers.clear()
    first = asyncio.ensure_future(processes.when_asked_for("nobody"))
    await turns()
    assert len(processes.store.asked_s) == 1
    await processes.given_directory()
    second = asyncio.ensure_future(processes.when_asked_for(NEW))
    await turns()
    processes.store.answers.set()
    with pytest.raises(NotPermitted):
        await first
    await second
    assert len(processes.store.asked_s) == 2


async def test_one_who_gives_up_takes_the_look_from_nobody(processes: Processes) -> None:
    await processes.given_directory()
    processes.store.answers.clear()
    waiting = [asyncio.ensure_future(processes.when_asked_for(NEW)) for _ in range(2)]
    await turns()
    assert len(processes.store.asked_s) == 1
    waiting[0].cancel()
    processes.store.answers.set()
    await waiting[1]
    assert waiting[0].cancelled()


async def test_a_store_that_is_away_is_said_to_be(processes: Processes) -> None:
    processes.store.is_away = True
    with pytest.raises(DependencyDown):
        await processes.when_asked_for(NEW)
    processes.store.is_away = False
    await processes.given_directory()
    await processes.when_asked_for(NEW)


@pytest.mark.parametrize(
    ("refusal", "is_one"),
    [
        (
            wrong("UNKNOWN_FACILITY"),
            True,
        ),
        (
            InvalidInput(
                FieldViolation(field="green_channel", reason="UNKNOWN_GREEN_CHANNEL", description="")
            ),
            True,
        ),
        (wrong("EMPTY"), False),
        (NotFound("facility", "nobody"), True),
        (NotFound("Referral", "referrals/1"), False),
        (NotPermitted("ROLE", BilingualText(zh="无", en="none")), False),
    ],
)
def test_a_miss_is_what_the_directory_lacks(refusal: Refused, is_one: bool) -> None:
    assert is_miss(refusal) is is_one
