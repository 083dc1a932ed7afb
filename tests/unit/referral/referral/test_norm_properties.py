"""What the norms say of any directory, pathway and urgency."""

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.referral.domain.directory import ApplyDirectory
from services.referral.domain.directory_state import Directory, Facility, level_rank
from services.referral.domain.norms import Assessment, Request, assess
from services.referral.domain.norms_move import capable, move_between, nearest_capable
from services.referral.domain.policy import DEFAULT_POLICY
from services.referral.domain.referral_values import Consent, RuleResult
from services.referral.domain.values import Direction, Pathway, Scope, Urgency
from tests.unit.referral.directory.sites import directories
from tests.unit.referral.referral.network import applied

_BOUNDED = settings(max_examples=80, deadline=None)
_CLINICAL = {"CAPABILITY", "NEAREST_CAPABLE", "DOWN_READY", "CONSENT", "ONE_LIVE"}
_REVERSED = {
    Direction.UP: Direction.DOWN,
    Direction.DOWN: Direction.UP,
    Direction.LATERAL: Direction.LATERAL,
}


@st.composite
def questions(draw: st.DrawFn) -> tuple[Request, list[Facility]]:
    """Any request from any facility to all others, in any order."""
    command: ApplyDirectory = draw(directories())
    assume(len(command.facilities) > 1)
    directory = applied(command)
    origin = draw(st.sampled_from(list(directory.facilities.values())))
    others = [each for each in directory.facilities.values() if each.id != origin.id]
    request = Request(
        directory=directory,
        policy=DEFAULT_POLICY,
        origin=origin,
        urgency=draw(st.sampled_from(Urgency)),
        pathway=draw(st.sampled_from(Pathway)),
        consent=draw(st.sampled_from([None, Consent(recorded=True), Consent(emergency_exception=True)])),
        green_channel=draw(st.sampled_from(["", *directory.green_channels])),
    )
    return request, draw(st.permutations(others))


def result(found: Assessment, code: str) -> RuleResult:
    (one,) = [each for each in found.norms if each.code == code]
    return one


@_BOUNDED
@given(questions())
def test_every_norm_answers_in_both_languages(question: tuple[Request, list[Facility]]) -> None:
    request, destinations = question
    for found in assess(request, destinations):
        assert [each.code for each in found.norms[:8]] == [
            "LEVEL_BY_LEVEL",
            "CAPABILITY",
            "NEAREST_CAPABLE",
            "APPROVAL",
            "INSURANCE_FILING",
            "DOWN_READY",
            "CONSENT",
            "ONE_LIVE",
        ]
        for each in found.norms:
            assert each.text.zh and each.text.en
            assert "{" not in each.text.zh + each.text.en
        # What waits is approved before, what goes at once is approved afterwards: never both.
        assert not (found.needs_approval and found.approval_in_retrospect)


@_BOUNDED
@given(questions())
def test_direction_and_scope_agree_with_the_directory(question: tuple[Request, list[Facility]]) -> None:
    request, destinations = question
    directory, origin = request.directory, request.origin
    for found in assess(request, destinations):
        there = found.facility
        assert directory.direction(there, origin) is _REVERSED[found.direction]
        assert directory.scope(there, origin) is found.scope
        climbs = level_rank(there.level) > level_rank(origin.level)
        assert climbs == (found.direction is Direction.UP)
        together = directory.same_community(origin.id, there.id)
        assert together == (found.scope is Scope.WITHIN_COMMUNITY)
        if found.scope is not Scope.OUT_OF_COUNTY:
            assert not found.needs_approval


@_BOUNDED
@given(questions())
def test_an_emergency_to_the_nearest_capable_place_passes(question: tuple[Request, list[Facility]]) -> None:
    request, destinations = question
    request = replace(request, urgency=Urgency.EMERGENCY, green_channel="")
    for destination in destinations:
        found = assess(request, [destination])[0]
        move = move_between(
            directory=request.directory,
            policy=request.policy,
            origin=request.origin,
            destination=destination,
            urgency=request.urgency,
            pathway=request.pathway,
        )
        nearest = nearest_capable(move)
        verdict = result(found, "NEAREST_CAPABLE")
        if nearest is None or nearest[0].id == destination.id:
            assert verdict.passed
        if not verdict.passed:
            assert nearest is not None
            place, minutes = nearest
            assert capable(place, request.pathway, found.direction)
            assert found.travel_minutes is None or minutes < found.travel_minutes
            assert place.name.en in verdict.text.en


@_BOUNDED
@given(questions())
def test_a_green_channel_changes_no_clinical_guard(question: tuple[Request, list[Facility]]) -> None:
    request, destinations = question
    without = assess(replace(request, green_channel=""), destinations)
    for found, plain in zip(assess(request, destinations), without, strict=True):
        for code in _CLINICAL:
            assert result(found, code) == result(plain, code)
        assert found.insurance_filing_needed == plain.insurance_filing_needed
        channel = request.directory.green_channels.get(request.green_channel)
        assert bool(found.skips) == (channel is not None and channel.facility == found.facility.id)
        if not found.skips:
            assert found.needs_approval == plain.needs_approval


@_BOUNDED
@given(questions())
def test_filing_is_asked_of_nobody_in_one_area_nor_in_an_emergency(
    question: tuple[Request, list[Facility]],
) -> None:
    request, destinations = question
    for found in assess(request, destinations):
        here, there = _areas(request.directory, request.origin, found.facility)
        if found.insurance_filing_needed:
            assert request.urgency is not Urgency.EMERGENCY
            assert found.direction is not Direction.DOWN
            assert here is None or here != there


def _areas(directory: Directory, origin: Facility, destination: Facility) -> tuple[str | None, str | None]:
    one, other = directory.pooling_area_of(origin), directory.pooling_area_of(destination)
    return (None if one is None else one.id), (None if other is None else other.id)
