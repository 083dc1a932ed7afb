"""Swaps that two people agree on: what is kept of one, its commands and its events."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.notification.domain.roster_values import SwapSide
from services.notification.domain.values import CodedReason

#: So long after its turns a swap still says who was on duty: a roster is read no further back at once.
KEPT = timedelta(days=100)

#: Of one roster, open and kept together: more than its people can want.
SWAPS_MAX = 500


class SwapState(StrEnum):
    """Where a swap stands."""

    #: the first person is on duty
    PROPOSED = "PROPOSED"
    #: the taker is on duty
    AGREED = "AGREED"
    DECLINED = "DECLINED"
    WITHDRAWN = "WITHDRAWN"
    #: nobody agreed before the turn began
    LAPSED = "LAPSED"


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapProposal:
    """A turn that somebody asks another to take over, alone or for one of theirs. 换班申请"""

    #: `rosters/{facility}/swaps/{uuid}`
    name: str
    first: SwapSide
    #: user
    taker: str
    second: SwapSide | None
    reason: CodedReason
    state: SwapState
    proposed_at: datetime
    #: user
    proposed_by: str
    #: when the first of the turns begins
    lapses_at: datetime
    settled_at: datetime | None = None
    settled_by: str = ""
    settled_reason: CodedReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ProposeSwap:
    """Asks somebody to take over a turn."""

    #: empty for the caller's own
    facility: str
    first: SwapSide
    taker: str
    reason: CodedReason
    second: SwapSide | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmSwap:
    """The taker, or who keeps the roster, agrees."""

    swap: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeclineSwap:
    """The taker, or who keeps the roster, does not."""

    swap: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawSwap:
    """It is taken back."""

    swap: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class LapseSwap:
    """Its turn begins, and nobody agreed. Given by the deadline worker."""

    swap: str


SwapCommand = ProposeSwap | ConfirmSwap | DeclineSwap | WithdrawSwap | LapseSwap


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapProposed:
    """Nothing changes until somebody agrees."""

    swap: str
    first: SwapSide
    taker: str
    second: SwapSide | None
    reason: CodedReason
    lapses_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapConfirmed:
    """The turns are exchanged."""

    swap: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapDeclined:
    """The first person stays on duty."""

    swap: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapWithdrawn:
    """Taken back before it was agreed or, by who keeps the roster, before its turns begin."""

    swap: str
    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class SwapLapsed:
    """The turn began, and nobody had agreed."""

    swap: str


SwapEvent = SwapProposed | SwapConfirmed | SwapDeclined | SwapWithdrawn | SwapLapsed
SWAP_EVENTS: tuple[type, ...] = (SwapProposed, SwapConfirmed, SwapDeclined, SwapWithdrawn, SwapLapsed)


def sides(swap: SwapProposal | SwapProposed | ProposeSwap) -> tuple[tuple[SwapSide, str], ...]:
    """Each turn that changes hands, with the user who takes it over."""
    given = ((swap.first, swap.taker),)
    return given if swap.second is None else (*given, (swap.second, swap.first.user))
