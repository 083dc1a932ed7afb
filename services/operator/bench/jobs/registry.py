"""The jobs by their names."""

from collections.abc import Awaitable, Callable
from typing import Any

from services.operator.bench.jobs.alerts import time_alerts
from services.operator.bench.jobs.batches import BatchClient
from services.operator.bench.jobs.boards import time_boards
from services.operator.bench.jobs.echo import EchoServer
from services.operator.bench.jobs.fill import fill
from services.operator.bench.jobs.fill_alerts import fill_alerts
from services.operator.bench.jobs.hashing import time_chains, time_hashing, time_reading_and_hashing
from services.operator.bench.jobs.load import LoadClient
from services.operator.bench.jobs.produce import BareProducer
from services.operator.bench.jobs.province import ProvinceClient
from services.operator.bench.jobs.publish import publish_store
from services.operator.bench.jobs.read import read, select
from services.operator.bench.jobs.rush import rush
from services.operator.bench.jobs.stream import count_records, fill_topic, replay_read
from services.operator.bench.jobs.wards import fill_wards, watch_picture

Job = Callable[..., Awaitable[dict[str, Any]]]


class Jobs:
    """What one worker process can do, and what it has open."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._load = LoadClient()
        self._batches = BatchClient()
        self._producer = BareProducer()
        self._province = ProvinceClient()
        self._closing: list[Callable[[], Awaitable[None]]] = [
            self._load.close,
            self._batches.close,
            self._producer.close,
        ]
        self._jobs: dict[str, Job] = {
            "forget": self._forget,
            "load": self._load.round,
            "load_batches": self._batches.round,
            "one_life": self._load.one_life,
            "one_command": self._load.one_command,
            "serve_echo": self._serve_echo,
            "produce": self._producer.produce,
            "province": self._province.round,
            "province_again": self._province.again,
            "alerts": time_alerts,
            "boards": time_boards,
            "hash": time_hashing,
            "read_and_hash": time_reading_and_hashing,
            "verify_chains": time_chains,
            "fill": fill,
            "fill_alerts": fill_alerts,
            "read": read,
            "select": select,
            "rush": rush,
            "fill_wards": fill_wards,
            "watch_picture": watch_picture,
            "fill_topic": fill_topic,
            "publish_store": publish_store,
            "replay_read": replay_read,
            "count_records": count_records,
        }

    def find(self, name: str) -> Job:
        """Raises KeyError for a job that does not exist."""
        return self._jobs[name]

    async def close(self) -> None:
        """Closes everything that a job left open."""
        for close in reversed(self._closing):
            await close()

    async def _forget(self) -> dict[str, Any]:
        """Closes everything, for whoever has the process next."""
        await self.close()
        self._begin()
        return {}

    async def _serve_echo(self, *, replies: dict[str, str]) -> dict[str, Any]:
        server = EchoServer({path: bytes.fromhex(reply) for path, reply in replies.items()})
        self._closing.append(server.close)
        await server.start()
        return {"address": server.address}
