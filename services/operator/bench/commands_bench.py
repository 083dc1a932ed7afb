"""Commands a second through gRPC, beside a bare echo, pgbench, and four statements in a transaction."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from services.operator.bench.command_load import CommandLoad, serve_echo
from services.operator.bench.draining import drained
from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.latencies import Latencies
from services.operator.bench.pgbench import lives_per_second, script
from services.operator.bench.plan import Plan
from services.operator.bench.processor import processor_seconds
from services.operator.bench.rows import WrittenCommand, written_by
from services.operator.bench.stack import ALL_PARTS, BenchStack
from services.operator.bench.together import together
from services.operator.bench.turns import Measure, in_turns
from services.operator.platform.service_process import ServiceProcess
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
        self._latencies = Latencies(plan.turns)
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
                load = CommandLoad(stack=self._stack, plan=self._plan, client=client, label=KEY)
                sample = await self._sample(load, service.ready.grpc)
                echo_address = await serve_echo(echo, sample.replies)
                first = await self._turns(
                    {
                        "echo": self._timed("echo", echo.pid, partial(load.commands, echo_address, "echo")),
                        "statements": self._commands(load, "statements", statements.ready.grpc),
                        "pgbench": await self._pgbench(sample),
                        **self._of_service(load, service),
                    }
                )
            second = await self._measure_apart(load, echo_address, statements_dsn)
        return self._section(first, second)

    async def _measure_apart(self, load: CommandLoad, echo_address: str, dsn: str) -> dict[str, Rounds]:
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
                    # Its latencies are told of the first turns.
                    "echo": self._commands(load, "echo_apart", echo_address),
                    "statements_apart": self._commands(load, "statements_apart", statements.ready.grpc),
                    "grpc_part": self._commands(load, "grpc_part", service.ready.grpc),
                }
            )

    async def _turns(self, measures: Mapping[str, Measure]) -> dict[str, Rounds]:
        self._plan.note(f"{KEY}: {', '.join(measures)}")
        figures = await in_turns(measures, self._plan.turns, self._drained)
        return {
            name: Rounds(key=name, title=_TITLES[name], unit=_UNIT, values=values)
            for name, values in figures.items()
        }

    async def _sample(self, load: CommandLoad, address: str) -> _Sample:
        replies = await load.one_life(address)
        first = referral_service_pb2.CreateReferralResponse.FromString(next(iter(replies.values())))
        names = [first.referral.name, first.referral.episode]
        return _Sample(
            replies=replies, written=await written_by(self._stack.dsn("referral"), list(replies), names)
        )

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

    def _of_service(self, load: CommandLoad, service: ServiceProcess) -> dict[str, Measure]:
        address, pid = service.ready.grpc, service.pid
        return {
            "all_parts": self._timed("all_parts", pid, partial(load.commands, address, "all_parts")),
            "batched": self._timed("batched", pid, partial(load.batches, address, "batched", is_brief=False)),
            "brief": self._timed("brief", pid, partial(load.batches, address, "brief", is_brief=True)),
        }

    def _commands(self, load: CommandLoad, name: str, address: str) -> Measure:
        return self._latencies.measure(name, partial(load.commands, address, name))

    def _timed(self, name: str, pid: int, timed: Callable[[], Awaitable[dict[str, Any]]]) -> Measure:
        """Also notes what the process took of the processor for each command."""

        async def with_processor() -> dict[str, Any]:
            before_s = processor_seconds([pid])
            found = await timed()
            taken_us = (processor_seconds([pid]) - before_s) * 1e6 / found["answered"]
            return {**found, "processor_us": taken_us}

        return self._latencies.measure(name, with_processor)

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
        told = {name: _TITLES[name] for name in ("echo", "all_parts", "batched", "brief", "grpc_part")}
        readings = self._latencies.readings(told, {}, named="latency_ms")
        readings.extend(
            Reading(
                key=f"{name}_processor_us",
                title=BilingualText(
                    zh=f"{_TITLES[name].zh}：每命令处理器时间", en=f"{_TITLES[name].en}, processor a command"
                ),
                unit="µs",
                value=self._latencies.middle_of(name, "processor_us"),
            )
            for name in ("echo", "all_parts", "batched", "brief")
        )
        title = BilingualText(zh="每秒命令数", en="Commands a second")
        # Those of batches are of whole calls, and have none.
        curves = self._latencies.curves(told)
        return Section(key=KEY, title=title, ratios=tuple(ratios), readings=tuple(readings), curves=curves)


def _without_grpc() -> str:
    return ",".join(part for part in ALL_PARTS.split(",") if part != "grpc")


def _write(file: Path, content: str) -> None:
    file.write_text(content, "utf-8")
