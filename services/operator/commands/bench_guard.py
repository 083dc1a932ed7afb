"""`tierlink bench-guard`: fails when a ratio has fallen by a third against the one that is kept."""

import asyncio
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.operator.bench.figures import Section
from services.operator.bench.guarding import Verdict, judged, keep, kept_document, read_kept
from services.operator.bench.machine import this_machine
from services.operator.bench.plan import Plan
from services.operator.bench.run import Bench, run_benches
from services.operator.bench.worker_process import BenchFailed
from services.operator.commands.bench import EXPECTED, SecondsOption, TurnsOption
from services.operator.commands.call_causes import call_cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption
from services.operator.commands.stopping import stopped_by_signals
from services.operator.rpc.values import rfc3339
from services.operator.texts import Language, say
from services.shared.telemetry.logging import LogSettings, configure_logging

#: In the order of the file; by the clock they would say more of the neighbours than of us.
GUARDED = (Bench.COST,)
KEPT = Path(__file__).parent.parent / "bench" / "kept_ratios.json"
#: Measurements before a fall is one.
_TRIES = 2

KeptOption = Annotated[
    Path, typer.Option("--kept", help="保存的比值 · the ratios that are kept", show_default=False)
]
KeepOption = Annotated[
    bool, typer.Option("--keep", help="改为保存此次的比值 · keep those of this run instead of judging")
]


def bench_guard(
    *,
    kept: KeptOption = KEPT,
    keep_these: KeepOption = False,
    seconds: SecondsOption = 1.0,
    turns: TurnsOption = 5,
    lang: LanguageOption = Language.BOTH,
) -> None:
    """性能比值与保存者比较，跌三分之一即失败 · Fails when a ratio fell by a third.

    0 未跌 · none fell；1 跌了 · one fell；2 无法测量 · impossible.
    """
    console = Console(stderr=True)
    configure_logging(LogSettings(service="bench", level="WARNING"))
    plan = Plan(
        seconds=seconds, turns=turns, note=lambda note: console.print(note, style="dim", highlight=False)
    )
    try:
        if keep_these:
            _keep(kept, plan)
            return
        verdicts = _judged(kept, plan)
    except EXPECTED as error:
        give_up(call_cause(error, lang))
    except (asyncio.CancelledError, KeyboardInterrupt):
        give_up(say("demo.interrupted", lang), Exit.INTERRUPTED)
    for verdict in verdicts:
        sys.stdout.write(f"{line(verdict)}\n")
    if any(verdict.has_fallen for verdict in verdicts):
        raise typer.Exit(int(Exit.FINDINGS))


def line(verdict: Verdict) -> str:
    """A verdict, for people and for `grep`."""
    found = "not measured" if verdict.found is None else f"{verdict.found:.3f}"
    said = "FELL" if verdict.has_fallen else "holds"
    kept = verdict.kept
    return (
        f"{kept.section} {kept.name}: {found}, kept {kept.median:.3f} "
        f"({kept.lowest:.3f} to {kept.highest:.3f}), least {kept.least:.3f}: {said}"
    )


def _judged(file: Path, plan: Plan) -> tuple[Verdict, ...]:
    kept = read_kept(file)
    sections: list[Section] = []
    for _ in range(_TRIES):
        sections.extend(_measured(plan))
        verdicts = judged(kept, sections)
        if not any(verdict.has_fallen for verdict in verdicts):
            break
    return verdicts


def _keep(file: Path, plan: Plan) -> None:
    machine, made_at = this_machine(), rfc3339(datetime.now(UTC))
    document = kept_document(keep(_measured(plan)), machine, plan, made_at)
    try:
        file.write_text(f"{json.dumps(document, ensure_ascii=False, indent=2)}\n", "utf-8")
    except OSError as error:
        raise BenchFailed(str(error)) from error


def _measured(plan: Plan) -> tuple[Section, ...]:
    async def measure() -> tuple[Section, ...]:
        with stopped_by_signals():
            return await run_benches(GUARDED, plan)

    return asyncio.run(measure())
