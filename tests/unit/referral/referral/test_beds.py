"""The bed region follows the bed service, and only it."""

from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.commands import BedNews
from services.referral.domain.referral_values import BedRegion, NormOverride, ReferralState
from services.shared.kernel.refusals import NotFound, NotPermitted
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.network import (
    AMBULANCE,
    GENERAL,
    GENERAL_BEDS,
    START,
    SYSTEM,
    TOWN,
    WUCAIWAN,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    REASON,
    TO_STATE,
    accepted,
    arrived,
    bed,
    bed_held,
    hold,
    in_transit,
    requested,
    told,
)

HELD, LAPSED, RELEASED = BedNews.HELD, BedNews.HOLD_LAPSED, BedNews.RELEASED
UNAVAILABLE, OCCUPIED = BedNews.UNAVAILABLE, BedNews.OCCUPIED


def region(chart: Chart) -> BedRegion:
    return chart.referral.bed_region


@pytest.mark.parametrize(
    ("news", "event", "after"),
    [
        (HELD, "BedHeld", BedRegion.HELD),
        (UNAVAILABLE, "BedUnavailable", BedRegion.UNAVAILABLE),
        (OCCUPIED, "BedOccupied", BedRegion.OCCUPIED),
    ],
)
def test_the_first_word_on_a_bed(news: BedNews, event: str, after: BedRegion) -> None:
    chart = accepted()
    assert names(chart.when(bed(news), SYSTEM)) == [event]
    assert (region(chart), chart.referral.bed) == (after, hold())


@pytest.mark.parametrize(
    ("news", "event", "after"),
    [
        (LAPSED, "BedHoldLapsed", BedRegion.LAPSED),
        (OCCUPIED, "BedOccupied", BedRegion.OCCUPIED),
        (RELEASED, "BedReleased", BedRegion.RELEASED),
    ],
)
def test_what_becomes_of_a_hold(news: BedNews, event: str, after: BedRegion) -> None:
    chart = bed_held()
    assert names(chart.when(bed(news), SYSTEM)) == [event]
    assert region(chart) is after


def test_a_hold_that_is_not_the_current_one_neither_lapses_nor_goes() -> None:
    for news in (LAPSED, RELEASED):
        assert bed_held().when(bed(news, 2), SYSTEM) == ()
        assert accepted().when(bed(news), SYSTEM) == ()


def test_an_older_token_is_ignored_and_a_newer_hold_replaces() -> None:
    chart = accepted()
    chart.when(bed(HELD, 5), SYSTEM)
    for news in BedNews:
        if news is not UNAVAILABLE:
            assert chart.when(bed(news, 4), SYSTEM) == ()
    assert chart.when(bed(LAPSED, 5, fencing_token=3), SYSTEM) == ()
    assert chart.when(bed(HELD, 6, fencing_token=5), SYSTEM) == ()
    assert names(chart.when(bed(HELD, 6), SYSTEM)) == ["BedHeld"]
    assert chart.referral.bed == hold(6)


def test_holds_of_different_wards_are_ordered_by_time() -> None:
    chart = accepted()
    chart.when(bed(HELD, 7, held_at=START + timedelta(minutes=5)), SYSTEM)
    older = bed(HELD, 9, ward="jg-icu", held_at=START + timedelta(minutes=4))
    assert chart.when(older, SYSTEM) == ()
    same = bed(HELD, 9, ward="jg-icu", held_at=START + timedelta(minutes=5))
    assert chart.when(same, SYSTEM) == ()
    newer = bed(HELD, 1, ward="jg-icu", held_at=START + timedelta(minutes=6))
    assert names(chart.when(newer, SYSTEM)) == ["BedHeld"]
    unknown = accepted()
    unknown.when(bed(HELD, 7), SYSTEM)
    assert unknown.when(bed(HELD, 1, ward="jg-icu"), SYSTEM)


def test_the_same_word_twice_changes_nothing() -> None:
    for news in (HELD, UNAVAILABLE, OCCUPIED):
        chart = told((bed(news), SYSTEM), chart=accepted())
        assert chart.when(bed(news), SYSTEM) == ()


def test_an_extended_hold_has_another_end() -> None:
    chart = bed_held()
    extended = bed(HELD, expires_at=START + timedelta(hours=9))
    assert names(chart.when(extended, SYSTEM)) == ["BedHeld"]
    told((bed(LAPSED), SYSTEM), chart=chart)
    assert chart.when(extended, SYSTEM) == ()


def test_no_bed_is_no_news_while_one_is_held() -> None:
    assert bed_held().when(bed(UNAVAILABLE, hold=""), SYSTEM) == ()
    chart = told((bed(UNAVAILABLE, hold="", reason="NO_FREE_BED"), SYSTEM), chart=accepted())
    assert chart.referral.bed is not None
    assert chart.referral.bed.reason == "NO_FREE_BED"
    assert told((bed(HELD), SYSTEM), chart=chart).referral.bed_region is BedRegion.HELD


def test_a_bed_elsewhere_is_no_news() -> None:
    for news in BedNews:
        assert bed_held().when(bed(news, 3, facility="east-hospital"), SYSTEM) == ()


def test_a_withdrawn_destinations_bed_is_no_news() -> None:
    chart = told((c.WithdrawAcceptance(reason=REASON), GENERAL), chart=bed_held())
    assert chart.when(bed(RELEASED), SYSTEM) == ()
    assert requested().when(bed(HELD), SYSTEM) == ()


def test_a_bed_is_held_for_a_patient_on_the_road() -> None:
    chart = in_transit()
    chart.when(c.DivertPatient(destination_facility="east-hospital", reason=REASON), AMBULANCE)
    assert chart.when(bed(RELEASED), SYSTEM) == ()
    assert chart.when(bed(HELD, 2, facility="east-hospital"), SYSTEM)
    assert region(chart) is BedRegion.HELD


def test_an_occupied_bed_may_change_and_is_given_back() -> None:
    chart = told((bed(OCCUPIED), SYSTEM), chart=arrived())
    assert chart.when(bed(OCCUPIED, bed="bed-9"), SYSTEM)
    assert chart.when(bed(HELD), SYSTEM) == ()
    assert chart.when(bed(UNAVAILABLE, hold=""), SYSTEM) == ()
    told((bed(RELEASED), SYSTEM), chart=chart)
    assert region(chart) is BedRegion.RELEASED


def test_the_state_does_not_move() -> None:
    assert bed_held().referral.state is ReferralState.ACCEPTED


@pytest.mark.parametrize("state", list(ReferralState))
def test_a_terminal_referral_follows_no_bed(state: ReferralState) -> None:
    followed = {
        ReferralState.ACCEPTED,
        ReferralState.TRANSPORT_ARRANGED,
        ReferralState.NO_SHOW,
        ReferralState.IN_TRANSIT,
        ReferralState.CANCEL_REQUESTED,
        ReferralState.ARRIVED,
        ReferralState.IN_TREATMENT,
        ReferralState.TREATED,
    }
    events = TO_STATE[state]().when(bed(OCCUPIED, 2), SYSTEM)
    assert bool(events) == (state in followed)


def test_only_the_system_speaks_for_the_bed_service() -> None:
    for actor in (GENERAL, GENERAL_BEDS, WUCAIWAN, AMBULANCE):
        assert isinstance(bed_held().refused(bed(RELEASED), actor), NotPermitted)
    assert isinstance(bed_held().refused(bed(RELEASED), TOWN), NotFound)
    assert isinstance(Chart().refused(bed(HELD), SYSTEM), NotFound)


def test_an_acceptance_asks_anew() -> None:
    chart = told((c.WithdrawAcceptance(reason=REASON), GENERAL), chart=bed_held())
    again = c.RerouteReferral(
        destinations=("jimsar-general",),
        overrides=(NormOverride(rule="NEW_DESTINATION", reason=REASON),),
    )
    told((again, WUCAIWAN), (ACCEPT, GENERAL), chart=chart)
    assert (region(chart), chart.referral.bed) == (BedRegion.REQUESTED, None)
    assert chart.when(bed(RELEASED), SYSTEM) == ()
