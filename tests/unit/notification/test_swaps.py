"""Swaps that two people agree on: who asks, who answers, and who is on duty meanwhile."""

import pytest

from services.notification.domain import roster as rosters
from services.notification.domain import swaps
from services.notification.domain.roster_slots import slots_at
from services.notification.domain.roster_values import SlotOrigin
from services.notification.domain.swap_values import (
    ConfirmSwap,
    DeclineSwap,
    LapseSwap,
    SwapState,
    WithdrawSwap,
)
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted
from tests.unit.notification.scenario import BRANCH, SYSTEM
from tests.unit.notification.swap_book import (
    MONDAY,
    OFFICE,
    TUESDAY,
    TURNS,
    Book,
    asks,
    doctor,
    proposed,
    side,
)
from tests.unit.notification.turns import BACKUP, REASON, local, rotation

# ---- who is on duty


def test_until_it_is_agreed_the_first_person_is_on_duty() -> None:
    book = proposed()
    assert book.stands() is SwapState.PROPOSED
    assert book.on_monday() == "a"
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    assert book.stands() is SwapState.AGREED
    assert book.on_monday() == "b"
    (slot,) = slots_at(book.roster, local("2026-01-05 12:00"))
    assert slot.origin is SlotOrigin.SWAP


def test_a_turn_in_return_goes_the_other_way() -> None:
    book = proposed(asks(second=side("b", TUESDAY)))
    assert (book.on_monday(), book.on_tuesday()) == ("a", "b")
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    assert (book.on_monday(), book.on_tuesday()) == ("b", "a")


@pytest.mark.parametrize("answer", [DeclineSwap, WithdrawSwap])
def test_declined_or_taken_back_nothing_changes(answer: type) -> None:
    book = proposed()
    by = doctor("b") if answer is DeclineSwap else doctor("a")
    book.does(by, answer(swap=book.swap, reason=REASON))
    assert book.stands() is (SwapState.DECLINED if answer is DeclineSwap else SwapState.WITHDRAWN)
    assert book.roster.proposals[-1].settled_reason == REASON
    assert book.on_monday() == "a"


def test_nobody_answers_before_the_turn_begins_and_it_is_void() -> None:
    book = proposed(asks(second=side("b", TUESDAY)))
    due = [each for each in rosters.deadlines(book.roster) if swaps.lapsing(each.key)]
    assert [each.due_at for each in due] == [MONDAY]
    lapse = swaps.lapsing(due[0].key)
    assert lapse == LapseSwap(swap=book.swap)
    assert book.does(SYSTEM, lapse) is None, "it is not due yet"
    book.at(MONDAY).does(SYSTEM, lapse)
    assert book.stands() is SwapState.LAPSED
    assert not [each for each in rosters.deadlines(book.roster) if swaps.lapsing(each.key)]
    assert book.does(SYSTEM, lapse) is None
    assert book.on_monday() == "a"


def test_a_file_that_is_applied_takes_no_agreement_away() -> None:
    book = proposed()
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    book.applied(TURNS, rotation("x", post=BACKUP))
    assert book.on_monday() == "b"
    with pytest.raises(InvalidInput) as refused:
        book.applied(rotation("a", "x", "c"), rotation("b", "d", post=BACKUP))
    assert "PERSON_TWICE" in {each.reason for each in refused.value.violations}, "b would be two at once"


def test_an_answer_to_one_swap_leaves_the_others_as_they_are() -> None:
    book = proposed(asks(first=side("b", TUESDAY), taker="c"), by=doctor("b"))
    book.does(doctor("a"), asks())
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    assert [each.state for each in book.roster.proposals] == [SwapState.PROPOSED, SwapState.AGREED]
    assert (book.on_monday(), book.on_tuesday()) == ("b", "b")


def test_an_agreement_on_a_turn_that_is_somebody_elses_now_moves_nothing() -> None:
    book = proposed()
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    book.applied(rotation("c", "b", "a"))
    assert book.on_monday() == "c"


# ---- who may


@pytest.mark.parametrize("by", [doctor("a"), OFFICE, doctor("a", "")], ids=["whose turn", "office", "none"])
def test_whose_turn_it_is_asks_or_who_keeps_the_roster(by: Actor) -> None:
    book = Book()
    if not by.facility:
        with pytest.raises(NotFound):
            book.does(by, asks())
    else:
        book.does(by, asks())
        assert book.roster.proposals[-1].proposed_by == by.user


def test_nobody_gives_another_persons_turn_away() -> None:
    for by in (doctor("b"), doctor("c")):
        with pytest.raises(NotPermitted) as refused:
            Book().does(by, asks())
        assert refused.value.reason == "SWAP_NOT_THEIRS"


def test_strangers_are_told_of_no_swap() -> None:
    book = proposed()
    for by in (
        doctor("b", BRANCH),
        Actor(user="b", name="b", facility=BRANCH, roles=(Role.REFERRAL_OFFICE,)),
    ):
        for asked in (ConfirmSwap(swap=book.swap), DeclineSwap(swap=book.swap, reason=REASON), asks()):
            with pytest.raises(NotFound):
                book.does(by, asked)


def test_whoever_takes_over_answers_or_who_keeps_the_roster_and_nobody_else() -> None:
    for by in (doctor("a"), doctor("c")):
        book = proposed()
        for asked in (ConfirmSwap(swap=book.swap), DeclineSwap(swap=book.swap, reason=REASON)):
            with pytest.raises(NotPermitted):
                book.does(by, asked)
        assert book.on_monday() == "a"
    book = proposed()
    book.does(OFFICE, ConfirmSwap(swap=book.swap))
    assert book.on_monday() == "b"


def test_an_asked_swap_is_taken_back_by_who_asked_or_whose_turn_it_is_and_nobody_else() -> None:
    for by in (doctor("b"), doctor("c")):
        book = proposed(by=OFFICE)
        with pytest.raises(NotPermitted):
            book.does(by, WithdrawSwap(swap=book.swap, reason=REASON))
        assert book.stands() is SwapState.PROPOSED
    for by in (doctor("a"), OFFICE):
        book = proposed(by=OFFICE)
        book.does(by, WithdrawSwap(swap=book.swap, reason=REASON))
        assert book.stands() is SwapState.WITHDRAWN


def test_an_operator_keeps_a_roster_of_any_facility_by_its_name() -> None:
    operator = Actor(user="op", name="op", facility="", roles=(Role.OPERATOR,))
    book = proposed(by=operator)
    book.does(operator, ConfirmSwap(swap=book.swap))
    assert book.on_monday() == "b"


def test_who_names_no_facility_means_their_own() -> None:
    book = proposed(asks(facility=""))
    assert book.stands() is SwapState.PROPOSED
    with pytest.raises(NotFound):
        Book().does(doctor("a", ""), asks(facility=""))


def test_a_post_without_a_seat_is_its_first() -> None:
    book = proposed(asks(first=side("a", MONDAY, seat=0), second=side("b", TUESDAY, seat=0)))
    kept = book.roster.proposals[-1]
    assert kept.second is not None
    assert (kept.first.post.seat, kept.second.post.seat) == (1, 1)
    with pytest.raises(InvalidInput) as refused:
        Book().does(doctor("a"), asks(first=side("a", MONDAY, seat=2)))
    assert [each.reason for each in refused.value.violations] == ["NO_SUCH_TURN"]


def test_where_no_roster_is_there_is_no_swap() -> None:
    book = proposed()
    swap = book.swap
    book.state = None
    for asked in (asks(), ConfirmSwap(swap=swap)):
        with pytest.raises(NotFound):
            book.does(doctor("a"), asked)


def test_what_is_agreed_only_the_keeper_takes_back_and_not_once_it_began() -> None:
    book = proposed()
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    for by in (doctor("a"), doctor("b")):
        with pytest.raises(NotPermitted):
            book.does(by, WithdrawSwap(swap=book.swap, reason=REASON))
    kept = book.state
    book.does(OFFICE, WithdrawSwap(swap=book.swap, reason=REASON))
    assert book.on_monday() == "a"
    book.state = kept
    with pytest.raises(NotAllowed) as refused:
        book.at(MONDAY).does(OFFICE, WithdrawSwap(swap=book.swap, reason=REASON))
    assert [rule.code for rule in refused.value.failed_rules] == ["TURN_HAS_BEGUN"]


def test_an_answer_is_given_once_and_in_time() -> None:
    book = proposed()
    book.does(doctor("b"), DeclineSwap(swap=book.swap, reason=REASON))
    with pytest.raises(NotAllowed) as refused:
        book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    assert [rule.code for rule in refused.value.failed_rules] == ["SWAP_DECLINED"]
    assert refused.value.allowed_commands == ()
    late = proposed()
    with pytest.raises(NotAllowed) as refused:
        late.at(MONDAY).does(doctor("b"), ConfirmSwap(swap=late.swap))
    assert [rule.code for rule in refused.value.failed_rules] == ["TURN_HAS_BEGUN"]
