"""Looks for gaps of the coming days, daily and after each change, and remembers which were told."""

from dataclasses import replace
from datetime import datetime, timedelta

from services.notification.domain.clock_times import DAY_MINUTES, local_moment, local_time
from services.notification.domain.roster_calendar import merged
from services.notification.domain.roster_commands import CheckCoverage, CoverageChecked
from services.notification.domain.roster_coverage import gaps
from services.notification.domain.roster_state import Roster, offset_minutes
from services.notification.domain.roster_values import CalendarDay, CoverageGap
from services.shared.kernel.command import CommandContext

#: Key of a roster's only deadline.
COVERAGE = "coverage"

#: How far ahead a gap is an alert: time enough to find somebody, and soon enough to be of today's concern.
NOTICE = timedelta(days=3)
#: Of one look; what is left is told the next day. A roster that is all gaps is one fault, not a hundred.
OPENED_MAX = 20
#: On the site's clock, in working hours: who fills a gap must not be woken for it.
CHECK_MINUTES = 9 * 60


def first_check_at(state: Roster | None, wanted: Roster, at: datetime) -> datetime | None:
    """At once, for a roster that can have gaps, or that had some which may be filled now."""
    had_gaps = state is not None and bool(state.open_gaps)
    return at if had_gaps or _can_have_gaps(wanted) else None


def check_coverage(
    state: Roster, command: CheckCoverage, context: CommandContext, *, national: tuple[CalendarDay, ...]
) -> tuple[CoverageChecked, ...]:
    """The gaps that are new, and those that are over. Nothing when the deadline is no longer open."""
    at = context.recorded_at
    if command.key != COVERAGE or state.coverage_check_at is None or state.coverage_check_at > at:
        return ()
    # A table that was published since the roster was applied holds from now on.
    special = merged(national, state.calendar) if state.special_days else ()
    found = gaps(replace(state, special_days=special), at, at + NOTICE)
    still, opened, remaining = [], [], list(found)
    for known in state.open_gaps:
        same = [gap for gap in remaining if _is_same(known, gap)]
        if same:
            # It is named by when it began, however often it is seen again.
            still.append(replace(known, ends_at=max(gap.ends_at for gap in same)))
            remaining = [gap for gap in remaining if gap not in same]
    opened = remaining[:OPENED_MAX]
    kept = {(gap.post, gap.starts_at) for gap in still}
    return (
        CoverageChecked(
            opened=tuple(opened),
            closed=tuple(gap for gap in state.open_gaps if (gap.post, gap.starts_at) not in kept),
            open_gaps=(*still, *opened),
            special_days=special,
            coverage_check_at=next_check_at(state, at),
        ),
    )


def next_check_at(roster: Roster, at: datetime) -> datetime:
    """The next morning's look, on the site's clock."""
    offset = offset_minutes(roster)
    today = local_moment(local_time(at, offset).date(), CHECK_MINUTES, offset)
    return today if today > at else today + timedelta(minutes=DAY_MINUTES)


def _can_have_gaps(roster: Roster) -> bool:
    timed = any(duty.starts_at is not None or duty.ends_at is not None for duty in roster.duties)
    return timed or bool(roster.rotations or roster.shifts or roster.leaves or roster.requirements)


def _is_same(known: CoverageGap, gap: CoverageGap) -> bool:
    """Whether a gap is one that is known: the same post, and no time between them."""
    return known.post == gap.post and gap.starts_at <= known.ends_at and known.starts_at <= gap.ends_at
