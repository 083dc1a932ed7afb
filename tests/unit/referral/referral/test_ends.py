"""Cancellation, death, errors, and what terminal means."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.events import CancellationRequested, ReferralCancelled
from services.referral.domain.referral import allowed_commands, deadlines, is_live
from services.referral.domain.referral_state import TERMINAL
from services.referral.domain.referral_values import BedRegion, OfferState, ReferralState
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.network import COORDINATOR, GENERAL, GENERAL_OFFICE, TOWN, WUCAIWAN
from tests.unit.referral.referral.stories import (
    ARRIVE,
    CANCEL,
    DIED,
    ERROR,
    NO_REASON,
    REASON,
    ROUTINE,
    TO_STATE,
    accepted,
    arrived,
    awaiting_approval,
    cancel_requested,
    cancelled,
    declined,
    in_transit,
    info_requested,
    no_show,
    requested,
    told,
    transport_arranged,
)


def test_before_acceptance_the_origin_cancels_alone() -> None:
    for story in (requested, info_requested, declined, no_show):
        chart = story()
        chart.refused(c.CancelReferral(reason=NO_REASON), WUCAIWAN, "REASON_MISSING")
        chart.refused(CANCEL, GENERAL, "WRONG_FACILITY")
        chart.when(CANCEL, WUCAIWAN)
        assert (chart.referral.state, chart.referral.end_reason) == (ReferralState.CANCELLED, REASON)
        assert chart.referral.offers[-1].state is not OfferState.SENT
    assert names(awaiting_approval().when(CANCEL, GENERAL)) == ["ReferralCancelled"]


@pytest.mark.parametrize("story", [accepted, transport_arranged])
def test_after_acceptance_the_destination_confirms(story: Callable[[], Chart]) -> None:
    chart = story()
    chart.refused(c.CancelReferral(reason=NO_REASON), WUCAIWAN, "REASON_MISSING")
    (event,) = chart.when(CANCEL, WUCAIWAN)
    assert isinstance(event, CancellationRequested)
    assert event.confirm_by == chart.now + timedelta(minutes=10)
    assert (chart.referral.state, chart.keys()) == (ReferralState.CANCEL_REQUESTED, ["cancellation"])
    chart.refused(c.ConfirmCancellation(), WUCAIWAN, "WRONG_FACILITY")
    (done,) = chart.when(c.ConfirmCancellation(), GENERAL_OFFICE)
    assert isinstance(done, ReferralCancelled)
    assert (done.by_deadline, done.reason) == (False, REASON)
    assert chart.referral.state is ReferralState.CANCELLED


def test_an_end_leaves_nobody_to_ask() -> None:
    listed = replace(ROUTINE, destinations=("jimsar-general", "east-hospital"))
    chart = told((CANCEL, WUCAIWAN), chart=requested(listed))
    state = chart.referral
    assert (state.next_destinations, state.expires_at) == ((), None)
    assert [offer.state for offer in state.offers] == [OfferState.WITHDRAWN]


def test_a_cancellation_releases_the_hold() -> None:
    chart = told((c.ConfirmCancellation(), GENERAL), chart=cancel_requested())
    assert chart.referral.bed_region is BedRegion.RELEASED
    assert cancelled().referral.bed_region is BedRegion.REQUESTED


def test_an_unanswered_cancellation_is_confirmed_by_itself() -> None:
    chart = cancel_requested()
    (done,) = chart.due("cancellation")
    assert isinstance(done, ReferralCancelled)
    assert done.by_deadline
    assert chart.referral.state is ReferralState.CANCELLED


def test_a_patient_who_arrives_ends_the_cancellation() -> None:
    chart = told((ARRIVE, GENERAL), chart=cancel_requested())
    assert (chart.referral.state, chart.referral.confirm_by) == (ReferralState.ARRIVED, None)


@pytest.mark.parametrize("state", [state for state in ReferralState if state not in TERMINAL])
def test_the_custodian_records_a_death_in_any_state(state: ReferralState) -> None:
    chart = TO_STATE[state]()
    custodian = GENERAL if chart.referral.custodian_facility == "jimsar-general" else WUCAIWAN
    death = DIED(died_at=chart.now, certifier="张医生")
    chart.refused(replace(death, certifier=" "), custodian, "CERTIFIER_MISSING")
    chart.refused(replace(death, died_at=chart.now + timedelta(seconds=1)), custodian, "IN_THE_FUTURE")
    chart.when(death, custodian)
    assert chart.referral.state is ReferralState.DECEASED
    assert chart.referral.bed_region is not BedRegion.HELD
    assert not [offer for offer in chart.referral.offers if offer.state is OfferState.SENT]


def test_only_the_custodian_records_a_death() -> None:
    death = DIED(died_at=in_transit().now, certifier="张医生")
    in_transit().refused(death, GENERAL, "WRONG_FACILITY")
    arrived().refused(death, WUCAIWAN, "WRONG_FACILITY")
    arrived().refused(death, TOWN, "NotFound")


@pytest.mark.parametrize("state", list(ReferralState))
def test_an_error_is_marked_in_any_state_but_once(state: ReferralState) -> None:
    chart = TO_STATE[state]()
    origin = GENERAL if chart.referral.origin_facility == "jimsar-general" else WUCAIWAN
    if state is ReferralState.ENTERED_IN_ERROR:
        chart.refused(ERROR, origin, "NOT_ALLOWED_IN_STATE")
        return
    chart.refused(replace(ERROR, reason=NO_REASON), origin, "REASON_MISSING")
    chart.when(ERROR, origin)
    if chart.referral.was_accepted:
        assert chart.referral.state is state
        chart.when(ERROR, COORDINATOR)
    assert (chart.referral.state, chart.referral.end_reason) == (ReferralState.ENTERED_IN_ERROR, REASON)


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_terminal_accepts_nothing_but_an_error(state: ReferralState) -> None:
    chart = TO_STATE[state]()
    expected = () if state is ReferralState.ENTERED_IN_ERROR else ("MarkEnteredInError",)
    assert allowed_commands(chart.referral) == expected
    assert deadlines(chart.referral) == ()
    assert not is_live(chart.referral)


def test_who_was_referred_was_alive_then() -> None:
    asked_at = requested().now
    chart = requested().later(hours=2)
    long_ago = DIED(died_at=datetime(1970, 1, 1, tzinfo=UTC), certifier="张医生")
    chart.refused(long_ago, WUCAIWAN, "BEFORE_REQUEST")
    before = DIED(died_at=asked_at - timedelta(minutes=6), certifier="张医生")
    chart.refused(before, WUCAIWAN, "BEFORE_REQUEST")
    # Clocks differ a little.
    assert chart.when(replace(before, died_at=asked_at - timedelta(minutes=5)), WUCAIWAN)


def test_who_arrived_was_alive_then() -> None:
    chart = arrived()
    there_at = chart.referral.arrived_at
    assert there_at is not None
    later = chart.later(hours=1)
    on_the_road = DIED(died_at=there_at - timedelta(minutes=6), certifier="张医生")
    later.refused(on_the_road, GENERAL, "BEFORE_ARRIVAL")
    assert later.when(replace(on_the_road, died_at=there_at), GENERAL)
