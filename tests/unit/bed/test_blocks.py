"""Blocks with an end: it is found overdue, or ends by itself."""

from dataclasses import replace

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.values import BedState, CodedReason

from .scenario import BED_IN, HOUR, NOW, described, fold, given, lapse

BROKEN = CodedReason(code="BROKEN", text="呼叫器故障")


def test_a_block_without_an_end_waits_for_nothing() -> None:
    assert ward.deadlines(fold(described(), *BED_IN[BedState.BLOCKED])) == ()


BLOCKED_UNTIL = happened.BedBlocked(bed="w-01", reason=BROKEN, blocked_until=NOW + HOUR)


def test_at_its_end_a_block_is_found_overdue_once() -> None:
    state = (
        given(described(), BLOCKED_UNTIL)
        .when(lapse(fold(described(), BLOCKED_UNTIL)), at=NOW + HOUR)
        .then(happened.BedBlockOverdue(bed="w-01", reason=BROKEN, blocked_until=NOW + HOUR))
    )
    bed = state.beds[0]
    assert (bed.state, bed.block_reason, bed.block_overdue_since) == (BedState.BLOCKED, BROKEN, NOW + HOUR)
    assert ward.deadlines(state) == ()


def test_at_its_end_a_block_ends_by_itself_where_the_ward_asked_for_it() -> None:
    asked = ask.BlockBed(ward="w", bed="w-01", reason=BROKEN, blocked_until=NOW + HOUR, unblock_at_end=True)
    blocked = replace(BLOCKED_UNTIL, unblock_at_end=True)
    given(described()).when(asked).then(blocked)
    met = given(described(), blocked).when(lapse(fold(described(), blocked)), at=NOW + HOUR)
    assert met.then(happened.BedUnblocked(bed="w-01")).counts.free == 3


def test_the_end_of_a_block_that_was_lifted_means_nothing() -> None:
    due = lapse(fold(described(), BLOCKED_UNTIL))
    given(described(), BLOCKED_UNTIL, happened.BedUnblocked(bed="w-01")).when(due).then_nothing()


def test_a_block_that_ends_by_itself_says_when() -> None:
    asked = ask.BlockBed(ward="w", bed="w-01", reason=BROKEN, unblock_at_end=True)
    given(described()).when(asked).then_invalid("blocked_until REQUIRED")
