"""Boards: an outage begins once, ends by a board that is back or by a person, and is nobody else's to end."""

from typing import Any

import pytest

from services.notification.domain import board
from services.notification.domain.board import (
    Board,
    BoardState,
    MissBoard,
    NoteBoard,
    WithdrawBoard,
    board_name,
    may_arrange,
    may_report,
)
from services.notification.domain.board_events import BoardAppeared, BoardLost, BoardWithdrawn
from services.notification.domain.values import CodedReason
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.refusals import NotAllowed, NotFound, NotPermitted
from tests.unit.notification.folding import folded
from tests.unit.notification.scenario import BRANCH, HOSPITAL, NOW, SYSTEM, context, person

NAME = board_name(HOSPITAL)
NOTE, MISS = NoteBoard(facility=HOSPITAL), MissBoard(facility=HOSPITAL, last_seen_at=NOW)
TAKEN_DOWN = WithdrawBoard(facility="", reason=CodedReason(code="MOVED"))
OFFICE = person(Role.REFERRAL_OFFICE)


def after(*commands: Any, by: Actor = SYSTEM) -> Board | None:
    state: Board | None = None
    for command in commands:
        actor = by if isinstance(command, WithdrawBoard) else SYSTEM
        for event in board.decide(state, command, context(actor)):
            state = folded("board", NAME, state, event, by=actor)
    return state


def test_a_sign_of_life_is_news_once() -> None:
    assert board.decide(None, NOTE, context(SYSTEM)) == (BoardAppeared(facility=HOSPITAL),)
    assert board.decide(after(NOTE), NOTE, context(SYSTEM)) == ()


def test_silence_is_an_outage_once_and_each_outage_has_an_alert_of_its_own() -> None:
    lost = after(NOTE, MISS)
    assert lost is not None
    assert (lost.state, lost.last_seen_at) == (BoardState.LOST, NOW)
    assert board.decide(lost, MISS, context(SYSTEM)) == ()
    again = after(NOTE, MISS, NOTE, MISS)
    assert again is not None
    assert again.alert.startswith("alerts/")
    assert again.alert != lost.alert
    assert after(NOTE, MISS) == lost


def test_a_board_that_was_expected_and_never_came_is_missed_too() -> None:
    never = MissBoard(facility=HOSPITAL, last_seen_at=None)
    (event,) = board.decide(None, never, context(SYSTEM))
    assert isinstance(event, BoardLost)
    assert event.last_seen_at is None


def test_a_board_that_is_back_ends_the_outage() -> None:
    back = after(NOTE, MISS, NOTE)
    assert back is not None
    assert (back.state, back.alert) == (BoardState.LIVE, "")


def test_a_person_takes_the_boards_down_and_their_silence_is_none() -> None:
    down = after(NOTE, MISS, TAKEN_DOWN, by=OFFICE)
    assert down is not None
    assert down.state is BoardState.WITHDRAWN
    assert board.decide(down, MISS, context(SYSTEM)) == ()
    assert board.decide(down, NOTE, context(SYSTEM)) == (BoardAppeared(facility=HOSPITAL),)
    assert board.allowed_commands(down) == ()


@pytest.mark.parametrize("commands", [(NOTE,), (NOTE, MISS, TAKEN_DOWN)])
def test_boards_that_are_live_or_down_are_not_taken_down(commands: tuple[Any, ...]) -> None:
    state = after(*commands, by=OFFICE)
    with pytest.raises(NotAllowed) as refused:
        board.decide(state, TAKEN_DOWN, context(OFFICE))
    assert all(rule.text.zh and rule.text.en for rule in refused.value.failed_rules)


def test_what_never_was_is_not_found() -> None:
    with pytest.raises(NotFound):
        board.decide(None, TAKEN_DOWN, context(OFFICE))


@pytest.mark.parametrize(
    ("actor", "facility"),
    [
        (person(Role.CLINICIAN), HOSPITAL),
        (person(Role.REFERRAL_OFFICE, facility=BRANCH), HOSPITAL),
        (person(Role.REFERRAL_OFFICE, facility=""), ""),
    ],
)
def test_others_do_not_take_the_boards_of_a_facility_down(actor: Actor, facility: str) -> None:
    assert not may_arrange(actor, facility)
    command = WithdrawBoard(facility=facility, reason=CodedReason(code="MOVED"))
    with pytest.raises(NotPermitted):
        board.decide(after(NOTE, MISS), command, context(actor))


def test_an_event_of_withdrawal_says_whose_and_why() -> None:
    (event,) = board.decide(after(NOTE, MISS), TAKEN_DOWN, context(OFFICE))
    assert event == BoardWithdrawn(facility=HOSPITAL, reason=CodedReason(code="MOVED"))


def test_a_screen_of_the_facilitys_staff_is_a_board_and_no_other() -> None:
    assert may_report(person(Role.CLINICIAN))
    assert may_report(person(Role.BED_DESK))
    assert not may_report(person(Role.AMBULANCE))
    assert not may_report(person(Role.CLINICIAN, facility=""))
    assert not may_report(person(Role.COORDINATOR))
