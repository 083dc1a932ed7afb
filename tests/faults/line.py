"""The line from one process to one server: a TCP proxy that can be cut, slow, dead, or a trap.

It forwards whole messages, so that it knows at which place of its work the process is; see `wire`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

from services.embedded.ports import LOOPBACK
from tests.faults.wire import Frame, KafkaWire, Place, PostgresWire, Wire

_CHUNK_BYTES = 65_536


class Trap:
    """Springs when the process comes to a place for the `count`-th time."""

    def __init__(self, place: Place, count: int, spring: Callable[[], None]) -> None:
        self.place = place
        self.sprung = asyncio.Event()
        self._count = count
        self._spring = spring

    def met(self, place: Place | None) -> bool:
        """Whether it springs now. From then on nothing of this connection goes on."""
        if place is not self.place or self.sprung.is_set():
            return False
        self._count -= 1
        if self._count > 0:
            return False
        self._spring()
        self.sprung.set()
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class Delay:
    """What each piece of data waits for."""

    least_s: float
    most_s: float


@dataclass(eq=False)
class _Pair:
    """A connection: the process's end, the server's end, and whether its packets are lost."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    is_lost: bool = False

    def abort(self) -> None:
        for writer in (self.near, self.far):
            writer.transport.abort()


class Line:
    """Forwards connections to a port."""

    def __init__(self, wire: Callable[[], Wire], *, random: Random) -> None:
        self.target_host, self.target_port = LOOPBACK, 0
        self._wire = wire
        self._random = random
        self._pairs: set[_Pair] = set()
        self._server: asyncio.Server | None = None
        self._is_cut = False
        self._is_lost = False
        self._delay: Delay | None = None
        self._traps: list[Trap] = []
        #: what was done to what came by, since the line was opened
        self.resets_count = self.swallowed_bytes = self.delayed_count = 0
        self._open = asyncio.Event()
        self._open.set()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Resets every connection; new ones are reset at once."""
        self._is_cut = True
        self.reset()

    def reset(self) -> None:
        """Resets every connection; new ones are welcome."""
        for pair in tuple(self._pairs):
            self.resets_count += 1
            pair.abort()

    def lose(self) -> None:
        """Half open: what either side says is swallowed, for good for connections that are there or come."""
        self._is_lost = True
        for pair in self._pairs:
            pair.is_lost = True

    def hold(self) -> None:
        """Nothing goes on, and nothing is lost, until it is released."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def delay(self, delay: Delay) -> None:
        """Each piece of data waits."""
        self._delay = delay

    def mend(self) -> None:
        """New connections are as they should be; lost ones stay lost."""
        self._is_cut = self._is_lost = False
        self._delay = None
        self._open.set()

    @asynccontextmanager
    async def trapped(self, trap: Trap) -> AsyncIterator[None]:
        """With a trap for the block."""
        self._traps.append(trap)
        try:
            yield
        finally:
            self._traps.remove(trap)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        self.mend()
        self.cut()
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            self.resets_count += 1
            writer.transport.abort()
            return
        try:
            await self._greet(reader, writer)
            far_reader, far_writer = await asyncio.open_connection(self.target_host, self.target_port)
        except (OSError, EOFError):
            writer.transport.abort()
            return
        wire = self._wire()
        pair = _Pair(near=writer, far=far_writer, is_lost=self._is_lost)
        self._pairs.add(pair)
        try:
            await asyncio.gather(
                self._pump(pair, reader, far_writer, wire.asked),
                self._pump(pair, far_reader, writer, wire.answered),
            )
        finally:
            self._pairs.discard(pair)
            pair.abort()

    async def _greet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """What is said before the server hears of a connection: nothing here."""

    async def _pump(
        self,
        pair: _Pair,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        frames: Callable[[bytes], Iterable[Frame]],
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK_BYTES):
                if self._delay is not None:
                    self.delayed_count += 1
                    await asyncio.sleep(self._random.uniform(self._delay.least_s, self._delay.most_s))
                await self._open.wait()
                if pair.is_lost:
                    self.swallowed_bytes += len(data)
                    continue
                if not self._forward(writer, frames(data)):
                    pair.abort()
                    return
                await writer.drain()
        # Of a lost connection the other side never hears that this one has gone.
        if not pair.is_lost:
            writer.transport.abort()

    def _forward(self, writer: asyncio.StreamWriter, frames: Iterable[Frame]) -> bool:
        """False where a trap has sprung: what stands behind its place goes nowhere."""
        ready: list[bytes] = []
        for frame in frames:
            if any(trap.met(frame.before) for trap in self._traps):
                return False
            ready.append(frame.data)
            if frame.after is not None and self._traps:
                writer.write(b"".join(ready))
                ready.clear()
                if any(trap.met(frame.after) for trap in self._traps):
                    return True
        if ready:
            writer.write(b"".join(ready))
        return True


@asynccontextmanager
async def open_line(wire: Callable[[], Wire], *, random: Random) -> AsyncIterator[Line]:
    """A line for the block. Its `target_port` is set before anybody uses it."""
    line = Line(wire, random=random)
    await line.start()
    try:
        yield line
    finally:
        await line.stop()


@asynccontextmanager
async def open_database_line(dsn: str) -> AsyncIterator[tuple[Line, str]]:
    """A line to a PostgreSQL for the block, and the DSN at the line's near end."""
    async with open_line(PostgresWire, random=Random(1)) as line:
        yield line, aim(line, dsn)


def aim(line: Line, dsn: str) -> str:
    """Has a line lead to the PostgreSQL of a DSN; returns the DSN at its near end."""
    address = urlsplit(dsn)
    line.target_host, line.target_port = address.hostname or LOOPBACK, address.port or 5432
    who = address.netloc.rpartition("@")[0]
    return address._replace(netloc=f"{who}@{LOOPBACK}:{line.port}").geturl()


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessLines:
    """Those of one process."""

    postgres: Line
    kafka: Line

    def to(self, server: str) -> Line:
        return self.kafka if server == "kafka" else self.postgres

    def at(self, place: Place) -> Line:
        """The one on which a place is seen."""
        return self.kafka if place in _ON_KAFKA else self.postgres


_ON_KAFKA = {
    Place.BEFORE_SEND,
    Place.AFTER_SEND,
    Place.BEFORE_ACKNOWLEDGEMENT,
    Place.AFTER_ACKNOWLEDGEMENT,
    Place.BEFORE_OFFSETS,
    Place.AFTER_OFFSETS,
}


@asynccontextmanager
async def open_lines(random: Random) -> AsyncIterator[ProcessLines]:
    """Both lines of a process for the block."""
    async with (
        open_line(PostgresWire, random=random) as postgres,
        open_line(KafkaWire, random=random) as kafka,
    ):
        yield ProcessLines(postgres=postgres, kafka=kafka)
