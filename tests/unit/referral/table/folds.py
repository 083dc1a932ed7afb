"""Which event cannot follow which state: every pair that no move of `moves.py` has.

A store gives back what was written, so that this is the last line against a trail that was tampered with or
written by another version.
"""

from collections.abc import Iterable
from functools import cache

from services.referral.domain.events import EVENTS, Event, ReferralExpired
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.stories import TO_STATE, info_requested, requested
from tests.unit.referral.table.cases import Fold, Story, SystemMay
from tests.unit.referral.table.moves import all_moves
from tests.unit.referral.table.tales import nothing

PLACES: dict[ReferralState | None, Story] = {None: nothing, **TO_STATE}


@cache
def samples() -> dict[type[Event], Event]:
    """One event of each kind, as a move gave it."""
    found: dict[type[Event], Event] = {}
    for move in all_moves():
        chart, order, actor = move.start()
        for event in chart.when(order, actor):
            found.setdefault(type(event), event)
    return found


def all_folds() -> Iterable[Fold]:
    follows = {(move.source, event) for move in all_moves() for event in move.events}
    for place, story in PLACES.items():
        for kind in EVENTS:
            # Of an event that no move gives there is no sample: a test names it.
            if kind in samples() and (place, kind.__name__) not in follows:
                yield Fold(story=story, event=samples()[kind], to=None)
    # A referral expires when nobody is asked any more, and not before.
    for waiting in (requested, info_requested):
        yield Fold(story=waiting, event=ReferralExpired(), to=None, label="-while-asked")


def all_of_system() -> Iterable[SystemMay]:
    for command in ("MeetDeadline", "FollowBed"):
        for state in ReferralState:
            events = frozenset(
                event
                for move in all_moves()
                if (move.source, move.command) == (state, command)
                for event in move.events
            )
            yield SystemMay(command=command, state=state, events=events)
