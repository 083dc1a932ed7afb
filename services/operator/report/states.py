"""What a folding anew came to, as one document and as lines."""

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from services.operator.refolding.running import Refolded
from services.operator.texts import Language, say

#: Prints a text of the catalogue: its key, a style, and what stands in it.
_Line = Callable[..., None]

#: Kafka has deleted events that a fold begins with.
_GONE = "RECORDS_GONE"
_STYLES = {"MISSING": "red", "EXTRA": "yellow", "ALTERED": "bold red"}


def state_document(ended: Refolded) -> dict[str, Any]:
    """For programs."""
    return _document(ended, _reason(ended, Language.BOTH))


def trial_document(ended: Refolded) -> dict[str, Any]:
    """What was folded in memory, for programs."""
    return _document(ended, _trial_reason(ended, Language.BOTH))


def _document(ended: Refolded, reason: str) -> dict[str, Any]:
    if ended.verdict is None:
        return {"same": None, "why": ended.why, "reason": reason}
    return dict(ended.verdict)


def print_state(console: Console, language: Language, service: str, ended: Refolded) -> None:
    """For people."""
    line = _lines(console, language)
    found = _print_folded(line, service, ended, _reason(ended, language))
    if found is None:
        return
    for each in found["differences"]:
        kind = each["kind"]
        text = Text(f"{say(f'state.{kind}', language)}  ", style=_STYLES[kind])
        text.append(f"{each['table']} {each['key']}", style="default")
        text.append(f"  {', '.join(each['columns'])}", style="dim")
        console.print(text, soft_wrap=True)
    _print_faults(line, found)
    if found["outdated"]:
        line("state.outdated", "yellow", count=found["outdated"])
    rows = ", ".join(f"{table} {count}" for table, count in found["rows"].items())
    if found["same"]:
        line("state.same", "green", service=service, rows=rows)
        return
    counts = {kind.lower(): found["counts"].get(kind, 0) for kind in _STYLES}
    line("state.differs", "bold", service=service, faults=found["faults_count"], rows=rows, **counts)


def print_trial(console: Console, language: Language, service: str, ended: Refolded) -> None:
    """What was folded in memory, for people."""
    line = _lines(console, language)
    found = _print_folded(line, service, ended, _trial_reason(ended, language))
    if found is None:
        return
    _print_faults(line, found)
    if found["left_alone"]:
        line("state.left_alone", "yellow", count=found["left_alone"])
    key, style = ("state.all_folded", "green") if found["same"] else ("state.not_all_folded", "bold")
    line(key, style, service=service, aggregates=found["aggregates"], faults=found["faults_count"])


def _lines(console: Console, language: Language) -> _Line:
    def line(key: str, style: str = "", **values: object) -> None:
        console.print(Text(say(key, language, **values), style=style), soft_wrap=True)

    return line


def _print_folded(line: _Line, service: str, ended: Refolded, reason: str) -> Mapping[str, Any] | None:
    """What was found; None where it was impossible, for a reason."""
    found = ended.verdict
    if found is None:
        line("state.impossible", "red", service=service, reason=reason)
        return None
    took_s = max(found["fold_s"], 0.001)
    line(
        "state.folded",
        service=service,
        events=found["read"],
        seconds=f"{took_s:.1f}",
        rate=f"{found['read'] / took_s:,.0f}",
    )
    return found


def _print_faults(line: _Line, found: Mapping[str, Any]) -> None:
    for fault in found["faults"]:
        line("state.fault", "red", fault=fault)


def _reason(ended: Refolded, language: Language) -> str:
    return say(f"state.cannot.{ended.why}", language, reason=ended.reason) if ended.why else ended.reason


def _trial_reason(ended: Refolded, language: Language) -> str:
    return say("state.trial_gone", language, reason=ended.reason) if ended.why == _GONE else ended.reason
