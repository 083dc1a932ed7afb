"""A fault says what it came to, and nothing where it hurt nobody: a run that was spared proves nothing."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from random import Random

import pytest

from services.embedded.ports import LOOPBACK
from services.operator.platform.errors import PlatformError
from tests.faults.history import FaultDone, History
from tests.faults.injection import Injection
from tests.faults.line import Line, ProcessLines, open_line
from tests.faults.line_faults import LineFaults
from tests.faults.schedule import Fault, FaultKind
from tests.faults.wire import Frame, Place, PlainWire


class _Committing(PlainWire):
    """A wire on which each piece that is asked is a commit."""

    def asked(self, data: bytes) -> Iterator[Frame]:
        yield Frame(data=data, before=Place.BEFORE_COMMIT)


@dataclass
class _Stand:
    """What faults need of one: lines by instance, and processes."""

    lines: dict[str, ProcessLines] = field(default_factory=dict)
    pids: dict[str, int] = field(default_factory=dict)
    bootstrap: str = f"{LOOPBACK}:9"

    def pid(self, name: str) -> int:
        if name not in self.pids:
            raise PlatformError(name)
        return self.pids[name]


def _fault(kind: FaultKind, target: str = "referral-1", *, detail: str = "", lasts_s: float = 0.4) -> Fault:
    return Fault(at_s=0.0, kind=kind, target=target, detail=detail, lasts_s=lasts_s, count=1)


@asynccontextmanager
async def _lined() -> AsyncIterator[tuple[LineFaults, Line]]:
    """A line to something that says again what it is told."""

    echoing: set[asyncio.Task[object]] = set()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        echoing.add(task)
        with suppress(OSError):
            while data := await reader.read(100):
                writer.write(data)
        writer.transport.abort()

    server = await asyncio.start_server(echo, LOOPBACK, 0)
    async with server:
        async with open_line(_Committing, random=Random(1)) as line:
            line.target_port = server.sockets[0].getsockname()[1]
            lines = ProcessLines(postgres=line, kafka=line)
            yield LineFaults(_Stand(lines={"referral-1": lines})), line  # type: ignore[arg-type]
        await asyncio.gather(*echoing)


@asynccontextmanager
async def _speaking(line: Line) -> AsyncIterator[None]:
    """Somebody who says something again and again, and connects anew when he is cut off."""

    is_over = asyncio.Event()

    async def speak() -> None:
        reader, writer = await asyncio.open_connection(LOOPBACK, line.port)
        try:
            while not is_over.is_set():
                writer.write(b"x")
                async with asyncio.timeout(0.1):
                    await reader.readexactly(1)
        finally:
            writer.transport.abort()

    async def speak_again() -> None:
        while not is_over.is_set():
            with suppress(OSError, EOFError, TimeoutError):
                await speak()

    speaker = asyncio.create_task(speak_again())
    try:
        yield
    finally:
        is_over.set()
        await speaker


_ON_LINES: dict[str, Callable[[LineFaults], Awaitable[str]]] = {
    "connections reset": lambda faults: faults.cut(_fault(FaultKind.CUT, "referral")),
    "bytes swallowed": lambda faults: faults.half_open(_fault(FaultKind.HALF_OPEN, detail="postgres")),
    "pieces delayed": lambda faults: faults.delay(_fault(FaultKind.DELAY, detail="postgres")),
    "at its place": lambda faults: faults.reset(_fault(FaultKind.RESET, detail=Place.BEFORE_COMMIT)),
}


@pytest.mark.parametrize("said", _ON_LINES)
async def test_a_line_says_what_was_done_to_what_came_by_and_nothing_where_nothing_did(said: str) -> None:
    async with _lined() as (faults, line):
        assert await _ON_LINES[said](faults) == ""
        async with _speaking(line):
            assert said in await _ON_LINES[said](faults)


_SLEEPING = "import signal, time; {}print(flush=True); time.sleep(60)"
_DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); "


@contextmanager
def _running(program: str) -> Iterator[int]:
    """A process that has begun."""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


async def _done(stand: _Stand, *faults: Fault) -> History:
    history = History(seed=1)
    await Injection(stand, history).run(faults)  # type: ignore[arg-type]
    return history


@pytest.mark.parametrize(
    ("kind", "said"),
    [(FaultKind.KILL, "ended"), (FaultKind.RESTART, "ended"), (FaultKind.FREEZE, "stood still")],
)
async def test_a_process_is_seen_to_be_hurt(kind: FaultKind, said: str) -> None:
    with _running(_SLEEPING.format("")) as pid:
        history = await _done(_Stand(pids={"bed-1": pid}), _fault(kind, "bed-1"))
    assert (len(history.faults), history.in_vain) == (1, [])
    assert said in history.faults[0].seen


async def test_who_does_not_end_was_not_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.faults.injection._ENDS_WITHIN_S", 0.2)
    with _running(_SLEEPING.format(_DEAF)) as pid:
        history = await _done(_Stand(pids={"bed-1": pid}), _fault(FaultKind.RESTART, "bed-1"))
    assert (history.faults, len(history.in_vain)) == ([], 1)


@pytest.mark.parametrize("kind", [FaultKind.KILL, FaultKind.FREEZE, FaultKind.POISON, FaultKind.DUPLICATE])
async def test_what_hurts_nobody_is_in_vain(kind: FaultKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process is down, and so is Kafka."""
    monkeypatch.setattr("tests.faults.record_faults._KAFKA_BOUND_S", 1.0)
    history = await _done(_Stand(), _fault(kind, "bed-1"))
    assert history.faults == []
    (vain,) = history.in_vain
    assert (vain.kind, vain.seen) == (kind, "")
    assert isinstance(vain, FaultDone)
