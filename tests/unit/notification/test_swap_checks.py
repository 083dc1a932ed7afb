"""What cannot be exchanged, what is kept of a swap, and who is told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given as generate
from hypothesis import settings
from hypothesis import strategies as st

from services.notification.domain import roster as rosters
from services.notification.domain import roster_slots, swaps
from services.notification.domain import roster_turns as turns_of
from services.notification.domain.swap_alerts import swap_alert
from services.notification.domain.swap_values import (
    KEPT,
    SWAPS_MAX,
    ConfirmSwap,
    DeclineSwap,
    LapseSwap,
    SwapCommand,
    SwapState,
    WithdrawSwap,
)
from services.notification.domain.values import CodedReason
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted
from tests.unit.notification.scenario import SYSTEM
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
from tests.unit.notification.turns import BACKUP, REASON, STROKE, leave, rotation

# ---- what cannot be exchanged


@pytest.mark.parametrize(
    ("changes", "faults"),
    [
        ({"taker": "a"}, [("taker", "SWAP_WITH_ONESELF")]),
        ({"taker": "z"}, [("taker", "NOT_IN_ROSTER"), ("first", "TAKER_IS_AWAY")]),
        ({"first": side("a", MONDAY + timedelta(hours=1))}, [("first", "NO_SUCH_TURN")]),
        ({"first": side("a", MONDAY, step="backup")}, [("first", "NO_SUCH_TURN")]),
        ({"first": side("a", TUESDAY)}, [("first.user", "ANOTHERS_TURN")]),
        (
            {"second": side("c", TUESDAY)},
            [("second.user", "NOT_THE_TAKERS"), ("second.user", "ANOTHERS_TURN")],
        ),
    ],
)
def test_a_turn_that_cannot_be_exchanged_is_refused_with_every_fault(
    changes: dict[str, object], faults: list[tuple[str, str]]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        Book().does(OFFICE, asks(**changes))
    assert [(each.field, each.reason) for each in refused.value.violations] == faults


def test_a_turn_that_has_begun_is_nobodys_to_give() -> None:
    with pytest.raises(InvalidInput) as refused:
        Book().at(MONDAY).does(doctor("a"), asks())
    assert [each.reason for each in refused.value.violations] == ["TURN_HAS_BEGUN"]


def test_a_turn_is_asked_for_once_at_a_time() -> None:
    book = proposed()
    with pytest.raises(InvalidInput) as refused:
        book.does(doctor("a"), asks(taker="c"))
    assert [each.reason for each in refused.value.violations] == ["TURN_SWAPPED_TWICE"]
    book.does(doctor("a"), WithdrawSwap(swap=book.swap, reason=REASON))
    book.does(doctor("a"), asks(taker="c"))
    assert book.stands() is SwapState.PROPOSED


def test_nobody_takes_over_what_they_cannot_hold() -> None:
    """Neither two posts of a role at once, nor a turn during their leave."""
    backup = Book(TURNS, rotation("b", "x", "y", post=BACKUP))
    with pytest.raises(InvalidInput) as refused:
        backup.does(doctor("a"), asks())
    assert [each.reason for each in refused.value.violations] == ["PERSON_TWICE"]
    away = Book(TURNS, leaves=(leave("b", "2026-01-05 20:00", "2026-01-05 22:00"),))
    with pytest.raises(InvalidInput) as refused:
        away.does(doctor("a"), asks())
    assert [each.reason for each in refused.value.violations] == ["TAKER_IS_AWAY"]


def test_what_was_agreed_before_counts_when_the_next_is_asked() -> None:
    """b took Monday's backup over from x: of Monday's duty as well, b would have two."""
    book = Book(
        TURNS, rotation("x", "y", "z", post=BACKUP), rotation("b", post=replace(STROKE, role="OTHER"))
    )
    book.does(doctor("x"), asks(first=side("x", MONDAY, step="backup"), taker="b"))
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    with pytest.raises(InvalidInput) as refused:
        book.does(doctor("a"), asks())
    assert [each.reason for each in refused.value.violations] == ["PERSON_TWICE"]


def test_who_stands_in_in_need_or_for_another_pathway_may_take_over() -> None:
    """They were named at the time; and a post of the same name in another pathway is another's duty."""
    stand_in = Book(
        TURNS,
        rotation("x", "y", "z", post=BACKUP),
        leaves=(leave("x", "2026-01-05 08:00", "2026-01-06 08:00", substitute="b"),),
    )
    stand_in.does(doctor("a"), asks())
    assert stand_in.stands() is SwapState.PROPOSED
    elsewhere = Book(TURNS, rotation("b", "x", "y", post=replace(BACKUP, pathway="CHEST_PAIN")))
    elsewhere.does(doctor("a"), asks())
    assert elsewhere.stands() is SwapState.PROPOSED


def test_no_more_swaps_are_kept_than_may_be() -> None:
    book = Book()
    turns = [MONDAY + timedelta(days=3 * number) for number in range(SWAPS_MAX)]
    (settled,) = proposed().roster.proposals
    full = tuple(
        replace(settled, name=f"{book.roster.name}/swaps/{number}", first=side("a", turn), lapses_at=turn)
        for number, turn in enumerate(turns[1:], start=1)
    )
    book.state = replace(book.roster, proposals=full)
    book.does(doctor("a"), asks())
    with pytest.raises(NotAllowed) as refused:
        book.does(doctor("b"), asks(first=side("b", TUESDAY), taker="c"))
    assert [rule.code for rule in refused.value.failed_rules] == ["SWAPS_TOO_MANY"]


def test_both_who_exchange_must_be_able_to_hold_what_they_get() -> None:
    """In return as well: a would be on duty and backup on Tuesday. Another role's post is no hindrance."""
    other = replace(BACKUP, role="CHEST_PAIN")
    book = Book(TURNS, rotation("x", "a", "y", post=BACKUP), rotation("b", "a", post=other))
    with pytest.raises(InvalidInput) as refused:
        book.does(doctor("a"), asks(second=side("b", TUESDAY)))
    found = [(each.field, each.reason) for each in refused.value.violations]
    assert found == [("second", "PERSON_TWICE")]
    book.does(doctor("a"), asks())


def test_a_swap_in_a_large_roster_takes_no_longer_than_in_a_small_one() -> None:
    """It is looked at on the service's own loop, while alerts wait."""
    many = [
        rotation(*(f"p{number}{each}" for each in range(9)), post=replace(STROKE, role=f"R{number}"))
        for number in range(40)
    ]
    book = Book()
    book.state = replace(book.roster, rotations=(*book.roster.rotations, *many))
    counted = 0
    original = turns_of.turns

    def counting(*given: object, **named: object) -> object:
        nonlocal counted
        counted += 1
        return original(*given, **named)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(roster_slots, "turns", counting)
        book.does(doctor("a"), asks())
    assert 0 < counted <= 4, "the turns of the swap's own role alone"


def test_what_has_changed_since_is_found_when_it_is_agreed_to() -> None:
    book = proposed()
    book.applied(rotation("c", "b", "a"))
    with pytest.raises(NotAllowed) as refused:
        book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    assert [rule.code for rule in refused.value.failed_rules] == ["ANOTHERS_TURN"]
    assert book.stands() is SwapState.PROPOSED


# ---- what is kept and told


def test_what_is_long_over_is_kept_no_longer() -> None:
    book = proposed()
    book.does(doctor("b"), ConfirmSwap(swap=book.swap))
    before = book.swap
    later = MONDAY + KEPT
    turn = later + timedelta(days=(3 - (later - MONDAY).days % 3) % 3 + 3)
    book.at(later - timedelta(seconds=1)).does(doctor("a"), asks(first=side("a", turn)))
    assert book.roster.proposals[0].name == before
    book.does(doctor("a"), WithdrawSwap(swap=book.swap, reason=REASON))
    book.at(later).does(doctor("a"), asks(first=side("a", turn)))
    assert before not in [each.name for each in book.roster.proposals]


def test_the_person_who_is_asked_is_told_in_both_languages_and_nobody_else() -> None:
    book = proposed(asks(second=side("b", TUESDAY)))
    told = swap_alert(book.roster, book.roster.proposals[-1])
    assert [[each.user for each in step.recipients] for step in told.escalation] == [["b"]]
    assert told.escalation[0].repeat_s == 0, "nobody is called again"
    assert told.act_by == MONDAY
    assert told.body.zh == (
        "2026-01-05 08:00 卒中中心一线值班 a → b；2026-01-06 08:00 卒中中心一线值班 b → a。"
        "请在 2026-01-05 08:00 前确认或谢绝，未确认前仍由原当班人值班。"
    )
    assert "stroke centre, on duty: a → b" in told.body.en


USERS = st.sampled_from(["a", "b", "c", "office"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["propose", "confirm", "decline", "withdraw", "lapse", "wait"]), USERS, USERS),
    max_size=14,
)


@settings(max_examples=60, deadline=None)
@generate(STEPS)
def test_a_turn_is_always_one_persons_and_moves_with_their_word_or_the_keepers_alone(
    steps: list[tuple[str, str, str]],
) -> None:
    book = Book()
    reason = CodedReason(code="X")
    for name, user, other in steps:
        by = OFFICE if user == "office" else doctor(user)
        last = book.roster.proposals[-1].name if book.roster.proposals else "rosters/x/swaps/none"
        asked: dict[str, SwapCommand] = {
            "propose": asks(taker=other),
            "confirm": ConfirmSwap(swap=last),
            "decline": DeclineSwap(swap=last, reason=reason),
            "withdraw": WithdrawSwap(swap=last, reason=reason),
            "lapse": LapseSwap(swap=last),
        }
        before = book.on_monday()
        if name == "wait":
            book.at(book.now + timedelta(hours=7))
            continue
        try:
            event = book.does(SYSTEM if name == "lapse" else by, asked[name])
        except (NotAllowed, NotFound, NotPermitted, InvalidInput):
            event = None
        after = book.on_monday()
        assert after, "somebody is on duty"
        if after != before:
            assert event is not None
            assert user in {"office", after}
            assert book.now < MONDAY
        waiting = [each for each in book.roster.proposals if each.state is SwapState.PROPOSED]
        assert len(waiting) <= 1, "one turn is asked for once"
        keys = [each.key for each in rosters.deadlines(book.roster) if swaps.lapsing(each.key)]
        assert len(keys) == len(waiting)
