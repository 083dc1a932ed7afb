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


class Injection:
    """What one run does to its stand."""

    def __init__(self, stand: Stand, history: History) -> None:
        self._stand = stand
        self._history = history
        self._random = Random(f"injection/{history.seed}")
        self._joined = 0
        lines, records = LineFaults(stand), RecordFaults(stand, self._random)
        #: each answers whether it came to anything
        self._ways: dict[FaultKind, Callable[[Fault], Awaitable[bool]]] = {
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
        begun_at = datetime.now(UTC)
        with suppress(*_DOWN):
            if await self._ways[fault.kind](fault):
                self._history.faults.append(
                    FaultDone(
                        kind=fault.kind,
                        target=fault.target,
                        begun_at=begun_at,
                        ended_at=datetime.now(UTC),
                        detail=fault.detail,
                    )
                )

    async def _kill(self, fault: Fault) -> bool:
        os.kill(self._stand.pid(fault.target), signal.SIGKILL)
        return True

    async def _restart(self, fault: Fault) -> bool:
        os.kill(self._stand.pid(fault.target), signal.SIGTERM)
        return True

    async def _freeze(self, fault: Fault) -> bool:
        pid = self._stand.pid(fault.target)
        # PostgreSQL answers through a process for each connection: all of them stand still.
        pids = [pid, *(_children(pid) if fault.target == POSTGRES else ())]
        for each in pids:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGSTOP)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            for each in pids:
                with suppress(ProcessLookupError):
                    os.kill(each, signal.SIGCONT)
        return True

    async def _jump(self, fault: Fault) -> bool:
        clock = self._stand.clocks[fault.target]
        clock.jump(fault.detail)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            clock.jump("+0")
        return True

    async def _fill(self, fault: Fault) -> bool:
        disk = self._stand.disks[fault.target]
        await asyncio.to_thread(disk.fill)
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            disk.free()
        return True

    async def _join(self, fault: Fault) -> bool:
        self._joined += 1
        instance = self._stand.new_instance(f"{fault.target}-joined-{self._joined}")
        try:
            await asyncio.to_thread(instance.start)
            await asyncio.sleep(fault.lasts_s)
        finally:
            await asyncio.to_thread(instance.stop if self._random.random() < 0.5 else instance.kill)
        return True

    async def _hold_lock(self, fault: Fault) -> bool:
        try:
            connection = await asyncpg.connect(self._stand.dsn(fault.target), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return False
        try:
            async with connection.transaction():
                await connection.fetch(
                    "SELECT stream_id FROM streams ORDER BY changed DESC LIMIT 20 FOR UPDATE", timeout=5
                )
                await asyncio.sleep(fault.lasts_s)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            pass  # PostgreSQL was hurt meanwhile, which gives the lock back
        finally:
            connection.terminate()
        return True


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(each) for each in children.split()]
