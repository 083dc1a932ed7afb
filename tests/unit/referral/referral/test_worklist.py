"""Whose turn it is, and what is late, in every state."""

from dataclasses import replace

import pytest

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.commands_plan import ExplainMissedTask
from services.referral.domain.referral_state import TERMINAL, parties
from services.referral.domain.referral_values import ClinicalSummary, Dispatch, ReferralState
from services.referral.domain.rehabilitation import RehabilitationTask, RehabilitationTaskState
from services.referral.domain.worklist import OPEN_PHASE, PHASES, facets, is_overdue, phase_of, waiting_for
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import GENERAL, SYSTEM, TOWN
from tests.unit.referral.referral.stories import (
    ACCEPT,
    CREATE,
    REASON,
    TO_STATE,
    accepted,
    bed,
    down_arrived,
    in_transit,
    info_requested,
    requested,
    told,
    treated,
)

ORIGIN, DESTINATION = "wucaiwan", "jimsar-general"
BOTH = replace(CREATE, destinations=(DESTINATION, "east-hospital"), dispatch=Dispatch.FIRST_TO_ACCEPT)

S = ReferralState
TURNS = {
    S.AWAITING_APPROVAL: (DESTINATION,),
    S.REQUESTED: (DESTINATION,),
    S.INFO_REQUESTED: (ORIGIN,),
    S.DECLINED: (ORIGIN,),
    S.ACCEPTED: (ORIGIN,),
    S.TRANSPORT_ARRANGED: (ORIGIN,),
    S.IN_TRANSIT: (DESTINATION,),
    S.NO_SHOW: (ORIGIN,),
    S.CANCEL_REQUESTED: (DESTINATION,),
    S.ARRIVED: (DESTINATION,),
    S.IN_TREATMENT: (DESTINATION,),
    S.TREATED: (ORIGIN,),
}


@pytest.mark.parametrize("state", list(S))
def test_whose_turn_it_is_in_each_state(state: ReferralState) -> None:
    referral = TO_STATE[state]().referral
    assert waiting_for(referral) == TURNS.get(state, ())
    assert set(waiting_for(referral)) <= set(parties(referral))
    assert bool(waiting_for(referral)) is (state not in TERMINAL)


def test_of_several_who_are_asked_each_one_is_waited_for_until_it_asks_back() -> None:
    chart = requested(BOTH)
    assert waiting_for(chart.referral) == (DESTINATION, "east-hospital")
    chart.when(c.RequestInformation(questions=("CT？",)), GENERAL)
    assert waiting_for(chart.referral) == (ORIGIN, "east-hospital")


def test_a_lost_bed_is_the_destinations_to_answer_too() -> None:
    chart = told((bed(BedNews.UNAVAILABLE), SYSTEM), chart=accepted())
    assert waiting_for(chart.referral) == (ORIGIN, DESTINATION)


@pytest.mark.parametrize(
    "chart, due",
    [(requested(), "acknowledge"), (in_transit(), "arrival"), (treated(), "outcome-report")],
)
def test_what_is_late_is_overdue_once_its_deadline_passed(chart: Chart, due: str) -> None:
    assert not is_overdue(chart.referral)
    chart.due(due)
    assert is_overdue(chart.referral)
    assert facets(chart.referral)["overdue"] is True


def test_what_was_done_late_is_overdue_no_more() -> None:
    chart = requested()
    chart.due("acknowledge")
    assert not is_overdue(told((c.AcknowledgeOffer(), GENERAL), chart=chart.copy()).referral)
    assert not is_overdue(told((ACCEPT, GENERAL), chart=chart.copy()).referral)
    assert not is_overdue(info_requested().referral)


def test_everything_that_is_not_over_is_found_in_one_phase() -> None:
    assert {phase_of(state) for state in S if state not in TERMINAL} == {OPEN_PHASE}
    assert {phase_of(state) for state in S} == set(PHASES)
    assert len(PHASES) == 1 + len(TERMINAL)


def test_an_incomplete_record_of_an_emergency_is_the_origins_to_complete() -> None:
    bare = ClinicalSummary(diagnosis_name="急性脑梗死", referral_reason="溶栓后转上级")
    chart = requested(replace(CREATE, clinical_summary=bare))
    assert waiting_for(chart.referral) == (DESTINATION, ORIGIN)
    assert not is_overdue(told((ACCEPT, GENERAL), chart=chart.copy()).referral)
    late = told((ACCEPT, GENERAL), chart=chart.copy())
    late.due("record")
    assert is_overdue(late.referral)


def test_a_missed_task_is_overdue_until_it_is_explained() -> None:
    chart = down_arrived()
    chart.due("task")
    assert is_overdue(chart.referral)
    missed = next(task for task in planned(chart) if task.state is RehabilitationTaskState.MISSED)
    chart.when(ExplainMissedTask(task=missed.id, reason=REASON), TOWN)
    assert not is_overdue(chart.referral)


def planned(chart: Chart) -> tuple[RehabilitationTask, ...]:
    plan = chart.referral.rehabilitation_plan
    assert plan is not None
    return plan.tasks
