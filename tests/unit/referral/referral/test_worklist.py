"""Whose turn it is, and what is late, in every state."""

from dataclasses import replace

import pytest

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.referral_state import TERMINAL, parties
from services.referral.domain.referral_values import Dispatch, ReferralState
from services.referral.domain.worklist import OPEN_PHASE, PHASES, facets, is_overdue, phase_of, waiting_for
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import GENERAL, SYSTEM
from tests.unit.referral.referral.stories import (
    ACCEPT,
    CREATE,
    TO_STATE,
    accepted,
    bed,
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
