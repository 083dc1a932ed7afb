"""What a run found, as one document and as tables."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.operator.bench.figures import ProcessMemory, Ratio, Reading, Rounds, Section, shortfalls
from services.operator.bench.machine import Machine
from services.operator.bench.plan import Plan
from services.operator.rpc.values import rfc3339
from services.operator.texts import Language, shown
from services.shared.kernel.text import BilingualText

#: What is promised of the document: docs/performance.md. A change that programs stumble over makes another.
SCHEMA = "tierlink.bench/1"

_COLUMNS = {
    "ours": BilingualText(zh="本系统", en="ours"),
    "baseline": BilingualText(zh="基线", en="baseline"),
    "ratio": BilingualText(zh="比值", en="ratio"),
    "turns": BilingualText(zh="各轮", en="by turn"),
    "measured": BilingualText(zh="实测", en="measured"),
    "promised": BilingualText(zh="承诺", en="promised"),
}
_MET = {True: ("✓", "green"), False: ("✗", "bold red")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """One run."""

    machine: Machine
    command: str
    begun_at: datetime
    plan: Plan
    sections: tuple[Section, ...]


def document(report: Report) -> dict[str, Any]:
    """The whole report for programs."""
    plan = report.plan
    return {
        "schema": SCHEMA,
        "command": report.command,
        "begun_at": rfc3339(report.begun_at),
        "machine": asdict(report.machine),
        "terms": {
            "seed": plan.seed,
            "seconds": plan.seconds,
            "turns": plan.turns,
            "concurrency": plan.concurrency,
            "batch_items": plan.batch_items,
            "processes": plan.processes,
            "batch_callers": plan.batch_callers,
            "records": plan.records,
            "facilities": plan.facilities,
            "alert_rate": plan.alert_rate,
            "alert_seconds": plan.alert_seconds,
            "referrals": plan.referrals,
            "alerts": plan.alerts,
            "boards": plan.boards,
            "growth": list(plan.growth),
            "board_alerts": plan.board_alerts,
            "provinces": plan.provinces,
            "province_seconds": plan.province_seconds,
        },
        "sections": [_section(section) for section in report.sections],
        "shortfalls": [asdict(each) for each in shortfalls(report.sections)],
    }


def _section(section: Section) -> dict[str, Any]:
    return {
        "name": section.key,
        "title": _both(section.title),
        "ratios": [
            {
                "name": ratio.key,
                "ours": _rounds(ratio.ours),
                "baseline": _rounds(ratio.baseline),
                "ratio": ratio.median,
                "ratio_by_turn": list(ratio.by_turn),
                "at_least": ratio.at_least,
                "met": ratio.is_met,
            }
            for ratio in section.ratios
        ],
        "readings": [
            {
                "name": reading.key,
                "title": _both(reading.title),
                "value": reading.value,
                "unit": reading.unit,
                "at_most": reading.at_most,
                "at_least": reading.at_least,
                "met": reading.is_met,
            }
            for reading in section.readings
        ],
        "curves": [
            {
                "name": curve.key,
                "title": _both(curve.title),
                "unit": curve.unit,
                "over": curve.over,
                "points": [list(point) for point in curve.points],
            }
            for curve in section.curves
        ],
        "memory": [asdict(each) for each in section.memory],
    }


def _rounds(rounds: Rounds) -> dict[str, Any]:
    return {
        "name": rounds.key,
        "title": _both(rounds.title),
        "unit": rounds.unit,
        "median": rounds.median,
        "values": list(rounds.values),
    }


def _both(text: BilingualText) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def print_report(report: Report, console: Console, language: Language) -> None:
    """The whole report for people."""
    machine, plan = report.machine, report.plan
    console.print(Text(report.command, style="bold"))
    console.print(
        f"{machine.processor}, {machine.cores} cores, load {machine.load}; {machine.system}; "
        f"Python {machine.python}"
    )
    console.print(", ".join(f"{name} {version}" for name, version in machine.packages.items()))
    console.print(
        f"{rfc3339(report.begun_at)}; seed {plan.seed}; {plan.turns} turns of {plan.seconds:g} s; "
        f"{plan.concurrency} callers"
    )
    for section in report.sections:
        console.print()
        console.print(Text(shown(section.title, language), style="bold"))
        if section.ratios:
            console.print(_ratios(section.ratios, language))
        if section.readings:
            console.print(_readings(section.readings, language))
        if section.memory:
            console.print(_memory_line(section.memory), style="dim", highlight=False)


def _memory_line(memory: Sequence[ProcessMemory]) -> str:
    """The processes with what they had and, in brackets, the most that they had."""
    shown = (
        f"{each.process} {each.rss_mib:.0f}" + ("" if each.peak_mib is None else f" ({each.peak_mib:.0f})")
        for each in memory
    )
    return f"MiB: {', '.join(shown)}"


def _ratios(ratios: Sequence[Ratio], language: Language) -> Table:
    table = _table(_say("ours", language))
    for key in ("baseline", "ratio", "turns", "promised"):
        table.add_column(_say(key, language), justify="right")
    for ratio in ratios:
        turns = ratio.by_turn
        table.add_row(
            f"{shown(ratio.ours.title, language)}\n÷ {shown(ratio.baseline.title, language)}",
            _amount(ratio.ours.median, ratio.ours.unit),
            _amount(ratio.baseline.median, ratio.baseline.unit),
            f"{ratio.median:.3g}",
            f"{min(turns):.3g} – {max(turns):.3g}",
            _promise("≥", ratio.at_least, ratio.is_met),
        )
    return table


def _readings(readings: Sequence[Reading], language: Language) -> Table:
    table = _table(_say("measured", language))
    table.add_column(_say("promised", language), justify="right")
    for reading in readings:
        table.add_row(
            shown(reading.title, language),
            _amount(reading.value, reading.unit),
            _bound(reading),
        )
    return table


def _bound(reading: Reading) -> Text:
    if reading.at_least is not None:
        return _promise("≥", reading.at_least, reading.is_met)
    return _promise("≤", reading.at_most, reading.is_met)


def _say(column: str, language: Language) -> str:
    return shown(_COLUMNS[column], language, separator="\n")


def _table(value: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    table.add_column(value, justify="right")
    return table


def _promise(sign: str, bound: float | None, is_met: bool) -> Text:
    if bound is None:
        return Text("")
    mark, style = _MET[is_met]
    return Text(f"{sign} {bound:g} {mark}", style=style)


def _amount(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}".strip()


def shortfall_lines(sections: Sequence[Section]) -> list[str]:
    """A line for each promise that does not hold."""
    return [
        f"{each.section} {each.key}: {each.value:.3g}, promised {each.promised}"
        for each in shortfalls(sections)
    ]
