"""The same figures with ever more referrals in the store: what grows with them, and what must not."""

from dataclasses import dataclass, replace
from functools import partial

import asyncpg

from services.operator.bench.command_load import CommandLoad
from services.operator.bench.draining import drained
from services.operator.bench.figures import Curve, Ratio, Reading, Rounds, Section
from services.operator.bench.latencies import Latencies
from services.operator.bench.memory_log import resident
from services.operator.bench.plan import Plan
from services.operator.bench.reading_bench import ReadingBench
from services.operator.bench.stack import BenchStack
from services.operator.bench.statistics import middle
from services.operator.bench.together import together
from services.operator.bench.turns import in_turns
from services.shared.kernel.text import BilingualText

KEY = "growth"
_TABLES = """
SELECT c.relname AS name, pg_total_relation_size(c.oid) AS size
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY 2 DESC LIMIT 5
"""
_MIB = 1024 * 1024
#: What is shown of each size: title and unit.
_FIGURES = {
    "commands": (BilingualText(zh="每秒命令数", en="commands a second"), "/s"),
    "command_p99": (BilingualText(zh="命令 p99", en="a command, p99"), "ms"),
    "get_p99": (BilingualText(zh="GetReferral p99", en="GetReferral, p99"), "ms"),
    "list_p99": (BilingualText(zh="列表 p99", en="a list, p99"), "ms"),
    "database": (BilingualText(zh="数据库", en="the database"), "MiB"),
    "peak": (BilingualText(zh="转诊服务内存峰值", en="the service's memory at its most"), "MiB"),
}


@dataclass(frozen=True, kw_only=True)
class _Size:
    """What was found with so many referrals."""

    referrals: int
    ratio: Ratio
    #: by the keys of `_FIGURES`
    figures: dict[str, float]
    #: MiB of the largest tables with their indexes
    tables: dict[str, float]


class GrowthBench:
    """A store of its own for each size, filled as the reading bench fills it."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, CallFailed, grpc.aio.AioRpcError."""
        sizes = [await self._measure_with(referrals) for referrals in self._plan.growth]
        readings = [
            Reading(
                key=f"{size.referrals}_{key}",
                title=BilingualText(
                    zh=f"{size.referrals:,} 份转诊：{title.zh}",
                    en=f"{size.referrals:,} referrals: {title.en}",
                ),
                unit=unit,
                value=size.figures[key],
            )
            for size in sizes
            for key, (title, unit) in _FIGURES.items()
            if key in size.figures
        ]
        readings.extend(_tables(size) for size in sizes)
        curves = [
            Curve(
                key=key,
                title=title,
                unit=unit,
                over="referrals",
                points=tuple((float(size.referrals), size.figures[key]) for size in sizes),
            )
            for key, (title, unit) in _FIGURES.items()
            if all(key in size.figures for size in sizes)
        ]
        return Section(
            key=KEY,
            title=BilingualText(zh="随转诊数增长", en="With ever more referrals"),
            ratios=tuple(size.ratio for size in sizes),
            readings=tuple(readings),
            curves=tuple(curves),
        )

    async def _measure_with(self, referrals: int) -> _Size:
        plan = replace(self._plan, referrals=referrals)
        label = f"{KEY}-{referrals}"
        dsn = await self._stack.new_database(f"{KEY}_{referrals}")
        # Without deadlines: those of the referrals that are written at once have long been due.
        async with (
            together(self._stack.worker("client"), self._stack.worker("echo")) as (client, echo),
            self._stack.service("referral", label=label, dsn=dsn, parts="grpc,relay") as service,
        ):
            address = service.ready.grpc
            reading = ReadingBench(self._stack, plan)
            filled = await reading.fill(address, dsn)
            latencies = Latencies(plan.turns)
            load = CommandLoad(stack=self._stack, plan=plan, client=client, label=label)
            echo_address = await load.echo_of(echo, address)
            plan.note(f"{KEY}: echo, commands, get, list")
            timed = {
                "echo": partial(load.commands, echo_address, "echo"),
                "commands": partial(load.commands, address, "commands"),
                **{case.key: partial(reading.time, client, address, case) for case in reading.usual(filled)},
            }
            figures = await in_turns(
                {key: latencies.measure(key, each) for key, each in timed.items()},
                plan.turns,
                partial(drained, [dsn]),
            )
            tables = await _table_sizes(dsn)
            memory = resident(label, service.pid)
        found = {
            "commands": middle(figures["commands"]),
            "command_p99": latencies.middle_of("commands", "latency_ms_p99"),
            "get_p99": latencies.middle_of("get", "latency_ms_p99"),
            "list_p99": latencies.middle_of("list", "latency_ms_p99"),
            "database": tables.pop("database"),
        }
        if memory is not None and memory.peak_mib is not None:
            found["peak"] = memory.peak_mib
        return _Size(referrals=referrals, ratio=_ratio(referrals, figures), figures=found, tables=tables)


def _ratio(referrals: int, figures: dict[str, tuple[float, ...]]) -> Ratio:
    ours = BilingualText(zh=f"{referrals:,} 份转诊时的命令", en=f"commands with {referrals:,} referrals")
    echo = BilingualText(zh="空 gRPC 回显", en="bare grpc.aio echo")
    return Ratio(
        ours=Rounds(key=f"commands_{referrals}", title=ours, unit="/s", values=figures["commands"]),
        baseline=Rounds(key="echo", title=echo, unit="/s", values=figures["echo"]),
    )


def _tables(size: _Size) -> Reading:
    shown = ", ".join(f"{name} {mib:,.0f}" for name, mib in size.tables.items())
    return Reading(
        key=f"{size.referrals}_largest_tables",
        title=BilingualText(
            zh=f"{size.referrals:,} 份转诊：最大的表（{shown}）",
            en=f"{size.referrals:,} referrals: tables ({shown})",
        ),
        unit="MiB",
        value=sum(size.tables.values()),
    )


async def _table_sizes(dsn: str) -> dict[str, float]:
    """MiB of the largest tables with their indexes, and of `database` as a whole."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(_TABLES)
        whole = await connection.fetchval("SELECT pg_database_size(current_database())")
    finally:
        await connection.close()
    return {**{row["name"]: row["size"] / _MIB for row in rows}, "database": whole / _MIB}
