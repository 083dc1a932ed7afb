"""`tierlink bench`: measures the platform, each figure beside its baseline in the same run."""

import asyncio
import re
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import grpc
import typer
from rich.console import Console

from services.embedded import EmbeddedError
from services.operator.bench.figures import Section
from services.operator.bench.machine import this_machine
from services.operator.bench.page.page import page as make_page
from services.operator.bench.plan import Plan
from services.operator.bench.report import Report, document, print_report, shortfall_lines
from services.operator.bench.run import Bench, run_benches
from services.operator.bench.worker_process import BenchFailed
from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption, Output, OutputOption
from services.operator.commands.stopping import stopped_by_signals
from services.operator.platform.errors import PlatformError
from services.operator.report.json_document import print_json
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say
from services.shared.kernel.refusals import DependencyDown
from services.shared.telemetry.logging import LogSettings, configure_logging

EXPECTED = (
    BenchFailed,
    CallFailed,
    DependencyDown,
    EmbeddedError,
    PlatformError,
    grpc.aio.AioRpcError,
    OSError,
)


_GROWTH_LEAST, _GROWTH_MOST = 200, 5_000_000

SecondsOption = Annotated[
    float, typer.Option("--seconds", min=0.1, max=60, help="每轮秒数 · seconds of one round")
]
TurnsOption = Annotated[int, typer.Option("--turns", min=1, max=50, help="轮数 · rounds of each, in turns")]
OnlyOption = Annotated[
    list[Bench] | None, typer.Option("--only", help="只测这些，可多次 · these alone, repeatable")
]
ProcessesOption = Annotated[
    int,
    typer.Option(
        "--processes", min=2, max=16, help="processes 基准中同一端口的进程数 · processes that share a port"
    ),
]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="随机种子 · seed")]
FacilitiesOption = Annotated[
    int,
    typer.Option(
        "--facilities",
        min=50,
        max=5_000,
        help="availability 基准的机构数，每家百床 · facilities of availability, a hundred beds each",
    ),
]
ReferralsOption = Annotated[
    int,
    typer.Option(
        "--referrals",
        min=200,
        max=5_000_000,
        help="reading 基准先写入的转诊数 · referrals written before reading is timed",
    ),
]
AlertsOption = Annotated[
    int,
    typer.Option(
        "--alerts",
        min=10,
        max=100_000,
        help="escalation 基准中同时到期的提醒数 · alerts due at once in the escalation bench",
    ),
]
AlertRateOption = Annotated[
    float,
    typer.Option(
        "--alerts-per-second",
        min=1,
        max=1_000,
        help="alerts 基准每秒的命令数 · commands a second while alerts are timed",
    ),
]
BoardsOption = Annotated[
    int,
    typer.Option(
        "--boards", min=1, max=2_000, help="boards 基准的提醒屏数 · boards while their alerts are timed"
    ),
]
ProvincesOption = Annotated[
    float,
    typer.Option(
        "--provinces",
        min=0.1,
        max=1_000,
        help="province 基准中同时处于忙时的省数 · provinces whose busiest hours are played at once",
    ),
]
GrowthOption = Annotated[
    str,
    typer.Option(
        "--growth", help="growth 基准的转诊数，如 10k,100k,1M · sizes of the store, such as 10k,100k,1M"
    ),
]
PageOption = Annotated[
    Path | None,
    typer.Option("--page", help="另写一个自足的网页 · write a page of its own too", show_default=False),
]
CheckOption = Annotated[
    bool, typer.Option("--check", help="与承诺比较，不足则以 1 结束 · exit 1 when a promise does not hold")
]


def bench(
    *,
    output: OutputOption = Output.TEXT,
    seconds: SecondsOption = 3.0,
    turns: TurnsOption = 5,
    only: OnlyOption = None,
    processes: ProcessesOption = 2,
    seed: SeedOption = 1,
    facilities: FacilitiesOption = 1_000,
    referrals: ReferralsOption = 20_000,
    growth: GrowthOption = "10k,100k",
    alerts: AlertsOption = 10_000,
    alerts_per_second: AlertRateOption = 50.0,
    boards: BoardsOption = 500,
    provinces: ProvincesOption = 20.0,
    check: CheckOption = False,
    page: PageOption = None,
    lang: LanguageOption = Language.BOTH,
) -> None:
    """性能基准，各指标与其基线同场测量 · Benchmarks, each figure beside its baseline.

    0 已测 · measured；1 --check 未达标 · fell short；2 无法测量 · impossible.
    """
    wanted = [each for each in Bench if only is None or each in only]
    # With --output json nothing but the document goes to standard output.
    console = Console(stderr=output is Output.JSON)
    begun_at, machine = datetime.now(UTC), this_machine()
    plan = Plan(
        seconds=seconds,
        turns=turns,
        processes=processes,
        seed=seed,
        facilities=facilities,
        alert_rate=alerts_per_second,
        alert_seconds=max(2.0, min(20.0, seconds * 7)),
        referrals=referrals,
        growth=growth_sizes(growth),
        alerts=alerts,
        boards=boards,
        board_alerts=max(2, min(10, int(seconds * 4))),
        provinces=provinces,
        province_seconds=max(1.0, min(10.0, seconds * 4)),
        records=max(1_000, min(20_000, int(seconds * 7_000))),
        note=lambda note: console.print(note, style="dim", highlight=False),
    )
    configure_logging(LogSettings(service="bench", level="WARNING"))
    try:
        sections = asyncio.run(_measure(wanted, plan))
    except EXPECTED as error:
        give_up(call_cause(error, lang))
    except (asyncio.CancelledError, KeyboardInterrupt):
        give_up(say("demo.interrupted", lang), Exit.INTERRUPTED)
    report = Report(
        machine=machine,
        command=shlex.join(["tierlink", *sys.argv[1:]]),
        begun_at=begun_at,
        plan=plan,
        sections=sections,
    )
    if output is Output.JSON:
        print_json(document(report))
    else:
        print_report(report, console, lang)
    if page is not None:
        _write_page(page, report, lang)
    if check:
        _check(sections)


async def _measure(wanted: list[Bench], plan: Plan) -> tuple[Section, ...]:
    with stopped_by_signals():
        return await run_benches(wanted, plan)


def growth_sizes(given: str) -> tuple[int, ...]:
    """Such as `10k,100k,1M`, ascending. Raises typer.BadParameter."""
    found = re.fullmatch(r"\d+[kM]?(,\d+[kM]?)*", given)
    sizes = [
        int(each.rstrip("kM")) * {"k": 1_000, "M": 1_000_000}.get(each[-1], 1)
        for each in (given.split(",") if found else ())
    ]
    if not sizes or min(sizes) < _GROWTH_LEAST or max(sizes) > _GROWTH_MOST or sorted(set(sizes)) != sizes:
        raise typer.BadParameter(
            f"--growth {given}: {_GROWTH_LEAST} 至 {_GROWTH_MOST}，递增 · ascending, such as 10k,100k,1M"
        )
    return tuple(sizes)


def _write_page(file: Path, report: Report, lang: Language) -> None:
    try:
        file.write_text(make_page(document(report), "en" if lang is Language.EN else "zh"), "utf-8")
    except OSError as error:
        give_up(str(error))


def _check(sections: tuple[Section, ...]) -> None:
    lines = shortfall_lines(sections)
    for line in lines:
        sys.stderr.write(f"tierlink: {line}\n")
    if lines:
        raise typer.Exit(int(Exit.FINDINGS))
