"""Which event cannot follow which state: every pair that no move of `moves.py` has.

A store gives back what was written, so that this is the last line against a trail that was tampered with or
written by another version.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

from services.referral.domain.events import EVENTS, Event, ReferralExpired, ReferralRequested
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.values import Direction
from tests.unit.referral.referral.stories import TO_STATE, info_requested, requested
from tests.unit.referral.table.cases import Fold, Story, SystemMay, Taken, prepared
from tests.unit.referral.table.moves import all_moves
from tests.unit.referral.table.moves_review import NEVER_LEFT, TO_REVIEW
from tests.unit.referral.table.tales import nothing
from tests.unit.referral.table.tales_down import DOWN

PLACES: dict[ReferralState | None, Story] = {None: nothing, **TO_STATE}


#: What nobody gives and the fold takes: of a death, whether the patient had left or not, there is one row.
_LENIENT = {(state, "ReviewNotDone") for state in NEVER_LEFT}


def _created() -> ReferralRequested:
    event = prepared(requested).events[0]
    assert isinstance(event, ReferralRequested)
    return event


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
            if kind in samples() and (place, kind.__name__) not in follows | _LENIENT:
                yield Fold(story=story, event=samples()[kind], to=None)
    for place, name in sorted(_LENIENT):
        event = next(sample for kind, sample in samples().items() if kind.__name__ == name)
        yield Fold(story=TO_REVIEW[place], event=event, to=place)
    # What another referral opens may find its destination gone.
    nobody = replace(_created(), offers=())
    yield Fold(story=nothing, event=nobody, to=ReferralState.DECLINED)
    # A referral expires when nobody is asked any more, and not before.
    for waiting in (requested, info_requested):
        yield Fold(story=waiting, event=ReferralExpired(), to=None, label="-while-asked")


def all_of_system() -> Iterable[SystemMay]:
    for command in ("MeetDeadline", "FollowBed", "FollowStanding"):
        for story in (*TO_STATE.values(), *DOWN.values()):
            referral = prepared(story).referral
            events = frozenset(
                event
                for move in all_moves()
                if (move.source, move.command) == (referral.state, command)
                and (referral.direction is Direction.DOWN or not _down_alone(move))
                for event in move.events
            )
            yield SystemMay(command=command, story=story, events=events)


def _down_alone(move: Taken) -> bool:
    """What the plan gives, it gives on a referral down."""
    return bool({"TaskMissed", "FollowUpMissed"} & set(move.events))
