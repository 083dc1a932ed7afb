"""Kill -9 of any one process at any step of the demo: it is started again, and the case ends the same.

One platform, the case played again and again on it, each time with another process killed at another step:
either just before the step's call, or a moment after it was sent.
"""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from services.operator.casefile.model import Case, Step
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import Given
from services.operator.platform.platform import Platform, PlatformSettings, running_platform
from services.operator.playing.observer import Observer
from services.operator.playing.play import play
from services.operator.playing.summary import Summary
from services.operator.rpc.calling import Caller
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import OPERATOR, TokenBook
from services.operator.rpc.values import build_message
from services.shared.rpc.channels import SERVICES, open_channels

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="module")]

#: long enough for the request to leave, short enough for the answer not to be there
_IN_FLIGHT_S = 0.004
_BACK_S = 60.0

#: step id, whether the process is killed when the step's call is in flight
_MOMENTS: dict[str, tuple[tuple[str, bool], ...]] = {
    "referral": (("ask", True), ("refer", True), ("held", False), ("arrive", True), ("back", True)),
    "bed": (("accept", True), ("held", False), ("arrive", True), ("vacate", True)),
    "notification": (("ask", True), ("asked", False), ("on-the-road", True), ("back", False)),
    "kafka": (("accept", True), ("arrive", False)),
    "postgres": (("ask", False), ("accept", True), ("close", True)),
}


@dataclass(frozen=True, kw_only=True)
class Kill:
    """What is killed when."""

    process: str
    step: str
    #: when the step's call is in flight, not before it
    in_flight: bool


_KILLS = [
    pytest.param(
        Kill(process=process, step=step, in_flight=in_flight),
        id=f"{process}-{'in' if in_flight else 'before'}-{step}",
    )
    for process, moments in _MOMENTS.items()
    for step, in_flight in moments
]


@dataclass
class Killer(Observer):
    """Kills one process at one step."""

    platform: Platform
    kill: Kill
    killed_pid: int = 0
    task: asyncio.Task[None] | None = None

    async def on_step(self, step: Step) -> None:
        if step.id == self.kill.step:
            self.task = asyncio.create_task(self._kill())
            if not self.kill.in_flight:
                await self.task

    async def _kill(self) -> None:
        if self.kill.in_flight:
            await asyncio.sleep(_IN_FLIGHT_S)
        self.killed_pid = self.platform.processes[self.kill.process].pid
        os.kill(self.killed_pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def case() -> Case:
    return read_case(DEFAULT_CASE)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform() -> AsyncIterator[Platform]:
    settings = PlatformSettings(given=Given(kafka_bootstrap=None, dsns=dict.fromkeys(SERVICES)))
    async with running_platform(settings) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def undisturbed(platform: Platform, case: Case) -> Summary:
    """The case when nothing is killed: what every other play is compared with."""
    summary = await play(case, platform.addresses, platform.key)
    assert summary.is_ok, _said(summary)
    return summary


def _said(summary: Summary) -> str:
    return "\n".join(f"{each.kind} {each.where}: {each.text.en}" for each in summary.shortcomings)


def _logged_errors(platform: Platform) -> str:
    """The last errors that the services logged: their folder is gone once the tests are over."""
    lines = [
        line
        for service in platform.services.values()
        for line in service.log_path.read_text("utf-8", errors="replace").splitlines()
        if '"level":"error"' in line
    ]
    return "\n".join(("", *lines[-10:]))


async def _back_again(platform: Platform, name: str, killed: int) -> None:
    """Returns when the process is there again, under another number."""
    async with asyncio.timeout(_BACK_S):
        while True:
            process = platform.processes[name]
            if process.is_running and process.pid != killed:
                return
            await asyncio.sleep(0.05)


async def _wards(platform: Platform, facility: str) -> Any:
    method = rpc_methods()["ListBeds"]
    request = build_message(method.request, {"facility": facility})
    async with open_channels(platform.addresses) as channels:
        answer = await Caller(channels).call(method, request, TokenBook(platform.key).token(OPERATOR))
    return answer.message


@pytest.mark.parametrize("kill", _KILLS)
async def test_the_case_ends_the_same(
    platform: Platform, case: Case, undisturbed: Summary, kill: Kill
) -> None:
    killer = Killer(platform=platform, kill=kill)
    summary = await play(case, platform.addresses, platform.key, killer)
    assert killer.task is not None, f"the case has no step {kill.step}"
    await killer.task
    await _back_again(platform, kill.process, killer.killed_pid)

    assert summary.is_ok, _said(summary) + _logged_errors(platform)
    assert summary.outcome == undisturbed.outcome, _logged_errors(platform)
    occupied = [row for row in summary.timeline if row.type == "BedOccupied"]
    assert len(occupied) == 1
    wards = (await _wards(platform, "jimsar-general")).wards
    assert all(ward.counts.free == ward.counts.beds for ward in wards), "a bed was left behind"
