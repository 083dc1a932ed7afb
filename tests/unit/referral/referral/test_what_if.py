"""Given a recorded referral, when directory or policy were another, then this is what would differ."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.domain import commands as c
from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral_values import Dispatch, NormOverride
from services.referral.domain.values import Scope, Urgency
from services.referral.domain.what_if_course import Assumption, Outcome
from services.referral.domain.what_if_habits import Basis, within
from services.referral.domain.what_if_record import AnswerKind
from services.referral.domain.what_if_totals import difference, is_changed
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import (
    COMMUNITIES,
    EAST,
    FACILITIES,
    GENERAL,
    START,
    WUCAIWAN,
    applied,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    CANCEL,
    CREATE,
    REASON,
    ROUTINE,
)
from tests.unit.referral.referral.what_if_stories import (
    DECLINE,
    LISTED,
    STORIES,
    acceptance_withdrawn_and_nobody_left,
    accepted,
    approval_refused,
    approved,
    asked_at_once,
    declined_then_accepted,
    departed,
    lapsed_and_rerouted,
    of_east,
    what_if,
    with_terms,
    without,
)


@pytest.mark.parametrize("story", STORIES)
def test_when_nothing_is_another_nothing_differs(story: object) -> None:
    found = what_if(story(), others=[accepted(), approved()])  # type: ignore[operator]
    assert found.what_if == found.recorded
    assert (found.left_out, found.assumptions) == ((), ())
    assert not is_changed(found)


@settings(max_examples=40, deadline=None)
@given(
    waits=st.lists(st.floats(0.1, 9.0), min_size=3, max_size=3),
    first=st.sampled_from(["accept", "decline", "lapse"]),
    at_once=st.booleans(),
)
def test_however_long_it_took_nothing_differs(waits: list[float], first: str, at_once: bool) -> None:
    dispatch = Dispatch.FIRST_TO_ACCEPT if at_once else Dispatch.IN_ORDER
    chart = Chart()
    chart.when(replace(LISTED, dispatch=dispatch), WUCAIWAN)
    if first == "lapse":
        chart.due("decide")
    else:
        chart.later(minutes=waits[0]).when(ACCEPT if first == "accept" else DECLINE, GENERAL)
    if first == "decline":
        chart.later(seconds=waits[1]).when(ACCEPT, EAST)
    found = what_if(chart)
    assert found.what_if == found.recorded


def test_of_a_closed_destination_the_next_of_the_list_is_asked_as_it_was_wont_to() -> None:
    found = what_if(accepted(), directory=without("jimsar-general"), others=[of_east(ACCEPT, 6, 2)])

    assert [(each.facility, each.rules) for each in found.left_out] == [
        ("jimsar-general", ("NOT_IN_DIRECTORY",))
    ]
    (asked,) = found.what_if.asked
    assert (asked.facility, asked.kind, asked.wait_s) == ("east-hospital", AnswerKind.ACCEPTED, 360)
    assert (asked.basis, asked.cases) == (Basis.OWN_MEDIAN, 1)
    assert (found.recorded.accepted_s, found.what_if.accepted_s) == (240, 360)
    assert (found.recorded.travel_minutes, found.what_if.travel_minutes) == (95, 110)


def test_who_declined_declines_and_who_is_closed_is_not_asked() -> None:
    found = what_if(declined_then_accepted(), directory=without("east-hospital"))
    assert [(each.facility, each.kind, each.basis) for each in found.what_if.asked][:1] == [
        ("jimsar-general", AnswerKind.DECLINED, Basis.RECORDED)
    ]
    assert found.what_if.asked[1].facility == "qitai-people", "the nearest that the platform would name"
    assert Assumption.RANKING_ASKED in found.assumptions


def test_of_whom_nothing_is_known_the_middle_of_all_is_assumed() -> None:
    found = what_if(accepted(CREATE), directory=without("jimsar-general"))
    asked = found.what_if.asked[0]
    assert (asked.basis, asked.wait_s, asked.cases) == (Basis.MEDIAN_OF_ALL, 240, 1)


def test_when_nothing_at_all_is_known_the_limit_is_taken() -> None:
    chart = Chart()
    chart.when(CREATE, WUCAIWAN)
    chart.later(minutes=1).when(CANCEL, WUCAIWAN)
    found = what_if(chart, directory=without("jimsar-general"))
    asked = found.what_if.asked[0]
    assert (asked.basis, asked.wait_s) == (Basis.TIME_LIMIT, 600)


def test_who_mostly_declines_is_assumed_to_decline() -> None:
    words = enumerate((DECLINE, DECLINE, ACCEPT), start=2)
    others = [of_east(command, number - 1, number) for number, command in words]
    found = what_if(accepted(), directory=without("jimsar-general"), others=others)
    asked = found.what_if.asked[0]
    assert (asked.facility, asked.kind, asked.wait_s) == ("east-hospital", AnswerKind.DECLINED, 90)
    assert found.what_if.asked[1].facility == "qitai-people"


def test_under_a_shorter_limit_a_late_answer_is_none_and_the_next_is_asked() -> None:
    found = what_if(accepted(minutes=8), policy=with_terms(Urgency.EMERGENCY, decide_s=300))
    assert [each.facility for each in found.what_if.asked[:2]] == ["jimsar-general", "east-hospital"]
    assert {(each.kind, each.wait_s) for each in found.what_if.asked} == {(AnswerKind.LAPSED, 300)}
    assert found.what_if.outcome is Outcome.EXHAUSTED


def test_under_a_longer_limit_who_said_nothing_says_nothing_for_longer() -> None:
    found = what_if(lapsed_and_rerouted(), policy=with_terms(Urgency.EMERGENCY, decide_s=1200))
    assert found.what_if.asked[0].wait_s == 1200
    assert found.recorded.accepted_s is not None
    assert found.what_if.accepted_s == found.recorded.accepted_s + 600


def test_under_a_shorter_limit_of_seeing_an_offer_is_late() -> None:
    found = what_if(accepted(), policy=with_terms(Urgency.EMERGENCY, acknowledge_s=30))
    assert [each.is_late for each in found.recorded.asked] == [False]
    assert [each.is_late for each in found.what_if.asked] == [True]


def test_the_stay_at_the_origin_moves_with_the_acceptance() -> None:
    came, others = START - timedelta(minutes=20), [of_east(ACCEPT, 1, 2)]

    found = what_if(departed(), directory=without("jimsar-general"), others=others, door_in_at=came)

    assert found.recorded.door_in_door_out_s == (20 + 4 + 15) * 60
    assert found.what_if.door_in_door_out_s == (20 + 1 + 15) * 60
    assert Assumption.DEPARTURE_FOLLOWS in found.assumptions


def test_an_approval_that_is_not_asked_for_any_more_takes_no_time() -> None:
    policy = replace(DEFAULT_POLICY, approval_scopes=frozenset())
    found = what_if(approved(), policy=policy)
    assert (found.recorded.accepted_s, found.what_if.accepted_s) == (4 * 3600, 3600)


def test_who_was_refused_goes_when_nobody_has_to_approve() -> None:
    policy = replace(DEFAULT_POLICY, approval_scopes=frozenset())
    found = what_if(approval_refused(), policy=policy, others=[approved()])
    assert found.recorded.outcome is Outcome.APPROVAL_REFUSED
    assert (found.what_if.outcome, found.what_if.accepted_by) == (Outcome.ACCEPTED, "changji-prefecture")


def test_an_approval_that_is_new_takes_as_long_as_approvals_do() -> None:
    within = replace(ROUTINE, destinations=("jimsar-general",))
    policy = replace(DEFAULT_POLICY, approval_scopes=frozenset(Scope))
    for others, assumption, waited_s in (
        ([approved()], Assumption.APPROVAL_MEDIAN, 3 * 3600),
        ([], Assumption.APPROVAL_UNKNOWN, 0),
    ):
        found = what_if(accepted(within), policy=policy, others=others)
        assert assumption in found.assumptions
        assert found.what_if.accepted_s == waited_s + 240


def test_a_norm_that_forbids_it_now_is_named() -> None:
    # The stroke centre lost its capability: the directory says so, and the norm follows.

    facilities = tuple(
        replace(each, capabilities=()) if each.id == "jimsar-general" else each for each in FACILITIES
    )
    directory = applied(ApplyDirectory(communities=COMMUNITIES, facilities=facilities))
    found = what_if(accepted(), directory=directory)
    (left_out,) = found.left_out
    assert left_out.facility == "jimsar-general"
    assert "CAPABILITY" in left_out.rules
    assert found.what_if.accepted_by == "east-hospital"


def test_a_referral_whose_origin_is_closed_has_no_other_course() -> None:
    found = what_if(accepted(), directory=without("wucaiwan"))
    assert found.what_if.outcome is Outcome.ORIGIN_GONE
    total = difference([found], {})
    assert (total.origin_gone, total.recorded.referrals) == (1, 0)


def test_an_acceptance_that_was_withdrawn_is_none() -> None:
    found = what_if(acceptance_withdrawn_and_nobody_left())
    assert found.recorded.outcome is Outcome.EXHAUSTED
    assert (found.recorded.accepted_by, found.recorded.accepted_s) == ("", None)


def test_who_was_outrun_is_not_assumed_to_be_faster_than_it_was() -> None:
    found = what_if(asked_at_once(), directory=without("jimsar-general"), others=[of_east(ACCEPT, 1, 2)])
    (asked,) = found.what_if.asked
    assert (asked.facility, asked.kind, asked.basis) == (
        "east-hospital",
        AnswerKind.ACCEPTED,
        Basis.OWN_MEDIAN,
    )
    assert asked.wait_s == 181, "it had not accepted when the other one had, after three minutes"


def test_a_facility_that_is_asked_again_answers_as_it_did_the_second_time() -> None:
    chart = Chart()
    chart.when(CREATE, WUCAIWAN)
    chart.due("decide")
    again = c.RerouteReferral(
        destinations=("jimsar-general",), overrides=(NormOverride(rule="NEW_DESTINATION", reason=REASON),)
    )
    chart.later(minutes=1).when(again, WUCAIWAN)
    chart.later(minutes=2).when(ACCEPT, GENERAL)
    found = what_if(chart)
    assert [each.kind for each in found.what_if.asked] == [AnswerKind.LAPSED, AnswerKind.ACCEPTED]
    assert found.what_if == found.recorded


def test_the_ranking_asks_nobody_whom_a_norm_forbids() -> None:
    routine = replace(ROUTINE, destinations=("jimsar-general",))
    # Nobody answers in time, so that all are asked who may be.
    policy = with_terms(Urgency.ROUTINE, decide_s=60)
    found = what_if(accepted(routine), directory=without("jimsar-general"), policy=policy)
    asked = [each.facility for each in found.what_if.asked]
    assert len(asked) > 1
    assert "changji-prefecture" not in asked, "a routine referral climbs one level at a time"


@pytest.mark.parametrize(
    ("kind", "wait_s", "given_s", "limit_s", "expected"),
    [
        (AnswerKind.ACCEPTED, 500, 600, 600, (AnswerKind.ACCEPTED, 500)),
        (AnswerKind.ACCEPTED, 500, 600, 400, (AnswerKind.LAPSED, 400)),
        # It was late under the old limit already, and taken all the same.
        (AnswerKind.ACCEPTED, 900, 600, 700, (AnswerKind.ACCEPTED, 900)),
        (AnswerKind.DECLINED, 500, None, 400, (AnswerKind.LAPSED, 400)),
        (AnswerKind.LAPSED, 600, 600, 900, (AnswerKind.LAPSED, 900)),
        (AnswerKind.UNDECIDED, 900, 600, 300, (AnswerKind.UNDECIDED, 900)),
    ],
)
def test_an_answer_under_another_limit(
    kind: AnswerKind, wait_s: int, given_s: int | None, limit_s: int, expected: tuple[AnswerKind, int]
) -> None:
    assert within(kind, wait_s, given_s, limit_s) == expected
