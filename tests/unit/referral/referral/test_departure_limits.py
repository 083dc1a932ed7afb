"""Until when a departure is due, and a new time of arrival: what is promised, and what comes of it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.events import ArrivalEstimateChanged, ArrivalOverdue
from services.referral.domain.policy import DEFAULT_TERMS, ReferralPolicy
from services.referral.domain.referral_values import ReferralState
from services.referral.domain.values import Pathway, Urgency
from services.referral.domain.worklist import is_overdue
from services.shared.kernel.actor import Actor
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import AMBULANCE, GENERAL, SYSTEM, WUCAIWAN
from tests.unit.referral.referral.reminders import DAY, HOUR, MINUTE, due_in
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ADVANCED,
    ARRANGE,
    ARRIVE,
    CREATE,
    DEPART,
    ROUTINE,
    TO_STATE,
    accepted,
    bed,
    bed_held,
    in_transit,
    requested,
    told,
    transport_arranged,
)

S = ReferralState

URGENT = replace(CREATE, urgency=Urgency.URGENT)


def expecting(command: c.CreateReferral, after: timedelta) -> Chart:
    chart = requested(command)
    return told((replace(ACCEPT, estimated_arrival_time=chart.now + after), GENERAL), chart=chart)


# ---- until when a departure is due


def test_an_emergency_leaves_within_its_limit_whatever_arrival_is_expected() -> None:
    assert due_in(expecting(CREATE, 8 * HOUR), "departure") == 30 * MINUTE
    # By that arrival it should have left already: the margin is all that is left.
    assert due_in(expecting(CREATE, 60 * MINUTE), "departure") == 10 * MINUTE
    assert due_in(expecting(CREATE, (95 + 15) * MINUTE), "departure") == 25 * MINUTE


def test_transport_for_a_later_departure_puts_it_off() -> None:
    chart = bed_held()
    later = replace(ADVANCED, departure_planned_at=chart.now + 2 * HOUR)
    told((replace(ARRANGE, transport=later), WUCAIWAN), chart=chart)
    assert due_in(chart, "departure") == 130 * MINUTE


def test_an_urgent_patient_leaves_in_time_for_the_expected_arrival() -> None:
    assert due_in(accepted(URGENT), "departure") == 4 * HOUR
    assert due_in(expecting(URGENT, 20 * HOUR), "departure") == (20 * 60 - 95 + 60) * MINUTE


def test_a_routine_patient_may_set_out_until_the_day_of_the_visit_is_over() -> None:
    assert due_in(accepted(ROUTINE), "departure") == 7 * DAY
    chart = expecting(ROUTINE, 3 * DAY)
    # 2 March 10:00 at the site; the visit is on the 5th.
    assert due_in(chart, "departure") == 3 * DAY + 14 * HOUR
    assert chart.referral.hold_until == chart.now + 3 * DAY + 14 * HOUR


def test_what_is_entered_late_is_not_born_overdue() -> None:
    chart = requested().later(hours=5)
    chart.when(ACCEPT, GENERAL, occurred_at=chart.now - 5 * HOUR)
    assert due_in(chart, "departure") == 30 * MINUTE
    chart.when(bed(BedNews.HELD), SYSTEM)
    told((ARRANGE, WUCAIWAN), chart=chart)
    late = replace(DEPART, estimated_arrival_time=chart.now - 2 * HOUR)
    chart.when(late, WUCAIWAN, occurred_at=chart.now - 3 * HOUR)
    assert due_in(chart, "arrival") == 15 * MINUTE


def test_limits_are_the_sites_by_pathway_and_urgency() -> None:
    stroke = replace(
        DEFAULT_TERMS[Urgency.EMERGENCY],
        departure_s=600,
        treatment_start_s=120,
        bed_answer_s=30,
    )
    policy = ReferralPolicy(
        terms_by_pathway={(Pathway.STROKE, Urgency.EMERGENCY): stroke}, overdue_reminders_max=1
    )
    chart = told((ACCEPT, GENERAL), chart=requested().fact(policy=policy))
    assert (due_in(chart, "departure"), due_in(chart, "bed-answer")) == (10 * MINUTE, MINUTE / 2)
    chart.due("departure")
    assert chart.keys() == ["bed-answer"]
    told((ARRIVE, GENERAL), chart=chart)
    assert due_in(chart, "treatment-start") == 2 * MINUTE


# ---- a new time of arrival


def test_another_arrival_moves_the_hold_and_the_deadline() -> None:
    for who in (WUCAIWAN, AMBULANCE):
        chart = in_transit()
        before = chart.referral
        eta = chart.now + 5 * HOUR
        (event,) = chart.when(c.UpdateArrivalEstimate(estimated_arrival_time=eta), who)
        assert event == ArrivalEstimateChanged(
            facility="jimsar-general",
            previous_arrival_time=before.estimated_arrival_time,
            estimated_arrival_time=eta,
            hold_until=eta + 30 * MINUTE,
            next_due_at=eta + 15 * MINUTE,
        )
        state = chart.referral
        assert (state.estimated_arrival_time, state.hold_until) == (eta, eta + 30 * MINUTE)
        assert due_in(chart, "arrival") == 5 * HOUR + 15 * MINUTE
        assert chart.when(c.UpdateArrivalEstimate(estimated_arrival_time=eta), who) == ()


def test_a_word_from_the_road_ends_the_delay() -> None:
    chart = in_transit()
    chart.due("arrival")
    told(
        (c.UpdateArrivalEstimate(estimated_arrival_time=chart.now + HOUR), AMBULANCE),
        chart=chart,
    )
    assert not is_overdue(chart.referral)
    (event,) = chart.due("arrival")
    assert isinstance(event, ArrivalOverdue)
    assert not event.again


def test_before_the_departure_another_arrival_moves_the_departure() -> None:
    chart = transport_arranged()
    later = c.UpdateArrivalEstimate(estimated_arrival_time=chart.now + 4 * HOUR)
    told((later, WUCAIWAN), chart=chart)
    assert due_in(chart, "departure") == 4 * HOUR - 95 * MINUTE + 10 * MINUTE


def test_an_ambulance_that_says_so_takes_part() -> None:
    chart = told((replace(DEPART, transport=ADVANCED), WUCAIWAN), chart=bed_held())
    assert chart.referral.ambulance_facility == ""
    told((c.UpdateArrivalEstimate(estimated_arrival_time=chart.now + HOUR), AMBULANCE), chart=chart)
    assert chart.referral.ambulance_facility == AMBULANCE.facility


@pytest.mark.parametrize(("state", "who"), [(S.IN_TRANSIT, GENERAL), (S.TRANSPORT_ARRANGED, GENERAL)])
def test_the_destination_does_not_say_when_the_patient_comes(state: S, who: Actor) -> None:
    chart = TO_STATE[state]()
    eta = c.UpdateArrivalEstimate(estimated_arrival_time=chart.now + HOUR)
    chart.refused(eta, who, "WRONG_FACILITY")
