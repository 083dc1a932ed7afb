"""What was accepted becomes an error by the words of two persons, and not by one who names another."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from services.referral.domain import commands as c
from services.referral.domain.events import (
    EnteredInError,
    ErrorMarkLapsed,
    ErrorMarkRequested,
    ErrorMarkWithdrawn,
)
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral import allowed_commands
from services.shared.kernel.actor import Actor, Role
from tests.unit.referral.referral.chart import Chart, names
from tests.unit.referral.referral.network import (
    COORDINATOR,
    GENERAL,
    GENERAL_OFFICE,
    QITAI,
    QITAI_COORDINATOR,
    WUCAIWAN,
    WUCAIWAN_OFFICE,
    person,
)
from tests.unit.referral.referral.stories import (
    CLOSE,
    ERROR,
    REASON,
    accepted,
    bed_held,
    cancelled,
    requested,
    told,
    treated,
)

BACK = c.WithdrawErrorMark()
OTHER_REASON = replace(REASON, code="OTHER")


def test_before_an_acceptance_the_origin_calls_it_an_error_alone() -> None:
    assert names(requested().when(ERROR, WUCAIWAN)) == ["EnteredInError"]
    assert names(cancelled().when(ERROR, WUCAIWAN)) == ["EnteredInError"]
    for somebody in (GENERAL_OFFICE, COORDINATOR):
        requested().refused(ERROR, somebody, "ERROR_NOT_CLAIMED")
    requested().refused(ERROR, GENERAL, "WRONG_ROLE")
    requested().refused(ERROR, QITAI, "NotFound")


@pytest.mark.parametrize("story", [accepted, treated])
def test_after_an_acceptance_it_takes_two_persons(story: Callable[[], Chart]) -> None:
    chart = story()
    before = chart.referral.state
    (asked,) = chart.when(replace(ERROR, second_approver="u-wang"), WUCAIWAN)
    assert isinstance(asked, ErrorMarkRequested)
    assert (asked.requested_by, asked.confirm_by) == (WUCAIWAN.user, chart.now + timedelta(hours=72))
    mark = chart.referral.error_mark
    assert mark is not None
    assert (mark.reason, mark.facility, chart.referral.state) == (REASON, "wucaiwan", before)
    for same_side in (WUCAIWAN, WUCAIWAN_OFFICE):
        chart.refused(ERROR, same_side, "SECOND_APPROVER_MISSING")
    chart.refused(ERROR, GENERAL, "WRONG_ROLE")
    chart.refused(ERROR, QITAI_COORDINATOR, "NotFound")
    (done,) = chart.when(replace(ERROR, reason=OTHER_REASON), GENERAL_OFFICE)
    assert isinstance(done, EnteredInError)
    assert (done.reason, done.second_approver) == (REASON, GENERAL_OFFICE.user)
    assert chart.referral.error_mark is None


def test_nobody_confirms_the_own_word() -> None:
    both = Actor(
        user="u-both", name="甲", facility="wucaiwan", roles=(Role.REFERRAL_OFFICE, Role.COORDINATOR)
    )
    chart = told((ERROR, both), chart=treated())
    chart.refused(ERROR, both, "SECOND_APPROVER_MISSING")
    assert chart.when(ERROR, person("wucaiwan", Role.COORDINATOR))


def test_a_coordinator_of_the_origin_does_not_begin_it() -> None:
    for chart in (requested(), treated()):
        chart.refused(ERROR, person("wucaiwan", Role.COORDINATOR), "ERROR_NOT_CLAIMED")


def test_a_word_that_nobody_confirms_stands_no_longer() -> None:
    chart = told((ERROR, WUCAIWAN), chart=treated()).later(hours=72)
    chart.refused(ERROR, GENERAL_OFFICE, "ERROR_NOT_CLAIMED")
    assert names(chart.copy().later(minutes=1).when(ERROR, WUCAIWAN)) == ["ErrorMarkRequested"]
    (again,) = chart.when(ERROR, WUCAIWAN_OFFICE)
    assert isinstance(again, ErrorMarkRequested)
    assert again.requested_by == WUCAIWAN_OFFICE.user
    assert chart.later(hours=71).when(ERROR, GENERAL_OFFICE)


def test_the_site_says_how_long_a_word_waits() -> None:
    chart = treated().fact(policy=replace(DEFAULT_POLICY, error_mark_s=3_600))
    (event,) = chart.when(ERROR, WUCAIWAN)
    assert isinstance(event, ErrorMarkRequested) and event.confirm_by == chart.now + timedelta(hours=1)
    chart.later(hours=1).refused(ERROR, GENERAL_OFFICE, "ERROR_NOT_CLAIMED")


def test_a_withdrawn_acceptance_was_one() -> None:
    withdrawn = told((c.WithdrawAcceptance(reason=REASON), GENERAL), chart=bed_held())
    assert names(withdrawn.when(ERROR, WUCAIWAN)) == ["ErrorMarkRequested"]


@pytest.mark.parametrize("story", [accepted, treated, lambda: told((CLOSE, WUCAIWAN), chart=treated())])
@pytest.mark.parametrize("who", [WUCAIWAN, WUCAIWAN_OFFICE])
def test_the_origin_takes_its_word_back(story: Callable[[], Chart], who: Actor) -> None:
    chart = told((ERROR, WUCAIWAN), chart=story())
    before = chart.referral.state
    assert "WithdrawErrorMark" in allowed_commands(chart.referral)
    (event,) = chart.when(BACK, who)
    assert event == ErrorMarkWithdrawn(
        facility="wucaiwan", requested_by=WUCAIWAN.user, destination_facility="jimsar-general"
    )
    assert (chart.referral.error_mark, chart.referral.state) == (None, before)
    assert "WithdrawErrorMark" not in allowed_commands(chart.referral)
    chart.refused(ERROR, GENERAL_OFFICE, "ERROR_NOT_CLAIMED")
    chart.refused(BACK, WUCAIWAN, "ERROR_MARK_NOT_STANDING")
    assert names(chart.when(ERROR, WUCAIWAN_OFFICE)) == ["ErrorMarkRequested"]


def test_nobody_else_takes_it_back_and_nobody_what_lapsed() -> None:
    chart = told((ERROR, WUCAIWAN), chart=treated())
    for somebody in (GENERAL, GENERAL_OFFICE, COORDINATOR):
        chart.refused(BACK, somebody, "WRONG_FACILITY")
    chart.refused(BACK, person("wucaiwan", Role.BED_DESK), "WRONG_ROLE")
    chart.refused(BACK, QITAI_COORDINATOR, "NotFound")
    chart.later(hours=72).refused(BACK, WUCAIWAN, "ERROR_MARK_NOT_STANDING")
    told((ERROR, WUCAIWAN), (ERROR, GENERAL_OFFICE), chart=chart).refused(
        BACK, WUCAIWAN, "NOT_ALLOWED_IN_STATE"
    )


@pytest.mark.parametrize("story", [accepted, treated])
def test_who_said_a_word_that_nobody_confirms_is_told(story: Callable[[], Chart]) -> None:
    chart = told((ERROR, WUCAIWAN), chart=story())
    said = chart.now
    (lapsed,) = chart.due("error-mark")
    assert lapsed == ErrorMarkLapsed(
        facility="wucaiwan", requested_by=WUCAIWAN.user, destination_facility=GENERAL.facility
    )
    assert chart.now == said + timedelta(hours=72)
    assert chart.referral.error_mark is None
    assert _waits(chart) == 0
    assert names(chart.when(ERROR, WUCAIWAN)) == ["ErrorMarkRequested"]
    assert names(chart.due("error-mark")) == ["ErrorMarkLapsed"], "each word lapses for itself"


@pytest.mark.parametrize("answer", [(BACK, WUCAIWAN), (ERROR, GENERAL_OFFICE)])
def test_a_word_that_is_answered_does_not_lapse(answer: tuple[c.Command, Actor]) -> None:
    chart = told((ERROR, WUCAIWAN), chart=treated())
    assert _waits(chart) == 1
    chart.when(*answer)
    assert _waits(chart) == 0


def _waits(chart: Chart) -> int:
    return chart.keys().count("error-mark")
