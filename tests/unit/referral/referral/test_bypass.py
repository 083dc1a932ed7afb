"""The emergency-room bypass: the destination's word, with a reason, for those who cannot wait for a bed."""

from dataclasses import replace

import pytest

from services.referral.domain.commands import BedNews
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.events import BypassGranted, ReferralAccepted, TransportArranged
from services.referral.domain.values import Urgency
from tests.unit.referral.referral.chart import names
from tests.unit.referral.referral.network import (
    AMBULANCE,
    EAST,
    GENERAL,
    GENERAL_BEDS,
    GENERAL_OFFICE,
    SYSTEM,
    WUCAIWAN,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRANGE,
    CREATE,
    DEPART,
    REASON,
    accepted,
    bed,
    in_transit,
    requested,
    told,
    transport_arranged,
)
from tests.unit.referral.referral.test_journey import DIVERT

GRANT = GrantBypass(reason=REASON)
TAKES = replace(ACCEPT, bypass_reason=REASON)


def test_it_is_given_with_the_acceptance() -> None:
    chart = requested()
    (event,) = chart.when(TAKES, GENERAL)
    assert isinstance(event, ReferralAccepted)
    state = chart.referral
    assert (event.bypass_reason, state.bypass_reason, state.emergency_room_bypass) == (REASON, REASON, True)
    assert names(chart.when(ARRANGE, WUCAIWAN)) == ["TransportArranged"]


def test_it_is_given_when_the_bed_is_lost() -> None:
    chart = told((bed(BedNews.HOLD_LAPSED), SYSTEM), chart=transport_arranged())
    chart.refused(DEPART, AMBULANCE, "BED_NOT_READY")
    (event,) = chart.when(GRANT, GENERAL_OFFICE)
    assert event == BypassGranted(facility="jimsar-general", reason=REASON)
    assert chart.when(DEPART, AMBULANCE)
    assert chart.referral.emergency_room_bypass


def test_said_twice_it_is_said_once() -> None:
    chart = told((GRANT, GENERAL), chart=accepted())
    assert chart.when(replace(GRANT, reason=replace(REASON, code="OTHER")), GENERAL) == ()
    assert told((TAKES, GENERAL), chart=requested()).when(GRANT, GENERAL) == ()


def test_it_is_nobody_elses_word() -> None:
    chart = accepted()
    for actor in (WUCAIWAN, AMBULANCE):
        chart.refused(
            replace(ARRANGE, emergency_room_bypass=True), actor, "BED_NOT_READY", "BYPASS_NOT_GRANTED"
        )
    chart.refused(GRANT, WUCAIWAN, "WRONG_FACILITY")
    chart.refused(GRANT, GENERAL_BEDS, "WRONG_ROLE")
    chart.refused(GRANT, EAST, "NotFound")


@pytest.mark.parametrize("urgency", list(Urgency))
def test_who_can_wait_waits_for_a_bed(urgency: Urgency) -> None:
    chart = requested(replace(CREATE, urgency=urgency))
    if urgency is Urgency.ROUTINE:
        chart.refused(TAKES, GENERAL, "BYPASS_NOT_URGENT")
        told((ACCEPT, GENERAL), chart=chart).refused(GRANT, GENERAL, "BYPASS_NOT_URGENT")
    else:
        chart.copy().when(TAKES, GENERAL)
        told((ACCEPT, GENERAL), chart=chart).when(GRANT, GENERAL)


def test_the_word_of_one_hospital_is_not_anothers() -> None:
    chart = told((GRANT, GENERAL), (ARRANGE, WUCAIWAN), (DEPART, AMBULANCE), chart=accepted())
    chart.when(DIVERT, AMBULANCE)
    assert (chart.referral.emergency_room_bypass, chart.referral.bypass_reason) == (False, None)


def test_on_the_road_nothing_is_left_to_grant() -> None:
    in_transit().refused(GRANT, GENERAL, "NOT_ALLOWED_IN_STATE")


def test_what_was_claimed_before_the_word_was_asked_for_still_folds() -> None:
    """An older trail: the origin said so when it arranged transport."""
    chart = told((bed(BedNews.HELD), SYSTEM), chart=accepted())
    (arranged,) = chart.decide(ARRANGE, WUCAIWAN)
    assert isinstance(arranged, TransportArranged)
    chart.take((replace(arranged, emergency_room_bypass=True),), chart.context(WUCAIWAN))
    told((bed(BedNews.HOLD_LAPSED), SYSTEM), chart=chart)
    assert (chart.referral.emergency_room_bypass, chart.referral.bypass_reason) == (True, None)
    assert chart.when(DEPART, AMBULANCE)
