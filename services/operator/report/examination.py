"""The doctor's report: lines for a terminal, or one document."""

from typing import Any

from rich.console import Console
from rich.text import Text

from services.operator.doctor.verdict import Level, Line, worst
from services.operator.texts import Language, say, shown, text

_STYLES = {Level.GREEN: "green", Level.YELLOW: "yellow", Level.RED: "bold red"}
_MARKS = {Level.GREEN: "✓", Level.YELLOW: "!", Level.RED: "✗"}


def print_examination(console: Console, language: Language, lines: tuple[Line, ...]) -> None:
    """A line for each thing that was looked at; below it, where it is not green, what to do."""
    for line in lines:
        mark = Text(f"{_MARKS[line.level]} ", style=_STYLES[line.level])
        where = " ".join(part for part in (line.area, line.subject) if part)
        said = shown(text(f"doctor.{line.finding}", **line.values), language)
        console.print(mark.append(f"{where}: {said}"), soft_wrap=True)
        if line.level is not Level.GREEN:
            advice = shown(text(f"doctor.{line.finding}.do", **line.values), language)
            console.print(Text(f"    → {advice}"), soft_wrap=True)
    faults = [line for line in lines if line.level is not Level.GREEN]
    level = worst(lines)
    if faults:
        reds = sum(line.level is Level.RED for line in faults)
        verdict = say("doctor.not_all_green", language, red=reds, yellow=len(faults) - reds)
    else:
        verdict = say("doctor.all_green", language, count=len(lines))
    console.print(Text(verdict, style=_STYLES[level]))


def examination_document(lines: tuple[Line, ...]) -> dict[str, Any]:
    """The same as one document, in both languages."""
    return {"level": worst(lines).value, "lines": [_document(line) for line in lines]}


def _document(line: Line) -> dict[str, Any]:
    said = text(f"doctor.{line.finding}", **line.values)
    found: dict[str, Any] = {
        "level": line.level.value,
        "area": line.area,
        "subject": line.subject,
        "finding": line.finding.value,
        "values": dict(line.values),
        "text": {"zh": said.zh, "en": said.en},
    }
    if line.level is not Level.GREEN:
        advice = text(f"doctor.{line.finding}.do", **line.values)
        found["to_do"] = {"zh": advice.zh, "en": advice.en}
    return found
