"""The review afterwards of what left the county without approval: when it is needed, by whom, how it ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral import deadlines
from services.referral.domain.referral_state import parties
from services.referral.domain.referral_values import (
    CrewLevel,
    NormOverride,
    ReferralState,
    Transport,
)
from services.referral.domain.review_values import RetrospectiveReview, ReviewState, ReviewVerdict
from services.referral.domain.values import CodedReason
from services.referral.domain.worklist import is_overdue, waiting_for
from services.shared.kernel.refusals import NotFound
from tests.unit.referral.referral.chart import Chart, names, where
from tests.unit.referral.referral.network import (
    AMBULANCE,
    GENERAL,
    GENERAL_OFFICE,
    QITAI,
    QITAI_OFFICE,
    SYSTEM,
    TOWN,
    WUCAIWAN,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    APPROVES,
    ARRIVE,
    CANCEL,
    CHANGJI_ACCEPTS,
    CLOSE,
    COMPLETE,
    CREATE,
    DEPART,
    DIED,
    ERROR,
    NO_REASON,
    REASON,
    accepted,
    awaiting_approval,
    in_transit,
    requested,
    told,
)

STATED = CodedReason(code="NEAREST_FULL", text="县内卒中中心满员")
REVIEW = c.ReviewReferral(verdict=ReviewVerdict.JUSTIFIED, reason=STATED)
LIMIT = timedelta(hours=72)
AWAY = replace(
    CREATE,
    destinations=("qitai-people",),
    bed_type=None,
    overrides=(NormOverride(rule="NEAREST_CAPABLE", reason=REASON),),
)
LEAVES = replace(DEPART, transport=Transport(crew_level=CrewLevel.ADVANCED))
TO_QITAI = c.DivertPatient(destination_facility="qitai-people", reason=REASON)
WITHDRAW = c.WithdrawAcceptance(reason=REASON)


def away_accepted() -> Chart:
    return told((ACCEPT, QITAI), chart=requested(AWAY))


def away_on_the_road() -> Chart:
    return told((LEAVES, AMBULANCE), chart=away_accepted())


def away_treated() -> Chart:
    return told((ARRIVE, QITAI), (COMPLETE, QITAI), chart=away_on_the_road())


def review_of(chart: Chart) -> RetrospectiveReview:
    review = chart.referral.review
    assert review is not None
    return review


def due(chart: Chart) -> bool:
    """Whether the review's deadline is open."""
    return "review" in set(chart.keys())


def test_an_acceptance_out_of_the_county_is_to_be_reviewed_within_72_hours() -> None:
    chart = requested(AWAY).later(minutes=3)
    assert chart.referral.review is None
    chart.when(ACCEPT, QITAI, occurred_at=chart.now - timedelta(minutes=2))
    assert review_of(chart) == RetrospectiveReview(
        state=ReviewState.PENDING, facility="jimsar-general", due_at=chart.now + LIMIT
    )
    assert chart.keys() == ["departure", "review"]
    assert "jimsar-general" in waiting_for(chart.referral)


def test_the_limit_is_the_sites() -> None:
    chart = requested(AWAY)
    chart.policy = replace(DEFAULT_POLICY, approval_review_s=3600)
    chart.when(ACCEPT, QITAI)
    assert review_of(chart).due_at == chart.now + timedelta(hours=1)


def test_within_the_county_nothing_is_reviewed() -> None:
    assert accepted().referral.review is None
    assert in_transit().referral.review is None


def test_what_was_approved_before_needs_no_second_word() -> None:
    chart = told(APPROVES, CHANGJI_ACCEPTS, chart=awaiting_approval())
    assert chart.referral.review is None
    chart.refused(REVIEW, GENERAL_OFFICE, "REVIEW_NOT_OPEN")


def test_the_lead_facilitys_office_reviews() -> None:
    chart = away_on_the_road().later(hours=30)
    (event,) = chart.when(REVIEW, GENERAL_OFFICE)
    assert names([event]) == ["ReferralReviewed"]
    assert where(chart) is ReferralState.IN_TRANSIT
    review = review_of(chart)
    assert (review.state, review.verdict, review.reason) == (
        ReviewState.DONE,
        ReviewVerdict.JUSTIFIED,
        STATED,
    )
    assert (review.reviewed_at, review.reviewed_by) == (chart.now, GENERAL_OFFICE.user)
    assert not due(chart)
    assert waiting_for(chart.referral) == ("qitai-people",)


def test_nobody_else_reviews() -> None:
    chart = away_on_the_road()
    chart.refused(REVIEW, GENERAL, "WRONG_ROLE")
    chart.refused(REVIEW, WUCAIWAN, "WRONG_FACILITY")
    chart.refused(REVIEW, QITAI_OFFICE, "WRONG_FACILITY")
    assert isinstance(chart.refused(REVIEW, TOWN), NotFound)


def test_a_review_needs_a_coded_reason_and_is_done_once() -> None:
    chart = away_on_the_road()
    chart.refused(replace(REVIEW, reason=NO_REASON), GENERAL_OFFICE, "REASON_MISSING")
    chart.when(REVIEW, GENERAL_OFFICE)
    chart.refused(REVIEW, GENERAL_OFFICE, "REVIEW_NOT_OPEN")
    both = replace(REVIEW, reason=NO_REASON)
    chart.refused(both, GENERAL_OFFICE, "REVIEW_NOT_OPEN", "REASON_MISSING")


def test_it_is_asked_for_in_states_with_a_destination_alone() -> None:
    asked = told((c.WithdrawAcceptance(reason=REASON), QITAI), chart=away_accepted())
    asked.refused(REVIEW, GENERAL_OFFICE, "NOT_ALLOWED_IN_STATE")


def test_an_overdue_review_is_told_once_and_can_still_be_done() -> None:
    chart = away_treated()
    due_at = review_of(chart).due_at
    assert names(chart.due("review")) == ["ReviewOverdue"]
    assert chart.now == due_at
    assert (review_of(chart).overdue, review_of(chart).state) == (True, ReviewState.PENDING)
    assert is_overdue(chart.referral)
    assert not due(chart)
    chart.when(REVIEW, GENERAL_OFFICE)
    assert (review_of(chart).overdue, review_of(chart).state) == (True, ReviewState.DONE)
    assert not is_overdue(chart.referral)


def test_a_late_deadline_of_a_review_that_was_done_gives_nothing() -> None:
    chart = away_treated()
    (key,) = [each.key for each in deadlines(chart.referral) if each.key.startswith("review")]
    told((REVIEW, GENERAL_OFFICE), chart=chart)
    assert chart.later(days=4).when(c.MeetDeadline(key=key), SYSTEM) == ()


def test_a_diversion_out_of_the_county_is_to_be_reviewed() -> None:
    chart = in_transit()
    assert chart.referral.approval_facility == ""
    chart.later(minutes=20).when(TO_QITAI, AMBULANCE)
    assert (review_of(chart).facility, review_of(chart).due_at) == ("jimsar-general", chart.now + LIMIT)
    assert "jimsar-general" in parties(chart.referral)
    assert chart.when(REVIEW, GENERAL_OFFICE)


def test_a_diversion_of_what_was_approved_is_not_reviewed() -> None:
    chart = told(APPROVES, CHANGJI_ACCEPTS, (LEAVES_FILED, GENERAL), chart=awaiting_approval())
    chart.when(TO_QITAI, AMBULANCE)
    assert chart.referral.review is None


LEAVES_FILED = replace(LEAVES, insurance_filing_number="BA-1")


def test_a_second_diversion_does_not_put_the_review_off() -> None:
    chart = away_on_the_road()
    due_at = review_of(chart).due_at
    further = c.DivertPatient(destination_facility="changji-prefecture", reason=REASON)
    chart.later(hours=2).when(further, AMBULANCE)
    assert (review_of(chart).due_at, review_of(chart).state) == (due_at, ReviewState.PENDING)
    late = away_on_the_road()
    late.due("review")
    late.when(further, AMBULANCE)
    assert review_of(late).overdue
    assert not due(late)


def test_a_diversion_after_the_review_is_to_be_reviewed_anew() -> None:
    chart = told((REVIEW, GENERAL_OFFICE), chart=away_on_the_road())
    further = c.DivertPatient(destination_facility="changji-prefecture", reason=REASON)
    chart.later(hours=2).when(further, AMBULANCE)
    assert (review_of(chart).state, review_of(chart).due_at) == (ReviewState.PENDING, chart.now + LIMIT)
    assert review_of(chart).verdict is None


def test_back_in_the_county_nothing_is_left_to_review() -> None:
    chart = told(
        (c.DivertPatient(destination_facility="jimsar-general", reason=REASON), AMBULANCE),
        chart=away_on_the_road(),
    )
    assert chart.referral.review is None
    assert chart.keys() == ["arrival"]
    done = told(
        (REVIEW, GENERAL_OFFICE),
        (c.DivertPatient(destination_facility="jimsar-general", reason=REASON), AMBULANCE),
        chart=away_on_the_road(),
    )
    assert review_of(done).state is ReviewState.DONE


def test_an_acceptance_that_is_withdrawn_leaves_nothing_to_review() -> None:
    chart = told((WITHDRAW, QITAI), chart=away_accepted())
    assert (chart.referral.review, chart.keys()) == (None, ["expire"])
    told((c.RerouteReferral(destinations=("jimsar-general",)), WUCAIWAN), (ACCEPT, GENERAL), chart=chart)
    assert chart.referral.review is None


def test_whoever_did_not_leave_is_not_reviewed() -> None:
    cancelled = told((CANCEL, WUCAIWAN), (c.ConfirmCancellation(), QITAI), chart=away_accepted())
    error = told((ERROR, WUCAIWAN), (ERROR, QITAI_OFFICE), chart=away_accepted())
    died = away_accepted()
    died.when(DIED(died_at=died.now, certifier="张医生"), WUCAIWAN)
    for chart in (cancelled, error, died):
        assert chart.referral.review is None
        assert chart.keys() == []
        assert "ReviewNotDone" not in names(chart.events)


def test_a_referral_that_is_closed_with_an_open_review_says_so() -> None:
    chart = away_treated()
    assert names(chart.when(CLOSE, WUCAIWAN)) == ["ReviewNotDone", "ReferralClosed"]
    assert (where(chart), review_of(chart).state) == (ReferralState.CLOSED, ReviewState.NOT_DONE)
    assert chart.keys() == []
    chart.refused(REVIEW, GENERAL_OFFICE, "NOT_ALLOWED_IN_STATE")


def test_a_reviewed_referral_is_closed_without_a_word() -> None:
    chart = told((REVIEW, GENERAL_OFFICE), chart=away_treated())
    assert names(chart.when(CLOSE, WUCAIWAN)) == ["ReferralClosed"]
    assert review_of(chart).state is ReviewState.DONE


@pytest.mark.parametrize("story", [away_on_the_road, away_treated])
def test_a_death_after_departure_says_that_nobody_reviewed(story: object) -> None:
    chart: Chart = story()  # type: ignore[operator]
    actor = WUCAIWAN if where(chart) is ReferralState.IN_TRANSIT else QITAI
    died = DIED(died_at=chart.now, certifier="张医生")
    assert names(chart.when(died, actor)) == ["ReviewNotDone", "PatientDied"]
    assert review_of(chart).state is ReviewState.NOT_DONE


def test_the_review_outlives_arrival_and_treatment() -> None:
    assert away_treated().keys() == ["outcome-report", "review"]


def test_old_events_ask_for_no_review() -> None:
    """An acceptance from before the review was kept: the resource shows none, and nothing is due."""
    chart = requested(AWAY)
    (event,) = chart.decide(ACCEPT, QITAI)
    old = replace(event, review_due_at=None, review_facility="")  # type: ignore[call-arg]
    chart.take([old], chart.context(QITAI))
    assert (chart.referral.review, due(chart)) == (None, False)
