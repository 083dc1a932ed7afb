"""Carries a schedule of faults out on a stand."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random

import asyncpg

from services.embedded import EmbeddedError
from services.operator.platform.errors import PlatformError
from tests.faults.history import FaultDone, History
from tests.faults.line_faults import LineFaults
from tests.faults.record_faults import RecordFaults
from tests.faults.schedule import POSTGRES, Fault, FaultKind
from tests.faults.stand import Stand

#: kill and its like fail where the target is down, as it may be: then there is nothing to hurt.
_DOWN = (ProcessLookupError, PlatformError, EmbeddedError)
#: States of a process: by SIGSTOP; and nobody runs any more.
_STOPPED, _GONE = "T", ("", "Z", "X")
_ENDS_WITHIN_S, _LOOK_S = 10.0, 0.05


class Injection:
    """What one run does to its stand."""

    def __init__(self, stand: Stand, history: History) -> None:
        self._stand = stand
        self._history = history
        self._random = Random(f"injection/{history.seed}")
        self._joined = 0
        lines, records = LineFaults(stand), RecordFaults(stand, self._random)
        #: each says what it came to, and nothing where it came to nothing
        self._ways: dict[FaultKind, Callable[[Fault], Awaitable[str]]] = {
            FaultKind.KILL: self._kill,
            FaultKind.FREEZE: self._freeze,
            FaultKind.RESTART: self._restart,
            FaultKind.JOIN: self._join,
            FaultKind.HOLD_LOCK: self._hold_lock,
            FaultKind.CLOCK_JUMP: self._jump,
            FaultKind.DISK_FULL: self._fill,
            FaultKind.CUT: lines.cut,
            FaultKind.DEATH: lines.death,
            FaultKind.RESET: lines.reset,
            FaultKind.HALF_OPEN: lines.half_open,
            FaultKind.DELAY: lines.delay,
            FaultKind.DUPLICATE: records.duplicate,
            FaultKind.POISON: records.poison,
            FaultKind.OUT_OF_ORDER: records.out_of_order,
        }

    async def run(self, schedule: Sequence[Fault]) -> None:
        """Each fault at its moment, side by side where they overlap; nothing is left hurt."""
        begun_s = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in schedule:
                await asyncio.sleep(max(0.0, begun_s + fault.at_s - time.monotonic()))
                group.create_task(self._carry_out(fault))

    async def _carry_out(self, fault: Fault) -> None:
        begun_at, seen = datetime.now(UTC), ""
        with suppress(*_DOWN):
            seen = await self._ways[fault.kind](fault)
        done = FaultDone(
            kind=fault.kind,
            target=fault.target,
            begun_at=begun_at,
            ended_at=datetime.now(UTC),
            detail=fault.detail,
            seen=seen,
        )
        (self._history.faults if seen else self._history.in_vain).append(done)

    async def _kill(self, fault: Fault) -> str:
        return await self._ended_by(signal.SIGKILL, fault)

    async def _restart(self, fault: Fault) -> str:
        return await self._ended_by(signal.SIGTERM, fault)

    async def _ended_by(self, number: signal.Signals, fault: Fault) -> str:
        """A service that is told to end may take its grace."""
        pid = self._stand.pid(fault.target)
        os.kill(pid, number)
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDS_WITHIN_S):
                while _state(pid) not in _GONE:  # noqa: ASYNC110 - nobody tells of it but the process table
                    await asyncio.sleep(_LOOK_S)
        return f"process {pid} ended" if _state(pid) in _GONE else ""

    async def _freeze(self, fault: Fault) -> str:
        pid = self._stand.pid(fault.target)
        # PostgreSQL answers through a process for each connection: all of them stand still.
        pids = [pid, *(_children(pid) if fault.target == POSTGRES else ())]
        for each in pids:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.lasts_s)
            stopped = sum(_state(each) == _STOPPED for each in pids)
        finally:
            for each in pids:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGCONT)
        return f"{stopped} processes stood still" if stopped else ""

    async def _jump(self, fault: Fault) -> str:
        clock, pid = self._stand.clocks[fault.target], self._stand.pid(fault.target)
        clock.jump(fault.detail)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            clock.jump("+0")
        # Only a process that has the library has this clock.
        obeys = self._stand.pid(fault.target) == pid and clock.is_of(pid)
        return f"process {pid} by another clock" if obeys else ""

    async def _fill(self, fault: Fault) -> str:
        disk = self._stand.disks[fault.target]
        await asyncio.to_thread(disk.fill)
        try:
            await asyncio.sleep(fault.lasts_s)
            is_full = disk.is_full()
        finally:
            disk.free()
        return "no byte left" if is_full else ""

    async def _join(self, fault: Fault) -> str:
        self._joined += 1
        instance = self._stand.new_instance(f"{fault.target}-joined-{self._joined}")
        is_there = False
        try:
            # Returns when it serves.
            await asyncio.to_thread(instance.start)
            await asyncio.sleep(fault.lasts_s)
            is_there = instance.is_running
        finally:
            await asyncio.to_thread(instance.stop if self._random.random() < 0.5 else instance.kill)
        return f"{instance.name} was there" if is_there else ""

    async def _hold_lock(self, fault: Fault) -> str:
        try:
            connection = await asyncpg.connect(self._stand.dsn(fault.target), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return ""
        held: Sequence[object] = ()
        try:
            async with connection.transaction():
                held = await connection.fetch(
                    "SELECT stream_id FROM streams ORDER BY changed DESC LIMIT 20 FOR UPDATE", timeout=5
                )
                await asyncio.sleep(fault.lasts_s)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            pass  # PostgreSQL was hurt meanwhile, which gives the lock back
        finally:
            connection.terminate()
        return f"{len(held)} rows held" if held else ""


def _state(pid: int) -> str:
    """By the kernel, one letter; empty for a process that is no more."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(each) for each in children.split()]
