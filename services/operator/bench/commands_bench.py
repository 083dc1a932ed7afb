"""Commands a second through gRPC, beside a bare echo, pgbench, and four statements in a transaction."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.operator.bench.draining import drained
from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.latencies import latency_curve
from services.operator.bench.pgbench import lives_per_second, script
from services.operator.bench.plan import Plan
from services.operator.bench.processor import processor_s
from services.operator.bench.rows import WrittenCommand, written_by
from services.operator.bench.stack import ALL_PARTS, BenchStack
from services.operator.bench.statistics import middle
from services.operator.bench.together import together
from services.operator.bench.turns import Measure, in_turns
from services.operator.bench.worker_process import Worker
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
    "statements": BilingualText(zh="同一服务，每命令四条语句", en="the same, four statements a command"),
    "statements_apart": BilingualText(
        zh="同一服务，每命令四条语句", en="the same, four statements a command"
    ),
    "pgbench": BilingualText(zh="pgbench 同样的行", en="pgbench, the same rows"),
    "all_parts": BilingualText(
        zh="转诊服务，单进程全部职责", en="referral service, all parts in one process"
    ),
    "batched": BilingualText(zh="同一服务，批量提交", en="the same, in batches"),
    "brief": BilingualText(zh="同一服务，批量提交，不要回复", en="the same, in batches without replies"),
    "grpc_part": BilingualText(
        zh="转诊服务，gRPC 单独一进程", en="referral service, gRPC in a process alone"
    ),
}


@dataclass(frozen=True, kw_only=True)
class _Sample:
    """One life as the service answered and wrote it."""

    replies: Mapping[str, bytes]
    written: tuple[WrittenCommand, ...]


class CommandsBench:
    """Measures on a stack where nothing else runs."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._latencies: dict[str, list[dict[str, Any]]] = {}
        self._processor_us: dict[str, list[float]] = {}
        self._dsns = [stack.dsn("referral")]

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError."""
        async with AsyncExitStack() as exits:
            workers = together(self._stack.worker("client"), self._stack.worker("echo"))
            client, echo = await exits.enter_async_context(workers)
            statements_dsn = await self._stack.new_database("statements")
            self._dsns.append(statements_dsn)
            async with together(
                self._stack.service("referral", label="all-parts"),
                self._stack.service(
                    "referral", label="four-statements", dsn=statements_dsn, is_baseline=True
                ),
            ) as (service, statements):
                for each in (service, statements):
                    await self._stack.apply_directory(each.ready.grpc)
                sample = await self._sample(client, service.ready.grpc)
                replies = {path: reply.hex() for path, reply in sample.replies.items()}
                echo_address = (await echo.do("serve_echo", timeout_s=30, replies=replies))["address"]
                first = await self._turns(
                    {
                        "echo": self._timed("echo", echo.pid, self._load(client, "echo", echo_address)),
                        "statements": self._load(client, "statements", statements.ready.grpc),
                        "pgbench": await self._pgbench(sample),
                        "all_parts": self._timed(
                            "all_parts", service.pid, self._load(client, "all_parts", service.ready.grpc)
                        ),
                        "batched": self._timed(
                            "batched", service.pid, self._load_batches(client, "batched", service.ready.grpc)
                        ),
                        "brief": self._timed(
                            "brief", service.pid, self._load_batches(client, "brief", service.ready.grpc)
                        ),
                    }
                )
            second = await self._measure_apart(client, echo_address, statements_dsn)
        return self._section(first, second)

    async def _measure_apart(self, client: Worker, echo_address: str, dsn: str) -> dict[str, Rounds]:
        """The same with gRPC in a process of its own, and all else in another one."""
        rest = _without_grpc()
        async with together(
            self._stack.service("referral", label="grpc-part", parts="grpc"),
            self._stack.service("referral", label="four-grpc-part", parts="grpc", dsn=dsn, is_baseline=True),
            self._stack.service("referral", label="rest", parts=rest),
            self._stack.service("referral", label="four-rest", parts=rest, dsn=dsn),
        ) as (service, statements, _, _):
            return await self._turns(
                {
                    "echo": self._load(client, "echo", echo_address),
                    "statements_apart": self._load(client, "statements_apart", statements.ready.grpc),
                    "grpc_part": self._load(client, "grpc_part", service.ready.grpc),
                }
            )

    async def _turns(self, measures: Mapping[str, Measure]) -> dict[str, Rounds]:
        self._plan.note(f"{KEY}: {', '.join(measures)}")
        figures = await in_turns(measures, self._plan.turns, self._drained)
        return {
            name: Rounds(key=name, title=_TITLES[name], unit=_UNIT, values=values)
            for name, values in figures.items()
        }

    async def _sample(self, client: Worker, address: str) -> _Sample:
        life = await client.do(
            "one_life",
            timeout_s=60,
            address=address,
            tokens=self._stack.tokens(),
            seed=f"{self._plan.seed}/sample",
        )
        calls = life["calls"]
        replies = {call["path"]: bytes.fromhex(call["reply"]) for call in calls}
        first = referral_service_pb2.CreateReferralResponse.FromString(replies[calls[0]["path"]])
        names = [first.referral.name, first.referral.episode]
        written = await written_by(self._stack.dsn("referral"), [call["path"] for call in calls], names)
        return _Sample(replies=replies, written=written)

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

    def _load(self, client: Worker, name: str, address: str) -> Measure:
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
                seed=f"{plan.seed}/{name}",
            )
            self._latencies.setdefault(name, []).append(found)
            return float(found["per_second"])

        return measure

    def _load_batches(self, client: Worker, name: str, address: str) -> Measure:
        plan, tokens = self._plan, self._stack.tokens()

        async def measure() -> float:
            found = await client.do(
                "load_batches",
                timeout_s=plan.round_timeout_s(),
                address=address,
                tokens=tokens,
                concurrency=plan.batch_callers,
                items=plan.batch_items,
                seconds=plan.seconds,
                is_brief=name == "brief",
                seed=f"{plan.seed}/{name}",
            )
            self._latencies.setdefault(name, []).append(found)
            return float(found["per_second"])

        return measure

    def _timed(self, name: str, pid: int, measure: Measure) -> Measure:
        """Also notes what the process took of the processor for each command."""

        async def timed() -> float:
            before_s = processor_s(pid)
            figure = await measure()
            commands = self._latencies[name][-1]["commands"]
            taken_us = (processor_s(pid) - before_s) * 1e6 / max(commands, 1)
            self._processor_us.setdefault(name, []).append(taken_us)
            return figure

        return timed

    async def _drained(self) -> None:
        await drained(self._dsns)

    def _section(self, first: Mapping[str, Rounds], second: Mapping[str, Rounds]) -> Section:
        ratios = [
            Ratio(ours=first["all_parts"], baseline=first["echo"], at_least=ECHO_AT_LEAST),
            Ratio(ours=first["all_parts"], baseline=first["statements"], at_least=STATEMENTS_AT_LEAST),
            Ratio(ours=first["all_parts"], baseline=first["pgbench"]),
            Ratio(ours=first["batched"], baseline=first["echo"], at_least=ECHO_AT_LEAST),
            Ratio(ours=first["batched"], baseline=first["all_parts"]),
            Ratio(ours=first["brief"], baseline=first["echo"]),
            Ratio(ours=second["grpc_part"], baseline=second["echo"], at_least=ECHO_AT_LEAST),
            Ratio(
                ours=second["grpc_part"],
                baseline=second["statements_apart"],
                at_least=STATEMENTS_AT_LEAST,
            ),
        ]
        readings = [
            Reading(
                key=f"{name}_latency_ms_{which}",
                title=BilingualText(zh=f"{_TITLES[name].zh} {which}", en=f"{_TITLES[name].en}, {which}"),
                unit="ms",
                value=middle([found[f"latency_ms_{which}"] for found in self._latencies[name][1:]]),
            )
            for name in ("echo", "all_parts", "batched", "brief", "grpc_part")
            for which in ("p50", "p99")
        ]
        readings.extend(
            Reading(
                key=f"{name}_processor_us",
                title=BilingualText(
                    zh=f"{_TITLES[name].zh}：每命令处理器时间", en=f"{_TITLES[name].en}, processor a command"
                ),
                unit="µs",
                value=middle(found[1:]),
            )
            for name, found in self._processor_us.items()
        )
        title = BilingualText(zh="每秒命令数", en="Commands a second")
        curves = tuple(
            latency_curve(name, _TITLES[name], self._latencies[name][1:])
            for name in ("echo", "all_parts", "grpc_part")
        )
        return Section(key=KEY, title=title, ratios=tuple(ratios), readings=tuple(readings), curves=curves)


def _without_grpc() -> str:
    return ",".join(part for part in ALL_PARTS.split(",") if part != "grpc")


def _write(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")
