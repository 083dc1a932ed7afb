"""A plan in words."""

from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.text import Text

from services.operator.replay.pacing import Pace
from services.operator.replay.planning import Plan
from services.operator.replay.state_file import ReplayState
from services.operator.texts import Language, say


def print_plan(plan: Plan, console: Console, language: Language) -> None:
    """What would be read, how many, from where to where, and how long it takes."""

    def line(key: str, **values: object) -> None:
        console.print(Text(say(key, language, **values)), soft_wrap=True)

    assignment, found = plan.assignment, plan.survey
    line("replay.from_to", source=assignment.source.bootstrap, target=assignment.target.bootstrap)
    for source, target in assignment.topics.items():
        line("replay.topic", source=source, target=target, count=found.selected.get(source, 0))
    line("replay.selected", read=found.read, selected=found.count, size=decimal(found.selected_bytes))
    if found.first and found.last:
        line("replay.span", first=_shown(found.first), last=_shown(found.last))
    taken_s = assignment.pace.takes_s(found.count, found.span)
    if taken_s is None:
        line("replay.unpaced")
    else:
        line("replay.paced", pace=shown_pace(assignment.pace), takes=timedelta(seconds=round(taken_s)))
    for target, partitions in plan.to_make.items():
        line("replay.to_make", topic=target, partitions=partitions)
    if found.unreadable:
        line("replay.unreadable", count=found.unreadable)
    if found.gaps or found.repeats:
        line("replay.not_in_order", gaps=found.gaps, repeats=found.repeats)


def print_left(state: ReplayState, path: Path, console: Console, language: Language) -> None:
    """What is left of a replay that was cut."""
    assignment = state.assignment
    for key, values in (
        (
            "replay.from_to",
            {"source": assignment.source.bootstrap, "target": assignment.target.bootstrap},
        ),
        ("replay.left", {"path": path, "sent": state.sent, "count": assignment.count}),
    ):
        console.print(Text(say(key, language, **values)), soft_wrap=True)


def shown_pace(pace: Pace) -> str:
    """Such as `10x, 500/s`."""
    parts = [f"{pace.speed:g}x"] if pace.speed is not None else []
    return ", ".join([*parts, *([f"{pace.rate:g}/s"] if pace.rate is not None else [])])


def _shown(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="seconds")
