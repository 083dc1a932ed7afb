"""Re-routing: somebody else is asked after everybody declined."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.referral_values import Dispatch, NormOverride, OfferState, ReferralState
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import NotFound
from tests.unit.referral.referral.network import (
    COORDINATOR,
    EAST,
    GENERAL,
    QITAI_COORDINATOR,
    TOWN,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
)
from tests.unit.referral.referral.stories import ACCEPT, CREATE, REASON, ROUTINE, declined, requested, told

DECLINE = c.DeclineReferral(reason=REASON)
REROUTE = c.RerouteReferral(destinations=("east-hospital",))


@pytest.mark.parametrize("actor", [WUCAIWAN, WUCAIWAN_OFFICE, COORDINATOR])
def test_the_origin_or_its_coordinator_asks_somebody_else(actor: Actor) -> None:
    chart = declined().later(minutes=5)
    chart.when(REROUTE, actor)
    state = chart.referral
    assert (state.state, state.hop_count) == (ReferralState.REQUESTED, 1)
    assert state.destination_facility == "east-hospital"
    assert state.norms[-1].code == "NEW_DESTINATION"
    assert state.offers[-1].sent_at == chart.now


def test_a_coordinator_of_another_community_does_not_re_route() -> None:
    assert isinstance(declined().refused(REROUTE, QITAI_COORDINATOR), NotFound)
    declined().refused(REROUTE, TOWN, "NotFound")
    declined().refused(REROUTE, GENERAL, "WRONG_FACILITY")


def test_asking_again_needs_a_coded_reason() -> None:
    again = c.RerouteReferral(destinations=("jimsar-general",))
    declined().refused(again, WUCAIWAN, "NEW_DESTINATION")
    override = NormOverride(rule="NEW_DESTINATION", reason=REASON)
    chart = told((replace(again, overrides=(override,)), WUCAIWAN), chart=declined())
    assert chart.referral.norms[-1].override == REASON


def test_a_re_routing_answers_to_the_norms() -> None:
    chart = declined()
    chart.refused(c.RerouteReferral(destinations=("jimsar-town",)), WUCAIWAN, "CAPABILITY", "NEAREST_CAPABLE")
    chart.refused(
        c.RerouteReferral(destinations=("wucaiwan", "nowhere")), WUCAIWAN, "ORIGIN", "UNKNOWN_FACILITY"
    )


def test_a_referral_is_re_routed_five_times_at_most() -> None:
    chart = requested(replace(ROUTINE, urgency=Urgency.URGENT, pathway=Pathway.GENERAL))
    override = NormOverride(rule="NEW_DESTINATION", reason=REASON)
    again = c.RerouteReferral(destinations=("jimsar-general",), overrides=(override,))
    for _ in range(5):
        told((DECLINE, GENERAL), (again, WUCAIWAN), chart=chart)
    chart.when(DECLINE, GENERAL)
    assert chart.referral.hop_count == 5
    chart.refused(again, WUCAIWAN, "HOPS_EXHAUSTED")


def test_an_emergency_re_routed_out_of_the_county_is_reviewed_afterwards() -> None:
    away = c.RerouteReferral(destinations=("east-hospital", "qitai-people"))
    chart = told((away, WUCAIWAN), chart=declined())
    assert (chart.referral.approval_in_retrospect, chart.referral.approval_facility) == (
        True,
        "jimsar-general",
    )
    within = told((REROUTE, WUCAIWAN), chart=declined())
    assert (within.referral.approval_in_retrospect, within.referral.approval_facility) == (False, "")


def test_a_re_routing_may_ask_all_at_once() -> None:
    both = c.RerouteReferral(
        destinations=("east-hospital", "qitai-people"), dispatch=Dispatch.FIRST_TO_ACCEPT
    )
    chart = told((both, WUCAIWAN), chart=declined())
    assert [offer.facility for offer in chart.referral.offers if offer.state is OfferState.SENT] == [
        "east-hospital",
        "qitai-people",
    ]
    assert chart.referral.dispatch is Dispatch.FIRST_TO_ACCEPT


def test_a_re_routing_keeps_the_dispatch_unless_told_otherwise() -> None:
    both = replace(
        CREATE, destinations=("jimsar-general", "east-hospital"), dispatch=Dispatch.FIRST_TO_ACCEPT
    )
    chart = told((DECLINE, GENERAL), (DECLINE, EAST), chart=requested(both))
    override = NormOverride(rule="NEW_DESTINATION", reason=REASON)
    again = c.RerouteReferral(destinations=("qitai-people", "east-hospital"), overrides=(override,))
    told((again, WUCAIWAN), chart=chart.later(minutes=1))
    assert chart.referral.dispatch is Dispatch.FIRST_TO_ACCEPT
    assert [offer.facility for offer in chart.referral.offers[2:]] == ["qitai-people", "east-hospital"]
    assert chart.referral.expires_at == chart.now + timedelta(minutes=10, hours=2)


def test_a_re_routing_lists_who_is_asked_next() -> None:
    listed = c.RerouteReferral(destinations=("east-hospital", "qitai-people"))
    chart = told((listed, WUCAIWAN), chart=declined().later(minutes=1))
    assert chart.referral.next_destinations == ("qitai-people",)
    assert chart.referral.expires_at == chart.now + timedelta(minutes=20, hours=2)


def test_whoever_was_only_slower_is_asked_anew_without_a_reason() -> None:
    both = replace(
        CREATE, destinations=("jimsar-general", "east-hospital"), dispatch=Dispatch.FIRST_TO_ACCEPT
    )
    chart = told((ACCEPT, EAST), (c.WithdrawAcceptance(reason=REASON), EAST), chart=requested(both))
    farther = c.RerouteReferral(destinations=("qitai-people",), dispatch=Dispatch.IN_ORDER)
    chart.refused(farther, WUCAIWAN, "NEAREST_CAPABLE")
    back = c.RerouteReferral(destinations=("east-hospital",), dispatch=Dispatch.IN_ORDER)
    chart.refused(back, WUCAIWAN, "NEAREST_CAPABLE", "NEW_DESTINATION")
    again = c.RerouteReferral(destinations=("jimsar-general",), dispatch=Dispatch.IN_ORDER)
    told((again, WUCAIWAN), (ACCEPT, GENERAL), chart=chart)
    assert chart.referral.state is ReferralState.ACCEPTED


def test_whoever_did_not_answer_in_time_has_had_its_say() -> None:
    chart = requested()
    chart.due("decide")
    chart.refused(c.RerouteReferral(destinations=("jimsar-general",)), WUCAIWAN, "NEW_DESTINATION")
    assert chart.when(REROUTE, WUCAIWAN)
