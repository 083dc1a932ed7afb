"""The load of commands that benches have sent, and the echo that stands beside the service."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.operator.bench.plan import Plan
from services.operator.bench.stack import BenchStack
from services.operator.bench.worker_process import Worker

_LIFE_TIMEOUT_S = 60.0
_ECHO_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class CommandLoad:
    """Callers in one worker process. All of its methods raise BenchFailed."""

    stack: BenchStack
    plan: Plan
    client: Worker
    #: tells the requests of one bench from those of another: a repeated one would be answered without work
    label: str

    async def one_life(self, address: str) -> dict[str, bytes]:
        """The service's reply to each command of a life, by path, in order."""
        life = await self.client.do(
            "one_life",
            timeout_s=_LIFE_TIMEOUT_S,
            address=address,
            tokens=self.stack.tokens(),
            seed=f"{self.plan.seed}/{self.label}",
        )
        return {call["path"]: bytes.fromhex(call["reply"]) for call in life["calls"]}

    async def echo_of(self, echo: Worker, address: str) -> str:
        """Has `echo` answer as the service at this address does; where it listens."""
        return await serve_echo(echo, await self.one_life(address))

    async def commands(
        self, address: str, name: str, *, seconds: float | None = None, connections: int = 1
    ) -> dict[str, Any]:
        """One round of single commands; the plan says how long unless `seconds` does."""
        return await self.client.do(
            "load",
            timeout_s=self.plan.round_timeout_s(),
            address=address,
            tokens=self.stack.tokens(),
            concurrency=self.plan.concurrency,
            seconds=self.plan.seconds if seconds is None else seconds,
            seed=self._seed(name),
            connections=connections,
        )

    async def batches(self, address: str, name: str, *, is_brief: bool) -> dict[str, Any]:
        """One round of commands in batches."""
        return await self.client.do(
            "load_batches",
            timeout_s=self.plan.round_timeout_s(),
            address=address,
            tokens=self.stack.tokens(),
            concurrency=self.plan.batch_callers,
            items=self.plan.batch_items,
            seconds=self.plan.seconds,
            is_brief=is_brief,
            seed=self._seed(name),
        )

    def _seed(self, name: str) -> str:
        # Every server gets requests of its own.
        return f"{self.plan.seed}/{self.label}/{name}"


async def serve_echo(echo: Worker, replies: Mapping[str, bytes]) -> str:
    """Has a worker answer each path with the same reply; where it listens. Raises BenchFailed."""
    served = await echo.do(
        "serve_echo",
        timeout_s=_ECHO_TIMEOUT_S,
        replies={path: reply.hex() for path, reply in replies.items()},
    )
    return str(served["address"])
