"""A gateway as vendors run one: takes POSTs on a real socket, keeps them, and answers what a test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

import msgspec


@dataclass(frozen=True, kw_only=True)
class Posted:
    """One request."""

    path: str
    #: names in small letters
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    @property
    def json(self) -> dict[str, object]:
        return msgspec.json.decode(self.body, type=dict[str, object])


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the gateway says; `hang` keeps the caller waiting instead."""

    status: int = 200
    body: str = "{}"
    hang: bool = False


#: Answers a request; the test decides.
Respond = Callable[[Posted], Awaitable[Answer]]


@dataclass(kw_only=True)
class Gateway:
    """Everything that was posted, and how to answer."""

    respond: Respond
    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def wait_for(self, count: int, bound_s: float = 40.0) -> list[Posted]:
        """The requests, once there are so many."""
        async with asyncio.timeout(bound_s), self.arrived:
            await self.arrived.wait_for(lambda: len(self.posted) >= count)
        return self.posted

    @property
    def keys(self) -> set[str]:
        """The idempotency keys: one effect each, however often one came."""
        return {posted.headers.get("webhook-id", "") for posted in self.posted}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.rstrip().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            posted = Posted(path=first.split()[1], headers=headers, body=body)
            async with self.arrived:
                self.posted.append(posted)
                self.arrived.notify_all()
            answer = await self.respond(posted)
            if answer.hang:
                await reader.read()
                return
            content = answer.body.encode()
            writer.write(
                f"HTTP/1.1 {answer.status} Said\r\ncontent-type: application/json\r\n"
                f"content-length: {len(content)}\r\nconnection: close\r\n\r\n".encode()
                + content
            )
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


async def _agree(_posted: Posted) -> Answer:
    return Answer()


@asynccontextmanager
async def running_gateway(respond: Respond = _agree) -> AsyncIterator[Gateway]:
    """A gateway on a free port for the time of the block."""
    gateway = Gateway(respond=respond)
    server = await asyncio.start_server(gateway.serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    gateway.url = f"http://{host}:{port}"
    try:
        yield gateway
    finally:
        server.close()


def in_order(*answers: Answer) -> Respond:
    """These answers one after the other; the last one from then on."""
    left = list(answers)

    async def respond(_posted: Posted) -> Answer:
        return left.pop(0) if len(left) > 1 else left[0]

    return respond
