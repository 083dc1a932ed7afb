"""What a run found, as one document and as tables."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.operator.bench.figures import Ratio, Reading, Rounds, Section, shortfalls
from services.operator.bench.machine import Machine
from services.operator.bench.plan import Plan
from services.operator.rpc.values import rfc3339
from services.operator.texts import Language, shown
from services.shared.kernel.text import BilingualText

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
        "command": report.command,
        "begun_at": rfc3339(report.begun_at),
        "machine": asdict(report.machine),
        "terms": {
            "seed": plan.seed,
            "seconds": plan.seconds,
            "turns": plan.turns,
            "concurrency": plan.concurrency,
            "records": plan.records,
            "alert_rate": plan.alert_rate,
            "alert_seconds": plan.alert_seconds,
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
                "met": reading.is_met,
            }
            for reading in section.readings
        ],
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
        console.print(_table(section, language))


def _table(section: Section, language: Language) -> Table:
    table = Table(title=shown(section.title, language), title_justify="left", title_style="bold")
    table.add_column("")
    for name in ("median", "baseline", "ratio", "turns", "wanted", ""):
        table.add_column(name, justify="right")
    for ratio in section.ratios:
        table.add_row(*_ratio_cells(ratio, language))
    for reading in section.readings:
        table.add_row(*_reading_cells(reading, language))
    return table


def _ratio_cells(ratio: Ratio, language: Language) -> tuple[str | Text, ...]:
    turns = ratio.by_turn
    return (
        f"{shown(ratio.ours.title, language)}\n  ÷ {shown(ratio.baseline.title, language)}",
        _amount(ratio.ours.median, ratio.ours.unit),
        _amount(ratio.baseline.median, ratio.baseline.unit),
        f"{ratio.median:.3g}",
        f"{min(turns):.3g} – {max(turns):.3g}",
        "" if ratio.at_least is None else f"≥ {ratio.at_least:g}",
        "" if ratio.at_least is None else _mark(ratio.is_met),
    )


def _reading_cells(reading: Reading, language: Language) -> tuple[str | Text, ...]:
    return (
        shown(reading.title, language),
        _amount(reading.value, reading.unit),
        "",
        "",
        "",
        "" if reading.at_most is None else f"≤ {reading.at_most:g}",
        "" if reading.at_most is None else _mark(reading.is_met),
    )


def _mark(is_met: bool) -> Text:
    sign, style = _MET[is_met]
    return Text(sign, style=style)


def _amount(value: float, unit: str) -> str:
    number = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    return f"{number}{unit}" if unit.startswith("/") else f"{number} {unit}".strip()


def shortfall_lines(sections: Sequence[Section]) -> list[str]:
    """A line for each promise that does not hold."""
    return [
        f"{each.section} {each.key}: {each.value:.3g}, promised {each.promised}"
        for each in shortfalls(sections)
    ]
