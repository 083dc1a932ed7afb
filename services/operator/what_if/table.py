"""A trial as tables for a terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.operator.texts import Language, say, shown
from services.operator.what_if.findings import Findings, Measure

_STYLES = {1: "red", -1: "green", 0: ""}


def print_findings(findings: Findings, console: Console, language: Language, *, rows_max: int) -> None:
    """The totals, what they rest on, and the referrals that differ."""
    totals = Table(title=say("what_if.title", language), title_justify="left")
    for key in ("measure", "recorded", "what_if", "difference"):
        totals.add_column(
            say(f"what_if.column.{key}", language), justify="left" if key == "measure" else "right"
        )
    for each in findings.measures():
        difference = Text(each.difference, style=_STYLES[direction(each)])
        totals.add_row(shown(each.title, language), each.recorded, each.what_if, difference)
    console.print(totals)
    for remark in findings.remarks():
        console.print(f"· {shown(remark, language)}", highlight=False, markup=False)
    console.print(say("what_if.assumes", language), highlight=False)
    changed = [row for row in findings.rows() if row.is_changed]
    if not changed:
        console.print(say("what_if.same", language))
        return
    table = Table(title=say("what_if.changed", language, count=len(changed)), title_justify="left")
    for key in ("referral", "recorded", "what_if", "accepted", "stay", "travel", "because"):
        table.add_column(say(f"what_if.column.{key}", language), overflow="fold")
    for row in changed[:rows_max]:
        # Names are no markup.
        cells = (
            f"{row.name}\n{row.requested_at} {shown(row.origin, language)}",
            shown(row.recorded, language, separator="\n"),
            shown(row.what_if, language, separator="\n"),
            row.accepted,
            row.stay,
            row.travel,
            shown(row.because, language, separator="\n"),
        )
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
    if len(changed) > rows_max:
        console.print(say("what_if.more", language, count=len(changed) - rows_max))


def direction(measure: Measure) -> int:
    """1 where the difference is for the worse, -1 where it is for the better, 0 where it is neither."""
    if not measure.difference:
        return 0
    return measure.worse if measure.difference.startswith("+") else -measure.worse
