"""Commands and events of rosters."""

from dataclasses import dataclass, replace
from datetime import datetime

from services.notification.domain.roster_values import (
    CalendarDay,
    CoverageGap,
    Post,
    RosterEntries,
    SwapSide,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApplyRoster(RosterEntries):
    """Makes a facility's roster what the command says."""

    #: empty for the caller's own
    facility: str
    #: say what would change, and change nothing
    dry_run: bool = False


def seated(command: ApplyRoster) -> ApplyRoster:
    """The command with every post's seat: one that names none is the first."""
    return replace(
        command,
        rotations=tuple(replace(item, post=_with_seat(item.post)) for item in command.rotations),
        swaps=tuple(
            replace(item, first=_seated_side(item.first), second=_seated_side(item.second))
            for item in command.swaps
        ),
    )


def _seated_side(side: SwapSide) -> SwapSide:
    return replace(side, post=_with_seat(side.post))


def _with_seat(post: Post) -> Post:
    return replace(post, seat=post.seat or 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckCoverage:
    """The roster's deadline is due. Given by the deadline worker."""

    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterApplied(RosterEntries):
    """The facility's roster from now on, whole."""

    facility: str
    #: the national table with the site's over it, as far as the roster needs it
    special_days: tuple[CalendarDay, ...] = ()
    #: when gaps are looked for; None for a roster that cannot get any
    coverage_check_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CoverageChecked:
    """The gaps of the coming days, as somebody was told of them."""

    #: those of them that are new
    opened: tuple[CoverageGap, ...]
    #: told of before, and filled or over since
    closed: tuple[CoverageGap, ...]
    #: all that are open now
    open_gaps: tuple[CoverageGap, ...]
    special_days: tuple[CalendarDay, ...]
    coverage_check_at: datetime
