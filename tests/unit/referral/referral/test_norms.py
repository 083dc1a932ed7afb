"""The norms, each taken and refused, and what they say before anything is created."""

from dataclasses import replace

import pytest

from services.referral.domain.norms import (
    assess,
    combined,
    failed_rules,
)
from services.referral.domain.norms_move import CAPABILITY_OF
from services.referral.domain.norms_rules import RULES
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.referral_values import (
    Consent,
    Dispatch,
    NormOverride,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.values import CodedReason, Direction, Pathway, Scope, Urgency
from tests.unit.referral.referral.asking import assessment, passes, request, rule
from tests.unit.referral.referral.network import DIRECTORY
from tests.unit.referral.referral.stories import PLAN, REASON

E, U, R = Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE


@pytest.mark.parametrize(
    ("origin", "urgency", "pathway", "destination", "passed"),
    [
        ("wucaiwan-park-clinic", R, Pathway.GENERAL, "wucaiwan", True),
        ("wucaiwan-park-clinic", R, Pathway.GENERAL, "east-hospital", False),
        ("wucaiwan-park-clinic", R, Pathway.GENERAL, "jimsar-general", True),
        ("wucaiwan-park-clinic", U, Pathway.GENERAL, "east-hospital", True),
        ("wucaiwan-park-clinic", E, Pathway.GENERAL, "east-hospital", True),
        ("wucaiwan", R, Pathway.GENERAL, "changji-prefecture", False),
        ("wucaiwan", R, Pathway.DAY_SURGERY, "changji-prefecture", False),
        ("jimsar-general", R, Pathway.GENERAL, "xinjiang-4th", False),
        ("jimsar-general", R, Pathway.GENERAL, "wucaiwan", True),
        ("jimsar-general", R, Pathway.GENERAL, "east-hospital", True),
    ],
)
def test_level_by_level(
    origin: str, urgency: Urgency, pathway: Pathway, destination: str, passed: bool
) -> None:
    found = rule(request(origin, urgency, pathway), "LEVEL_BY_LEVEL", destination)
    assert (found.passed, found.overridable) == (passed, True)


def test_levels_are_skipped_where_the_nearest_centre_is_that_high() -> None:
    clinic = DIRECTORY.facilities["wucaiwan-park-clinic"]
    roads = {**DIRECTORY.roads, clinic.id: {"changji-prefecture": 200, "xinjiang-4th": 190}}
    directory = replace(DIRECTORY, roads=roads)
    asked = request(clinic.id, R, Pathway.DAY_SURGERY, directory=directory)
    assert passes(asked, "LEVEL_BY_LEVEL", "changji-prefecture")
    trauma = request(clinic.id, R, Pathway.TRAUMA, directory=directory)
    assert passes(trauma, "LEVEL_BY_LEVEL", "xinjiang-4th")
    nearer = {**roads, clinic.id: {"changji-prefecture": 180, "xinjiang-4th": 190}}
    trauma = replace(trauma, directory=replace(DIRECTORY, roads=nearer))
    assert not passes(trauma, "LEVEL_BY_LEVEL", "xinjiang-4th")


@pytest.mark.parametrize("pathway", list(Pathway))
def test_capability(pathway: Pathway) -> None:
    centre = replace(DIRECTORY.facilities["east-hospital"], id="centre")
    needed = CAPABILITY_OF.get(pathway)
    able = replace(centre, capabilities=() if needed is None else (needed,))
    bare = replace(centre, id="bare", capabilities=())
    directory = replace(DIRECTORY, facilities={**DIRECTORY.facilities, "centre": able, "bare": bare})
    asked = request("wucaiwan", U, pathway, directory=directory)
    assert passes(asked, "CAPABILITY", "centre")
    assert passes(asked, "CAPABILITY", "bare") == (needed is None)
    assert rule(asked, "CAPABILITY", "bare").overridable


def test_rehabilitation_downwards_is_for_the_grassroots_too() -> None:
    asked = request("jimsar-general", R, Pathway.REHABILITATION, rehabilitation_plan=PLAN)
    for destination in ("jimsar-town", "wucaiwan", "wucaiwan-park-clinic"):
        assert passes(asked, "CAPABILITY", destination)
    city = request("changji-prefecture", R, Pathway.REHABILITATION)
    assert not passes(city, "CAPABILITY", "qitai-people")
    assert passes(city, "CAPABILITY", "jimsar-general")
    assert not passes(request("wucaiwan", R, Pathway.REHABILITATION), "CAPABILITY", "east-hospital")
    lateral = request("wucaiwan", R, Pathway.REHABILITATION)
    assert passes(lateral, "CAPABILITY", "jimsar-town")
    assert not passes(request("jimsar-town", R, Pathway.REHABILITATION), "CAPABILITY", "wucaiwan")
    assert not passes(replace(asked, pathway=Pathway.STROKE), "CAPABILITY", "jimsar-town")


@pytest.mark.parametrize(
    ("origin", "pathway", "destination", "passed"),
    [
        ("wucaiwan", Pathway.STROKE, "jimsar-general", True),
        ("wucaiwan", Pathway.STROKE, "east-hospital", False),
        ("wucaiwan", Pathway.STROKE, "changji-prefecture", False),
        ("jimsar-general", Pathway.STROKE, "east-hospital", True),
        ("jimsar-general", Pathway.TRAUMA, "changji-prefecture", True),
        ("jimsar-general", Pathway.TRAUMA, "xinjiang-4th", False),
        ("wucaiwan-park-clinic", Pathway.GENERAL, "wucaiwan", True),
        ("wucaiwan-park-clinic", Pathway.GENERAL, "jimsar-general", False),
        ("jimsar-general", Pathway.GENERAL, "east-hospital", True),
        ("jimsar-general", Pathway.GENERAL, "qitai-people", False),
        ("changji-prefecture", Pathway.GENERAL, "wucaiwan", True),
    ],
)
def test_nearest_capable(origin: str, pathway: Pathway, destination: str, passed: bool) -> None:
    found = rule(request(origin, E, pathway), "NEAREST_CAPABLE", destination)
    assert (found.passed, found.overridable) == (passed, True)
    assert passes(request(origin, U, pathway), "NEAREST_CAPABLE", destination)


def test_a_neighbour_of_the_same_level_is_no_way_up() -> None:
    roads = {**DIRECTORY.roads, "wucaiwan": {"jimsar-town": 20, "jimsar-general": 95}}
    asked = request("wucaiwan", E, directory=replace(DIRECTORY, roads=roads))
    assert passes(asked, "NEAREST_CAPABLE", "jimsar-general")


def test_the_next_of_a_ranked_list_is_the_nearest_of_those_left() -> None:
    asked = request("wucaiwan", E, Pathway.STROKE)
    assert passes(asked, "NEAREST_CAPABLE", "jimsar-general", "east-hospital")
    assert not passes(asked, "NEAREST_CAPABLE", "jimsar-general", "qitai-people")
    assert passes(replace(asked, asked_before=("jimsar-general",)), "NEAREST_CAPABLE", "east-hospital")
    again = replace(asked, asked_before=("jimsar-general",))
    assert passes(again, "NEAREST_CAPABLE", "jimsar-general")


def test_of_those_asked_at_once_one_is_the_nearest() -> None:
    asked = request("wucaiwan", E, Pathway.STROKE, dispatch=Dispatch.FIRST_TO_ACCEPT)
    assert passes(asked, "NEAREST_CAPABLE", "jimsar-general", "qitai-people")
    assert not passes(asked, "NEAREST_CAPABLE", "east-hospital", "qitai-people")


def test_without_any_travel_time_there_is_no_nearest() -> None:
    asked = request("ambulance-120", E, Pathway.STROKE)
    assert passes(asked, "NEAREST_CAPABLE", "jimsar-general")
    roads = {**DIRECTORY.roads, "ambulance-120": {"east-hospital": 9}}
    known = replace(asked, directory=replace(DIRECTORY, roads=roads))
    assert not passes(known, "NEAREST_CAPABLE", "jimsar-general")


def test_approval_out_of_the_county() -> None:
    routine = request("jimsar-general", R)
    away = assessment(routine, "changji-prefecture")
    assert (away.scope, away.needs_approval, away.approval_in_retrospect) == (
        Scope.OUT_OF_COUNTY,
        True,
        False,
    )
    assert passes(routine, "APPROVAL", "changji-prefecture")
    emergency = assessment(request("jimsar-general", E, Pathway.TRAUMA), "changji-prefecture")
    assert (emergency.needs_approval, emergency.approval_in_retrospect) == (False, True)
    for destination in ("east-hospital", "wucaiwan"):
        assert not assessment(routine, destination).needs_approval
    home = assessment(request("changji-prefecture", R), "jimsar-general")
    assert (home.direction, home.needs_approval) == (Direction.DOWN, False)
    assert not rule(routine, "APPROVAL", "changji-prefecture").overridable
    known = replace(routine, approved=True, asked_before=())
    assert not assessment(known, "changji-prefecture").needs_approval
    assert passes(known, "APPROVAL", "changji-prefecture")
    assert not passes(replace(known, approved=False), "APPROVAL", "changji-prefecture")
    assert passes(replace(known, approved=False, continues=True), "APPROVAL", "changji-prefecture")


def test_insurance_filing_out_of_the_pooling_area() -> None:
    urgent = request("jimsar-general", U, Pathway.TRAUMA)
    assert assessment(urgent, "xinjiang-4th").insurance_filing_needed
    assert not assessment(urgent, "changji-prefecture").insurance_filing_needed
    assert not assessment(replace(urgent, urgency=E), "xinjiang-4th").insurance_filing_needed
    exempt = replace(urgent, policy=ReferralPolicy(filing_exempt_regions=("65",)))
    assert not assessment(exempt, "xinjiang-4th").insurance_filing_needed
    elsewhere = replace(urgent, policy=ReferralPolicy(filing_exempt_regions=("15",)))
    assert assessment(elsewhere, "xinjiang-4th").insurance_filing_needed
    home = request("xinjiang-4th", R)
    assert not assessment(home, "jimsar-general").insurance_filing_needed
    for asked in (urgent, replace(urgent, urgency=E), exempt):
        assert passes(asked, "INSURANCE_FILING", "xinjiang-4th")
    nameless = replace(DIRECTORY.facilities["xinjiang-4th"], region="")
    directory = replace(DIRECTORY, facilities={**DIRECTORY.facilities, "xinjiang-4th": nameless})
    assert not assessment(replace(urgent, directory=directory), "xinjiang-4th").insurance_filing_needed


@pytest.mark.parametrize(
    ("plan", "passed"),
    [
        (PLAN, True),
        (replace(PLAN, red_flags=()), True),
        (None, False),
        (RehabilitationPlan(), False),
        (replace(PLAN, tasks=()), False),
        (replace(PLAN, medications=()), False),
        (replace(PLAN, first_follow_up_on=""), False),
    ],
)
def test_down_ready(plan: RehabilitationPlan | None, passed: bool) -> None:
    asked = request("jimsar-general", R, rehabilitation_plan=plan)
    assert passes(asked, "DOWN_READY", "wucaiwan") == passed
    assert passes(asked, "DOWN_READY", "east-hospital")
    assert not rule(asked, "DOWN_READY", "wucaiwan").overridable


@pytest.mark.parametrize(
    ("consent", "urgency", "passed"),
    [
        (Consent(recorded=True), R, True),
        (Consent(emergency_exception=True), E, True),
        (Consent(emergency_exception=True), U, False),
        (Consent(), E, False),
        (None, E, False),
    ],
)
def test_consent(consent: Consent | None, urgency: Urgency, passed: bool) -> None:
    asked = request("wucaiwan", urgency, consent=consent)
    assert passes(asked, "CONSENT", "jimsar-general") == passed
    assert not rule(asked, "CONSENT", "jimsar-general").overridable
    assert passes(replace(asked, continues=True), "CONSENT", "jimsar-general")


def test_one_live() -> None:
    asked = request("wucaiwan", U)
    assert passes(asked, "ONE_LIVE", "jimsar-general")
    busy = rule(replace(asked, live_referrals=("referrals/1",)), "ONE_LIVE", "jimsar-general")
    assert (busy.passed, busy.overridable) == (False, False)
    assert "referrals/1" in busy.text.en


def test_three_norms_may_be_overridden() -> None:
    assert {each.code for each in RULES if each.overridable} == {
        "LEVEL_BY_LEVEL",
        "CAPABILITY",
        "NEAREST_CAPABLE",
    }


def test_a_list_is_as_good_as_its_worst_destination() -> None:
    asked = request("wucaiwan", U, Pathway.STROKE)
    found = assess(asked, [DIRECTORY.facilities[each] for each in ("jimsar-general", "jimsar-town")])
    (failed,) = [result for result in combined(found) if not result.passed]
    assert failed.code == "CAPABILITY"
    assert [each.code for each in failed_rules(found)] == ["CAPABILITY"]
    overrides = (NormOverride(rule="CAPABILITY", reason=REASON),)
    found = assess(
        replace(asked, overrides=overrides),
        [DIRECTORY.facilities[each] for each in ("jimsar-general", "jimsar-town")],
    )
    (kept,) = [result for result in combined(found) if result.override]
    assert (kept.code, kept.override) == ("CAPABILITY", REASON)
    assert failed_rules(found) == ()
    assert found[0].norms[1].override is None


def test_of_two_overrides_of_a_rule_the_first_counts() -> None:
    other = NormOverride(rule="CAPABILITY", reason=CodedReason(code="OTHER"))
    first = NormOverride(rule="CAPABILITY", reason=REASON)
    asked = request("wucaiwan", U, Pathway.STROKE, overrides=(first, other))
    assert rule(asked, "CAPABILITY", "jimsar-town").override == REASON
