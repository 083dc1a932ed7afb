"""How centres answered their drills, as tables."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.operator.texts import Language, say
from tierlink.notification.v1 import drill_pb2

#: China Standard Time.
_LOCAL = timezone(timedelta(minutes=480))
#: Of what is listed one by one; the table above counts all of them.
_SHOWN_MAX = 50


def print_drill_report(report: Any, console: Console, language: Language) -> None:
    """One line for each centre, then each drill that was not answered, the latest first."""
    if not report.centres:
        console.print(say("drill.none", language))
        return
    table = Table(title=say("drill.centres", language), title_justify="left", title_style="bold")
    for column in ("facility", "centre", "held", "answered", "missed", "not_held", "median", "slowest"):
        table.add_column(say(f"drill.column.{column}", language), overflow="fold")
    for each in report.centres:
        table.add_row(
            each.facility,
            each.centre,
            str(each.held),
            str(each.answered),
            Text(str(each.missed), style="bold red" if each.missed else ""),
            str(each.not_held),
            _seconds(each, "median_response_ms"),
            _seconds(each, "slowest_response_ms"),
        )
    console.print(table)
    unanswered = (drill_pb2.DRILL_STATE_MISSED, drill_pb2.DRILL_STATE_NOT_HELD)
    rows = [drill for drill in report.drills if drill.state in unanswered][:_SHOWN_MAX]
    if not rows:
        return
    table = Table(title=say("drill.unanswered", language), title_justify="left", title_style="bold")
    for column in ("when", "facility", "centre", "state", "board"):
        table.add_column(say(f"drill.column.{column}", language), overflow="fold")
    for drill in rows:
        name = drill_pb2.DrillState.Name(drill.state).removeprefix("DRILL_STATE_")
        table.add_row(
            _local(drill.started_at.ToDatetime(UTC)),
            drill.facility,
            drill.centre,
            say(f"drill.state.{name}", language),
            say("drill.no_board", language) if drill.without_board else "–",
        )
    console.print(table)


def _seconds(summary: Any, field: str) -> str:
    return f"{getattr(summary, field) / 1000:.1f} s" if summary.HasField(field) else "–"


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(_LOCAL):%Y-%m-%d %H:%M}"
