"""Commands a second through gRPC, beside a bare echo, pgbench, and four statements in a transaction."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import asyncpg

from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.life import referral_in
from services.operator.bench.pgbench import lives_per_second, script
from services.operator.bench.plan import Plan
from services.operator.bench.rows import WrittenCommand, written_by
from services.operator.bench.stack import ALL_PARTS, BenchStack
from services.operator.bench.statistics import middle
from services.operator.bench.turns import Measure, in_turns
from services.operator.bench.worker_process import BenchFailed, Worker
from services.shared.database.migrations import load_migrations, migrate
from services.shared.database.pool import Database
from services.shared.kernel.text import BilingualText
from tierlink.referral.v1 import referral_service_pb2

KEY = "commands"
ECHO_AT_LEAST = 0.4
STATEMENTS_AT_LEAST = 2.0

_UNIT = "/s"
_TITLES = {
    "echo": BilingualText(zh="空 gRPC 回显", en="bare grpc.aio echo"),
    "statements": BilingualText(zh="同一命令四条语句", en="the command as four statements"),
    "pgbench": BilingualText(zh="pgbench 同样的行", en="pgbench, the same rows"),
    "all_parts": BilingualText(
        zh="转诊服务，单进程全部职责", en="referral service, all parts in one process"
    ),
    "grpc_part": BilingualText(
        zh="转诊服务，gRPC 单独一进程", en="referral service, gRPC in a process alone"
    ),
}
_DRAIN_TIMEOUT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class _Sample:
    """One life as the service answered and wrote it."""

    replies: Mapping[str, bytes]
    referral: bytes
    written: tuple[WrittenCommand, ...]


class CommandsBench:
    """Measures on a stack where nothing else runs."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._latencies: dict[str, list[dict[str, Any]]] = {}

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError."""
        async with AsyncExitStack() as exits:
            client = await exits.enter_async_context(self._stack.worker("client"))
            async with self._stack.service("referral", label="all-parts") as service:
                await self._stack.apply_directory(service.ready.grpc)
                sample = await self._sample(client, service.ready.grpc)
                baselines = await self._baselines(client, sample, exits)
                ours = self._load(client, "all_parts", service.ready.grpc, seed_offset=2)
                first = await self._turns({**baselines, "all_parts": ours})
            async with (
                self._stack.service("referral", label="grpc-part", parts="grpc") as service,
                self._stack.service("referral", label="other-parts", parts=_without_grpc()),
            ):
                ours = self._load(client, "grpc_part", service.ready.grpc, seed_offset=3)
                again = {name: baselines[name] for name in ("echo", "statements")}
                second = await self._turns({**again, "grpc_part": ours})
        return self._section(first, second)

    async def _turns(self, measures: Mapping[str, Measure]) -> dict[str, Rounds]:
        self._plan.note(f"{KEY}: {', '.join(measures)}")
        figures = await in_turns(measures, self._plan.turns, self._drained)
        return {
            name: Rounds(key=name, title=_TITLES[name], unit=_UNIT, values=values)
            for name, values in figures.items()
        }

    async def _sample(self, client: Worker, address: str) -> _Sample:
        life = await client.do(
            "one_life", timeout_s=60, address=address, tokens=self._stack.tokens(), seed=self._plan.seed
        )
        calls = life["calls"]
        replies = {call["path"]: bytes.fromhex(call["reply"]) for call in calls}
        first = referral_service_pb2.CreateReferralResponse.FromString(replies[calls[0]["path"]])
        names = [first.referral.name, first.referral.episode]
        written = await written_by(self._stack.dsn("referral"), [call["path"] for call in calls], names)
        return _Sample(replies=replies, referral=referral_in(replies[calls[0]["path"]]), written=written)

    async def _baselines(self, client: Worker, sample: _Sample, exits: AsyncExitStack) -> dict[str, Measure]:
        replies = {path: reply.hex() for path, reply in sample.replies.items()}
        echo = await exits.enter_async_context(self._stack.worker("echo"))
        echo_address = (await echo.do("serve_echo", timeout_s=30, replies=replies))["address"]
        statements = await exits.enter_async_context(self._stack.worker("statements"))
        served = await statements.do(
            "serve_statements",
            timeout_s=30,
            dsn=await self._baseline_database("statements"),
            written=[asdict(each) for each in sample.written],
            replies=replies,
            referral=sample.referral.decode(),
        )
        return {
            "echo": self._load(client, "echo", echo_address, seed_offset=4),
            "statements": self._load(client, "statements", served["address"], seed_offset=5),
            "pgbench": await self._pgbench(sample),
        }

    async def _baseline_database(self, name: str) -> str:
        """A database with the service's own tables and indexes."""
        dsn = await self._stack.new_database(name)
        database = Database(dsn, application_name="tierlink-bench", connections_max=1)
        try:
            await migrate(database, load_migrations("services.shared.eventstore.migrations"))
        finally:
            await database.close()
        return dsn

    async def _pgbench(self, sample: _Sample) -> Measure:
        dsn = await self._baseline_database("pgbench")
        program = self._stack.servers.postgres.bin_folder / "pgbench"
        file = self._stack.folder / "life.sql"
        await asyncio.to_thread(_write, file, script(sample.written))
        plan = self._plan

        async def measure() -> float:
            lives = await lives_per_second(program, dsn, file, clients=plan.concurrency, seconds=plan.seconds)
            return lives * len(sample.written)

        return measure

    def _load(self, client: Worker, name: str, address: str, *, seed_offset: int) -> Measure:
        plan, tokens = self._plan, self._stack.tokens()

        async def measure() -> float:
            found = await client.do(
                "load",
                timeout_s=plan.round_timeout_s(),
                address=address,
                tokens=tokens,
                concurrency=plan.concurrency,
                seconds=plan.seconds,
                # Every server gets requests of its own: a repeated one would be answered without work.
                seed=plan.seed * 100 + seed_offset,
            )
            self._latencies.setdefault(name, []).append(found)
            return float(found["per_second"])

        return measure

    async def _drained(self) -> None:
        """Waits until the relay has published what a round left behind."""
        connection = await asyncpg.connect(self._stack.dsn("referral"))
        try:
            deadline_s = time.monotonic() + _DRAIN_TIMEOUT_S
            while await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
                if time.monotonic() > deadline_s:
                    raise BenchFailed("the relay did not empty the outbox between two rounds")
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    def _section(self, first: Mapping[str, Rounds], second: Mapping[str, Rounds]) -> Section:
        ratios = [
            Ratio(ours=first["all_parts"], baseline=first["echo"], at_least=ECHO_AT_LEAST),
            Ratio(ours=first["all_parts"], baseline=first["statements"], at_least=STATEMENTS_AT_LEAST),
            Ratio(ours=first["all_parts"], baseline=first["pgbench"]),
            Ratio(ours=second["grpc_part"], baseline=second["echo"], at_least=ECHO_AT_LEAST),
            Ratio(ours=second["grpc_part"], baseline=second["statements"], at_least=STATEMENTS_AT_LEAST),
        ]
        readings = [
            Reading(
                key=f"{name}_latency_ms_{which}",
                title=BilingualText(zh=f"{_TITLES[name].zh} {which}", en=f"{_TITLES[name].en}, {which}"),
                unit="ms",
                value=middle([found[f"latency_ms_{which}"] for found in self._latencies[name][1:]]),
            )
            for name in ("echo", "all_parts", "grpc_part")
            for which in ("p50", "p99")
        ]
        title = BilingualText(zh="每秒命令数", en="Commands a second")
        return Section(key=KEY, title=title, ratios=tuple(ratios), readings=tuple(readings))


def _without_grpc() -> str:
    return ",".join(part for part in ALL_PARTS.split(",") if part != "grpc")


def _write(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")
