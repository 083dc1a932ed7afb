"""Follow-up after a referral down, and red flags."""

from dataclasses import replace

from services.referral.domain import commands as c
from services.referral.domain.events import FollowUpRecorded
from services.referral.domain.referral import child_needed, is_live, opened_child
from services.referral.domain.referral_values import (
    ReferralState,
)
from services.referral.domain.values import Direction, Pathway, Urgency
from tests.unit.referral.referral.chart import names
from tests.unit.referral.referral.children import FOLLOW_UP, RED_FLAG, child_of, followed_up, metadata_of
from tests.unit.referral.referral.network import (
    AMBULANCE,
    CLINIC,
    EAST,
    GENERAL,
    GENERAL_OFFICE,
    TOWN,
    WUCAIWAN,
)
from tests.unit.referral.referral.stories import (
    ACCEPT,
    ARRIVE,
    BACK,
    CANCEL,
    COMPLETE,
    DOWN,
    PLAN,
    down_arrived,
    in_transit,
    referred_back,
    told,
    treated,
)


def test_follow_ups_belong_to_a_referral_down() -> None:
    treated().refused(FOLLOW_UP, GENERAL, "DOWN_ONLY")
    chart = down_arrived()
    for story in ((), ((c.StartTreatment(), TOWN),), ((c.StartTreatment(), TOWN), (COMPLETE, TOWN))):
        at = told(*story, chart=chart.copy())
        assert names(at.when(FOLLOW_UP, TOWN)) == ["FollowUpRecorded"]
        at.refused(FOLLOW_UP, GENERAL, "WRONG_FACILITY")
    in_transit().refused(FOLLOW_UP, WUCAIWAN, "NOT_ALLOWED_IN_STATE")


def test_a_red_flag_of_the_plan_brings_the_patient_back_up() -> None:
    parent = told((RED_FLAG, TOWN), chart=followed_up(referred_back()))
    event = parent.events[-1]
    assert isinstance(event, FollowUpRecorded)
    assert parent.referral.reopened_as == event.reopened_as != ""
    assert not is_live(parent.referral)
    child = child_of(parent, TOWN).referral
    assert child.name == event.reopened_as
    assert (child.state, child.direction) == (ReferralState.REQUESTED, Direction.UP)
    assert (child.origin_facility, child.destination_facility) == ("jimsar-town", "jimsar-general")
    assert (child.pathway, child.urgency) == (Pathway.STROKE, Urgency.URGENT)
    assert child.clinical_summary.symptoms == "右侧无力加重"
    assert "再发偏瘫" in child.clinical_summary.referral_reason
    assert child.parent == parent.name


def test_an_unknown_red_flag_is_a_wrong_field() -> None:
    down_arrived().refused(replace(RED_FLAG, red_flag="牙痛"), TOWN, "UNKNOWN_RED_FLAG")


def test_a_red_flag_opens_one_referral_at_a_time() -> None:
    chart = told((RED_FLAG, TOWN), chart=down_arrived())
    first = chart.referral.reopened_as
    assert child_needed(chart.referral, RED_FLAG) == first
    child = child_of(chart, TOWN)
    chart.child = child.referral
    (again,) = chart.when(RED_FLAG, TOWN)
    assert isinstance(again, FollowUpRecorded)
    assert (again.reopened_as, chart.referral.reopened_as) == ("", first)
    chart.child = told((CANCEL, TOWN), chart=child).referral
    chart.when(RED_FLAG, TOWN)
    assert chart.referral.reopened_as not in ("", first)


def test_a_red_flag_is_recorded_while_another_referral_is_live() -> None:
    chart = down_arrived()
    chart.live = (chart.name, "referrals/other")
    chart.when(RED_FLAG, TOWN)
    assert chart.referral.reopened_as == ""
    assert chart.referral.follow_ups[0].red_flag == "再发偏瘫"


def test_a_referral_of_rehabilitation_is_reopened_without_a_centre() -> None:
    chart = told((RED_FLAG, TOWN), chart=down_arrived())
    assert child_of(chart, TOWN).referral.pathway is Pathway.GENERAL


def test_a_child_is_opened_although_a_facility_left_the_directory() -> None:
    chart = told((RED_FLAG, TOWN), chart=down_arrived())
    gone = {key: each for key, each in chart.directory.facilities.items() if key != "jimsar-town"}
    chart.directory = replace(chart.directory, facilities=gone)
    child = child_of(chart, TOWN).referral
    assert (child.norms, child.direction) == ((), Direction.UP)
    assert child.destination_facility == "jimsar-general"


def test_a_red_flag_out_of_the_county_does_not_wait_for_approval() -> None:
    chart = told((RED_FLAG, TOWN), chart=down_arrived())
    directory = chart.directory
    moved = replace(directory.facilities["jimsar-general"], community="", region="652325")
    chart.directory = replace(directory, facilities={**directory.facilities, "jimsar-general": moved})
    child = child_of(chart, TOWN).referral
    assert child.state is ReferralState.REQUESTED
    assert child.approval_in_retrospect
    assert child.approval_facility == "jimsar-general"


def test_other_events_open_nothing() -> None:
    chart = treated()
    metadata = metadata_of(chart, GENERAL)
    assert opened_child(chart.referral, chart.events[-1], metadata, chart.directory, chart.policy) is None
    chart = told((FOLLOW_UP, TOWN), chart=down_arrived())
    assert opened_child(chart.referral, chart.events[-1], metadata, chart.directory, chart.policy) is None
    assert child_needed(chart.referral, COMPLETE) == ""


def test_the_custodian_is_who_has_the_patient() -> None:
    down_arrived().refused(FOLLOW_UP, CLINIC, "NotFound")
    down_arrived().refused(FOLLOW_UP, AMBULANCE, "NotFound")
    down_arrived().refused(FOLLOW_UP, EAST, "NotFound")
    assert treated().when(BACK, GENERAL_OFFICE)


def test_the_flag_says_how_urgently_the_patient_comes_back_up() -> None:
    """What the clinician says goes before the plan, and the plan before the policy."""
    grave = replace(PLAN, red_flags=("再发偏瘫", "头晕"), emergency_red_flags=("再发偏瘫",))
    for command, urgency in (
        (RED_FLAG, Urgency.EMERGENCY),
        (replace(RED_FLAG, red_flag="头晕"), Urgency.URGENT),
        (replace(RED_FLAG, urgency=Urgency.ROUTINE), Urgency.ROUTINE),
        (replace(RED_FLAG, red_flag="头晕", urgency=Urgency.EMERGENCY), Urgency.EMERGENCY),
    ):
        chart = told((replace(DOWN, rehabilitation_plan=grave), GENERAL), (ACCEPT, TOWN), (ARRIVE, TOWN))
        chart.when(command, TOWN)
        child = child_of(chart, TOWN).referral
        assert (child.urgency, child.destination_facility) == (urgency, "jimsar-general")


def test_a_norm_that_fails_is_overridden_by_the_red_flag_or_stays_failed() -> None:
    chart = told((RED_FLAG, TOWN), chart=down_arrived())
    facilities = chart.directory.facilities
    nearer = replace(facilities["east-hospital"], travel_minutes={"jimsar-town": 2})
    flagged = replace(chart.events[-1], red_flag_urgency=Urgency.EMERGENCY)  # type: ignore[arg-type]
    chart.events[-1] = flagged
    chart.directory = replace(chart.directory, facilities={**facilities, "east-hospital": nearer})
    rules = {rule.code: rule for rule in child_of(chart, TOWN).referral.norms}
    assert all(rule.passed or (rule.override and rule.override.code == "RED_FLAG") for rule in rules.values())
    assert all(rule.override is None for rule in rules.values() if rule.passed)
