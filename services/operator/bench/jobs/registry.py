"""The jobs by their names."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.operator.bench.jobs.alerts import time_alerts
from services.operator.bench.jobs.bare_server import Answer, BareServer, echo_answers
from services.operator.bench.jobs.hashing import time_hashing
from services.operator.bench.jobs.load import LoadClient
from services.operator.bench.jobs.produce import BareProducer
from services.operator.bench.jobs.statements import statement_answers
from services.operator.bench.rows import WrittenCommand

Job = Callable[..., Awaitable[dict[str, Any]]]


class Jobs:
    """What one worker process can do, and what it has open."""

    def __init__(self) -> None:
        self._load = LoadClient()
        self._producer = BareProducer()
        self._closing: list[Callable[[], Awaitable[None]]] = [self._load.close, self._producer.close]
        self._jobs: dict[str, Job] = {
            "load": self._load.round,
            "one_life": self._load.one_life,
            "serve_echo": self._serve_echo,
            "serve_statements": self._serve_statements,
            "produce": self._producer.produce,
            "alerts": time_alerts,
            "hash": time_hashing,
        }

    def find(self, name: str) -> Job:
        """Raises KeyError for a job that does not exist."""
        return self._jobs[name]

    async def close(self) -> None:
        """Closes everything that a job left open."""
        for close in reversed(self._closing):
            await close()

    async def _serve_echo(self, *, replies: dict[str, str]) -> dict[str, Any]:
        return await self._serve(echo_answers(_bytes(replies)))

    async def _serve_statements(
        self, *, dsn: str, written: list[dict[str, Any]], replies: dict[str, str], referral: str
    ) -> dict[str, Any]:
        commands = [WrittenCommand.from_json(each) for each in written]
        store, answers = await statement_answers(dsn, commands, _bytes(replies), referral.encode())
        self._closing.append(store.close)
        return await self._serve(answers)

    async def _serve(self, answers: dict[str, Answer]) -> dict[str, Any]:
        server = BareServer(answers)
        self._closing.append(server.close)
        await server.start()
        return {"address": server.address}


def _bytes(replies: dict[str, str]) -> dict[str, bytes]:
    return {path: bytes.fromhex(reply) for path, reply in replies.items()}
