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
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from services.embedded import EmbeddedError
from services.operator.events.topics import EVENT_TOPICS
from services.operator.platform.errors import PlatformError
from services.shared.kernel.refusals import DependencyDown
from tests.faults.history import FaultDone, History
from tests.faults.schedule import POSTGRES, Fault, FaultKind
from tests.faults.stand import Stand
from tests.faults.topics import latest_records

#: Header of what the run itself puts on a topic.
INJECTED = "tierlink-faults-injected"
_RECORDS_MAX = 40
_KAFKA_BOUND_S = 15.0
#: kill and its like fail where the target is down, as it may be: then there is nothing to hurt.
_DOWN = (ProcessLookupError, PlatformError, EmbeddedError)


class Injection:
    """What one run does to its stand."""

    def __init__(self, stand: Stand, history: History) -> None:
        self._stand = stand
        self._history = history
        self._random = Random(f"injection/{history.seed}")
        self._joined = 0
        self._ways: dict[FaultKind, Callable[[Fault], Awaitable[None]]] = {
            FaultKind.KILL: self._kill,
            FaultKind.FREEZE: self._freeze,
            FaultKind.RESTART: self._restart,
            FaultKind.JOIN: self._join,
            FaultKind.CUT: self._cut,
            FaultKind.HOLD_LOCK: self._hold_lock,
            FaultKind.DUPLICATE: self._duplicate,
            FaultKind.POISON: self._poison,
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
            await self._ways[fault.kind](fault)
            self._history.faults.append(
                FaultDone(kind=fault.kind, target=fault.target, begun_at=begun_at, ended_at=datetime.now(UTC))
            )

    async def _kill(self, fault: Fault) -> None:
        os.kill(self._stand.pid(fault.target), signal.SIGKILL)

    async def _restart(self, fault: Fault) -> None:
        os.kill(self._stand.pid(fault.target), signal.SIGTERM)

    async def _freeze(self, fault: Fault) -> None:
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

    async def _join(self, fault: Fault) -> None:
        self._joined += 1
        instance = self._stand.new_instance(f"{fault.target}-joined-{self._joined}")
        try:
            await asyncio.to_thread(instance.start)
            await asyncio.sleep(fault.lasts_s)
        finally:
            await asyncio.to_thread(instance.stop if self._random.random() < 0.5 else instance.kill)

    async def _cut(self, fault: Fault) -> None:
        cut = self._stand.cuts[fault.target]
        cut.cut()
        try:
            await asyncio.sleep(fault.lasts_s)
        finally:
            cut.mend()

    async def _hold_lock(self, fault: Fault) -> None:
        try:
            connection = await asyncpg.connect(self._stand.dsn(fault.target), timeout=5)
        except (OSError, asyncpg.PostgresError, TimeoutError):
            return
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

    async def _duplicate(self, fault: Fault) -> None:
        """Records of before come again, in any order: behind those that followed them."""
        with suppress(KafkaError, DependencyDown, TimeoutError, OSError):
            async with asyncio.timeout(_KAFKA_BOUND_S):
                topic = self._random.choice(EVENT_TOPICS).name
                records = await latest_records(self._stand.bootstrap, topic, _RECORDS_MAX)
                self._random.shuffle(records)
                await self._send([(each.topic, each.key, each.value, each.headers) for each in records])

    async def _poison(self, fault: Fault) -> None:
        """No headers, headers of another contract, and a value that is no message."""
        topic = self._random.choice(EVENT_TOPICS).name
        ids = [("ce_specversion", b"1.0"), ("ce_type", b"Nonsense"), ("ce_id", b"x")]
        with suppress(KafkaError, DependencyDown, TimeoutError, OSError):
            async with asyncio.timeout(_KAFKA_BOUND_S):
                await self._send(
                    [
                        (topic, None, b"", ()),
                        (topic, b"referrals/no-such", b"\xff\xfe", ()),
                        (topic, b"referrals/no-such", b"\xff\xfe", ids),
                    ]
                )

    async def _send(self, records: Sequence[tuple[str, bytes | None, bytes, Sequence[Any]]]) -> None:
        producer = AIOKafkaProducer(bootstrap_servers=self._stand.bootstrap)
        await producer.start()
        try:
            for topic, key, value, headers in records:
                await producer.send_and_wait(topic, value, key=key, headers=[*headers, (INJECTED, b"1")])
        finally:
            await producer.stop()


def _children(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(each) for each in children.split()]
