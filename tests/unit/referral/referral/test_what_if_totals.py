"""Totals of both courses: they count alike, and only what is known of both."""

from services.referral.domain.values import Pathway, Urgency
from services.referral.domain.what_if_habits import Basis
from services.referral.domain.what_if_totals import difference
from tests.unit.referral.referral.network import START
from tests.unit.referral.referral.what_if_stories import (
    accepted,
    declined_then_accepted,
    departed,
    lapsed_and_rerouted,
    what_if,
    with_terms,
    without,
)


def test_totals_count_both_ways_alike() -> None:
    charts = [accepted(), declined_then_accepted(), lapsed_and_rerouted()]
    same = difference([what_if(each) for each in charts], {Pathway.STROKE: 7200})
    assert same.recorded == same.what_if
    assert (same.changed, same.recorded.offered, same.recorded.declined, same.recorded.lapsed) == (0, 5, 1, 1)
    assert same.bases[Basis.RECORDED] == 5

    other = difference([what_if(each, directory=without("east-hospital")) for each in charts], {})
    assert other.changed == 2
    assert other.what_if.travel_count == other.recorded.travel_count
    assert other.what_if.travel_minutes > other.recorded.travel_minutes


def test_a_stay_beyond_its_pathways_target_is_missed() -> None:
    found = what_if(departed(), door_in_at=START)
    assert difference([found], {Pathway.STROKE: 19 * 60}).recorded.door_in_door_out_missed == 0
    assert difference([found], {Pathway.STROKE: 19 * 60 - 1}).recorded.door_in_door_out_missed == 1
    assert difference([found], {}).recorded.door_in_door_out_missed == 0


def test_a_way_that_is_known_of_one_course_alone_is_no_difference() -> None:
    found = what_if(accepted(minutes=8), policy=with_terms(Urgency.EMERGENCY, decide_s=300))
    total = difference([found], {})
    assert (total.recorded.accepted, total.what_if.accepted) == (1, 0)
    assert (total.recorded.travel_count, total.recorded.travel_minutes) == (0, 0)
    assert total.recorded.accepted_median_s is None
