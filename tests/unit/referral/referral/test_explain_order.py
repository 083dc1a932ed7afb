"""The order of an explanation: total, the same for the same facts, and norms before everything."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from services.referral.domain.acceptance_times import Acceptance
from services.referral.domain.explaining import (
    DestinationExplanation,
    ExplainReferral,
    Known,
    explain,
    question,
)
from services.referral.domain.free_beds import free_of
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral_values import Consent, ReferralState
from services.referral.domain.values import BedType, Pathway, Urgency
from services.shared.kernel.refusals import NotAllowed
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.network import DIRECTORY, START, WUCAIWAN
from tests.unit.referral.referral.stories import CREATE
from tests.unit.referral.referral.wards import ward

FACILITIES = tuple(each for each in DIRECTORY.facilities if each != "wucaiwan")

ages = st.sampled_from([timedelta(0), timedelta(hours=8), timedelta(hours=9), None])
wards = st.builds(
    lambda name, bed_type, free, age: ward(name, bed_type, free=free, confirmed=age),
    st.sampled_from(["a", "b"]),
    st.sampled_from([BedType.ICU, BedType.STROKE_UNIT]),
    st.integers(0, 2),
    ages,
)
acceptances = st.lists(
    st.builds(
        Acceptance,
        offer=st.just("offers/1"),
        facility=st.just(""),
        urgency=st.sampled_from(list(Urgency)),
        accepted_at=st.sampled_from([START, START - timedelta(days=91)]),
        waited_s=st.sampled_from([60, 600]),
    ),
    max_size=12,
).map(tuple)
known = st.dictionaries(
    st.sampled_from(FACILITIES),
    st.builds(Known, wards=st.lists(wards, max_size=2).map(tuple), acceptances=acceptances),
)
# Few different times, so that ways are often equally long.
roads = st.dictionaries(st.sampled_from(FACILITIES), st.sampled_from([20, 40]))
queries = st.builds(
    ExplainReferral,
    urgency=st.sampled_from(list(Urgency)),
    pathway=st.sampled_from([Pathway.GENERAL, Pathway.STROKE, Pathway.TRAUMA]),
    consent=st.sampled_from([Consent(recorded=True), None]),
    destinations=st.lists(st.sampled_from(FACILITIES), unique=True).map(tuple),
    bed_type=st.sampled_from([None, BedType.STROKE_UNIT]),
)


def answers(
    query: ExplainReferral, facts: dict[str, Known], ways: dict[str, int]
) -> tuple[DestinationExplanation, ...]:
    directory = replace(DIRECTORY, roads={"wucaiwan": ways})
    asked = question(query, actor_facility="wucaiwan", directory=directory, policy=DEFAULT_POLICY, now=START)
    return explain(asked, facts, START)


@settings(max_examples=80, deadline=None)
@given(query=queries, facts=known, ways=roads, data=st.data())
def test_the_same_facts_in_another_order_give_the_same_answer(
    query: ExplainReferral, facts: dict[str, Known], ways: dict[str, int], data: st.DataObject
) -> None:
    found = answers(query, facts, ways)
    shuffled = replace(query, destinations=tuple(data.draw(st.permutations(query.destinations))))
    assert answers(shuffled, dict(reversed(facts.items())), ways) == found
    assert len({each.facility for each in found}) == len(found)
    if query.destinations:
        assert {each.facility for each in found} == set(query.destinations)


@settings(max_examples=80, deadline=None)
@given(query=queries, facts=known, ways=roads)
def test_each_step_of_the_order_decides_only_what_the_one_before_left_open(
    query: ExplainReferral, facts: dict[str, Known], ways: dict[str, int]
) -> None:
    found = answers(query, facts, ways)
    for better, worse in pairwise(found):
        assert better.allowed >= worse.allowed
        if better.allowed != worse.allowed:
            continue
        ways_of = (better.travel_minutes, worse.travel_minutes)
        assert _far(ways_of[0]) <= _far(ways_of[1])
        if ways_of[0] != ways_of[1] or ways_of[0] is None:
            continue
        beds = [free_of(each.free_beds, query.bed_type) for each in (better, worse)]
        assert beds[0] >= beds[1]
        if beds[0] != beds[1]:
            continue
        waits = [each.expected_wait.median_s if each.expected_wait else 10**9 for each in (better, worse)]
        assert waits[0] <= waits[1]
        assert waits[0] != waits[1] or better.facility < worse.facility


def _far(minutes: int | None) -> int:
    return 10**9 if minutes is None else minutes


@settings(max_examples=60, deadline=None)
@given(query=queries, ways=roads)
def test_what_the_answer_allows_in_its_order_can_be_created_in_it(
    query: ExplainReferral, ways: dict[str, int]
) -> None:
    query = replace(query, consent=Consent(recorded=True))
    found = answers(query, {}, ways)[:10]
    chart = Chart(directory=replace(DIRECTORY, roads={"wucaiwan": ways}))
    command = replace(
        CREATE,
        urgency=query.urgency,
        pathway=query.pathway,
        consent=query.consent,
        destinations=tuple(each.facility for each in found),
    )
    if not found:
        return
    if all(each.allowed_in_order for each in found):
        assert chart.when(command, WUCAIWAN)
        assert chart.referral.state in (ReferralState.REQUESTED, ReferralState.AWAITING_APPROVAL)
    else:
        failed = {rule.code for each in found for rule in each.norms if not rule.passed}
        assert isinstance(chart.refused(command, WUCAIWAN), NotAllowed)
        assert failed or len(found) > 1
