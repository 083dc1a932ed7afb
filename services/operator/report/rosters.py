"""What a roster file changes, and what is missing ahead, as tables without colours: they are kept in logs."""

from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

from rich.console import Console
from rich.table import Table

from services.operator.report.consoles import open_console
from services.operator.rpc.values import moment_of, short_name
from services.operator.texts import Language, say, shown
from services.shared.kernel.text import BilingualText
from tierlink.notification.v1 import roster_plan_pb2, roster_service_pb2
from tierlink.type.v1 import type_pb2

_DIFFERENCE: Any = roster_plan_pb2.RosterDifference.DESCRIPTOR.fields_by_name["difference"].enum_type
_PATHWAY: Any = roster_plan_pb2.Post.DESCRIPTOR.fields_by_name["pathway"].enum_type
_SWAP_STATE: Any = roster_plan_pb2.SwapProposal.DESCRIPTOR.fields_by_name["state"].enum_type
_WEAK_SPOT: Any = roster_plan_pb2.SinglePoint.DESCRIPTOR.fields_by_name["kind"].enum_type


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
    """Who is on duty, then the gaps, then where all hangs on one person; by the site's clock."""
    console, words = _console(), _Words(answer, language)
    on_duty = _table("post", "name", "until", language=language, title="roster.on_duty")
    for slot in answer.on_duty:
        holder = slot.holder.name if slot.HasField("holder") else f"({slot.absent})"
        on_duty.add_row(words.post(slot.post), holder, words.time(slot.ends_at))
    console.print(on_duty)
    gaps = _table("post", "from", "until", "absent", language=language, title="roster.gaps")
    for gap in answer.gaps:
        gaps.add_row(
            words.post(gap.post), words.time(gap.starts_at), words.time(gap.ends_at), ", ".join(gap.absent)
        )
    console.print(gaps if answer.gaps else say("roster.no_gaps", language))
    points = _table("kind", "post", "name", "from", "until", language=language, title="roster.single_points")
    for point in answer.single_points:
        points.add_row(
            say(f"roster.{short_name(_WEAK_SPOT, point.kind)}", language),
            ", ".join(words.role(role) for role in point.roles),
            point.user,
            words.time(point.starts_at),
            words.time(point.ends_at),
        )
    if answer.single_points:
        console.print(points)
    console.print(say("roster.clock", language, offset=words.offset))


def print_swaps(answer: roster_service_pb2.ListSwapsResponse, language: Language) -> None:
    """Swap by swap, by their turns."""
    console = _console()
    if not answer.swaps:
        console.print(say("roster.no_swaps", language))
        return
    table = _table("state", "kind", "name", language=language)
    for each in answer.swaps:
        state = say(f"roster.swap_{short_name(_SWAP_STATE, each.state)}", language)
        table.add_row(state, shown(BilingualText(zh=each.text.zh, en=each.text.en), language), each.name)
    console.print(table)


def swap_line(swap: roster_plan_pb2.SwapProposal, language: Language) -> str:
    """What stands where, in a line."""
    state = say(f"roster.swap_{short_name(_SWAP_STATE, swap.state)}", language)
    return f"{state}: {shown(BilingualText(zh=swap.text.zh, en=swap.text.en), language)}"


class _Words:
    """Names and times as the answer has them: the service knows the site's."""

    def __init__(self, answer: roster_service_pb2.GetCoverageResponse, language: Language) -> None:
        self._answer = answer
        self._language = language
        self._clock = timezone(timedelta(minutes=answer.utc_offset_minutes))

    @property
    def offset(self) -> str:
        """Such as UTC+08:00."""
        sign = "-" if self._answer.utc_offset_minutes < 0 else "+"
        hours, minutes = divmod(abs(self._answer.utc_offset_minutes), 60)
        return f"UTC{sign}{hours:02}:{minutes:02}"

    def role(self, role: str) -> str:
        return self._named(self._answer.role_names, role)

    def post(self, post: roster_plan_pb2.Post) -> str:
        parts = [self.role(post.role)]
        if post.pathway:
            parts.append(self._named(self._answer.pathway_names, short_name(_PATHWAY, post.pathway)))
        parts.append(self._named(self._answer.step_names, post.step))
        if post.seat > 1:
            parts.append(str(post.seat))
        return " / ".join(parts)

    def time(self, value: Any) -> str:
        return moment_of(value).astimezone(self._clock).strftime("%Y-%m-%d %H:%M")

    def _named(self, names: Mapping[str, type_pb2.BilingualText], code: str) -> str:
        if code not in names:
            return code
        return shown(BilingualText(zh=names[code].zh, en=names[code].en), self._language)


def _console() -> Console:
    # Names may have square brackets, which are no markup.
    return Console(width=open_console().width, no_color=True, highlight=False, markup=False)


def _table(*columns: str, language: Language, title: str = "") -> Table:
    table = Table(title=say(title, language) if title else None, title_justify="left")
    for column in columns:
        table.add_column(say(f"column.{column}", language), overflow="fold")
    return table
