"""What a roster file changes, and what is missing ahead, as tables without colours: they are kept in logs."""

from datetime import timedelta, timezone
from typing import Any

from rich.console import Console
from rich.table import Table

from services.operator.report.consoles import open_console
from services.operator.rpc.values import moment_of, short_name
from services.operator.texts import Language, say, shown
from services.shared.kernel.text import BilingualText
from tierlink.notification.v1 import roster_plan_pb2, roster_service_pb2

_DIFFERENCE: Any = roster_plan_pb2.RosterDifference.DESCRIPTOR.fields_by_name["difference"].enum_type
_WEAK_SPOT: Any = roster_plan_pb2.SinglePoint.DESCRIPTOR.fields_by_name["kind"].enum_type
#: The clock of the reader's country: China knows one.
_CHINA = timezone(timedelta(hours=8))


def print_roster_difference(
    answer: roster_service_pb2.ApplyRosterResponse, language: Language, *, is_applied: bool
) -> None:
    """Entry by entry, then in numbers."""
    console = _console()
    if not answer.added and not answer.removed:
        console.print(say("roster.same", language, version=answer.version))
        return
    table = _table("action", "kind", "name", language=language)
    for each in answer.differences:
        table.add_row(
            say(f"directory.{short_name(_DIFFERENCE, each.difference)}", language),
            say(f"roster.{each.section}", language),
            shown(BilingualText(zh=each.text.zh, en=each.text.en), language),
        )
    console.print(table)
    key = "roster.applied" if is_applied else "roster.differs"
    counts = {"added": answer.added, "removed": answer.removed, "version": answer.version}
    console.print(say(key, language, **counts))


def print_coverage(answer: roster_service_pb2.GetCoverageResponse, language: Language) -> None:
    """Who is on duty, then the gaps, then where all hangs on one person."""
    console = _console()
    on_duty = _table("post", "name", "until", language=language, title="roster.on_duty")
    for slot in answer.on_duty:
        holder = slot.holder.name if slot.HasField("holder") else f"({slot.absent})"
        on_duty.add_row(_post(slot.post), holder, _time(slot.ends_at))
    console.print(on_duty)
    gaps = _table("post", "from", "until", "absent", language=language, title="roster.gaps")
    for gap in answer.gaps:
        gaps.add_row(_post(gap.post), _time(gap.starts_at), _time(gap.ends_at), ", ".join(gap.absent))
    console.print(gaps if answer.gaps else say("roster.no_gaps", language))
    points = _table("kind", "post", "name", "from", "until", language=language, title="roster.single_points")
    for point in answer.single_points:
        points.add_row(
            say(f"roster.{short_name(_WEAK_SPOT, point.kind)}", language),
            ", ".join(point.roles),
            point.user,
            _time(point.starts_at),
            _time(point.ends_at),
        )
    if answer.single_points:
        console.print(points)


def _post(post: roster_plan_pb2.Post) -> str:
    pathway: Any = roster_plan_pb2.Post.DESCRIPTOR.fields_by_name["pathway"].enum_type
    parts = [post.role, short_name(pathway, post.pathway) if post.pathway else "", post.step]
    return " ".join(part for part in (*parts, str(post.seat) if post.seat > 1 else "") if part)


def _time(value: Any) -> str:
    return moment_of(value).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M")


def _console() -> Console:
    # Names may have square brackets, which are no markup.
    return Console(width=open_console().width, no_color=True, highlight=False, markup=False)


def _table(*columns: str, language: Language, title: str = "") -> Table:
    table = Table(title=say(title, language) if title else None, title_justify="left")
    for column in columns:
        table.add_column(say(f"column.{column}", language), overflow="fold")
    return table
