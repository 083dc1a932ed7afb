"""Clocks that do not count, and clocks that never ran: exclusions and moves that ended before they began."""

from dataclasses import replace

import pytest

from services.referral.domain.clock_readings import facets_with_readings
from services.referral.domain.clocks import with_departure
from services.referral.domain.episode_commands import (
    EndMove,
    EpisodeCommand,
    ExcludeClock,
    LiftClockExclusion,
)
from services.referral.domain.episode_events import ClockExcluded, ClockExclusionLifted, MoveEnded
from services.referral.domain.episode_values import ClockExclusion
from services.referral.domain.milestones import MilestoneKind as Kind
from services.referral.domain.values import CodedReason, Pathway
from services.referral.domain.whereabouts import whereabouts
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted
from tests.unit.referral.episode.clock_scenario import TARGETS, refers, shown
from tests.unit.referral.episode.scenario import (
    AMBULANCE,
    BED_DESK,
    BRANCH,
    COORDINATOR,
    COUNTY,
    EXPERT,
    MISTYPED,
    PHYSICIAN,
    QITAI_COORDINATOR,
    REFERRAL,
    REFERRAL_BACK,
    STRANGER,
    SYSTEM,
    TOWN,
    Outcome,
    Story,
    an_episode,
    joined,
    minute,
)

SHOCK = CodedReason(code="SHOCK", text="收缩压 70")
DIDO = ExcludeClock(key="door-in-door-out", facility=BRANCH, reason=SHOCK)
LIFT = LiftClockExclusion(key="door-in-door-out", facility=BRANCH, reason=MISTYPED)


def referred(pathway: Pathway = Pathway.CHEST_PAIN) -> Story:
    """At the branch's door at minute 10, referred to the county at minute 20."""
    story = an_episode(pathway).seen((Kind.FIRST_MEDICAL_CONTACT, BRANCH, 5), (Kind.DOOR_IN, BRANCH, 10))
    return refers(story, BRANCH, COUNTY, at=20)


def gives(story: Story, command: EpisodeCommand, by: Actor = PHYSICIAN, at: float = 60) -> Outcome:
    return story.when(command, by, at, targets=TARGETS)


def excluded(story: Story) -> Story:
    exclusion = ClockExclusion(
        key="door-in-door-out", facility=BRANCH, reason=SHOCK, excluded_by=PHYSICIAN, excluded_at=minute(60)
    )
    return gives(story, DIDO).then(ClockExcluded(exclusion=exclusion, pathway=Pathway.CHEST_PAIN))


def test_a_clock_is_excluded_with_its_reason_and_keeps_its_times() -> None:
    story = referred().seen((Kind.DOOR_OUT, BRANCH, 90))
    before = shown(story)["door-in-door-out@wucaiwan"]
    after = shown(excluded(story))["door-in-door-out@wucaiwan"]
    assert after.exclusion is not None
    assert (after.exclusion.reason, after.exclusion.excluded_by) == (SHOCK, PHYSICIAN)
    assert replace(after, exclusion=None) == before


def test_an_exclusion_is_lifted_and_may_be_given_again() -> None:
    story = excluded(referred())
    lifted = ClockExclusionLifted(
        key="door-in-door-out", facility=BRANCH, reason=MISTYPED, pathway=Pathway.CHEST_PAIN
    )
    story = gives(story, LIFT).then(lifted)
    assert story.here.exclusions == ()
    assert shown(story)["door-in-door-out@wucaiwan"].exclusion is None
    excluded(story)


def test_a_closed_episode_may_still_be_put_right() -> None:
    story = excluded(referred().seen((Kind.DOOR_OUT, BRANCH, 90)).closed())
    gives(story, LIFT).holds()


@pytest.mark.parametrize("actor", [PHYSICIAN, COORDINATOR])
def test_the_clocks_facility_and_coordinators_may_exclude(actor: Actor) -> None:
    gives(referred(), DIDO, actor).holds()
    gives(excluded(referred()), LIFT, actor).holds()


@pytest.mark.parametrize("command", [DIDO, LIFT])
@pytest.mark.parametrize("actor", [EXPERT, AMBULANCE, BED_DESK])
def test_nobody_else_may(actor: Actor, command: EpisodeCommand) -> None:
    gives(referred(), command, actor).refused(NotPermitted, "EXCLUDER_ONLY")


@pytest.mark.parametrize("command", [DIDO, LIFT])
def test_a_stranger_is_told_that_there_is_nothing(command: EpisodeCommand) -> None:
    gives(referred(), command, STRANGER).refused(NotFound)
    gives(referred(), command, QITAI_COORDINATOR).refused(NotFound)


@pytest.mark.parametrize("command", [DIDO, LIFT])
def test_a_coordinator_excludes_for_the_own_community_alone(command: EpisodeCommand) -> None:
    story = referred().given(joined("qitai-people", member=REFERRAL_BACK))
    gives(story, command, QITAI_COORDINATOR).refused(NotPermitted, "EXCLUDER_ONLY")


def test_a_clock_of_no_facility_is_any_partys() -> None:
    target = next(t for t in TARGETS if t.key == "door-in-door-out" and t.pathway is Pathway.CHEST_PAIN)
    wide = tuple(replace(t, exclusions=target.exclusions) for t in TARGETS)
    command = ExcludeClock(key="fmc-to-ecg", reason=SHOCK)
    story = referred().when(command, EXPERT, 60, targets=wide).holds()
    assert shown(story)["fmc-to-ecg"].exclusion is not None


def test_a_reason_that_the_source_does_not_know_is_refused() -> None:
    other = replace(DIDO, reason=CodedReason(code="BUSY"))
    gives(referred(), other).refused(InvalidInput, "reason")
    # Door to balloon has no exclusion at all.
    gives(referred(), ExcludeClock(key="door-to-balloon", facility=BRANCH, reason=SHOCK)).refused(
        InvalidInput, "reason"
    )


def test_what_is_no_clock_of_the_episode_cannot_be_excluded() -> None:
    gives(referred(), replace(DIDO, key="door-to-mars")).refused(NotAllowed, "NO_SUCH_CLOCK")
    gives(referred(), replace(DIDO, facility=COUNTY), EXPERT).refused(NotAllowed, "NO_SUCH_CLOCK")


def test_twice_is_refused_both_ways() -> None:
    gives(excluded(referred()), DIDO).refused(NotAllowed, "EXCLUDED_ALREADY")
    gives(referred(), LIFT).refused(NotAllowed, "NOT_EXCLUDED")


def test_a_referral_that_ended_before_departure_leaves_no_door_out_to_wait_for() -> None:
    story = referred()
    assert "door-in-door-out@wucaiwan" in shown(story)
    assert "transfer-for-pci" in shown(story)
    story = gives(story, EndMove(member=REFERRAL), SYSTEM, at=30).then(MoveEnded(member=REFERRAL))
    assert "door-in-door-out@wucaiwan" not in shown(story, now=1000)
    assert "transfer-for-pci" not in shown(story)
    # Nothing is recorded twice, nor for what never was to move him on.
    assert gives(story, EndMove(member=REFERRAL), SYSTEM).run() == ()
    assert gives(an_episode(), EndMove(member=REFERRAL), SYSTEM).run() == ()


def test_another_referral_after_it_runs_the_clock_again_from_the_door() -> None:
    story = gives(referred(), EndMove(member=REFERRAL), SYSTEM, at=30).holds()
    story = refers(story, BRANCH, TOWN, at=40, member="referrals/second").seen((Kind.DOOR_OUT, BRANCH, 55))
    assert shown(story)["door-in-door-out@wucaiwan"].elapsed_s == 45 * 60


def test_a_patient_who_came_up_by_himself_all_the_same_is_acute_at_the_next_door() -> None:
    story = gives(referred(), EndMove(member=REFERRAL), SYSTEM, at=30).holds()
    story = story.seen((Kind.DOOR_OUT, BRANCH, 40), (Kind.DOOR_IN, COUNTY, 100))
    assert "door-to-balloon@jimsar-general" in shown(story)


def test_the_latest_moment_to_leave_meets_the_limit_with_the_way_and_the_door_beyond() -> None:
    story = an_episode().seen((Kind.LAST_KNOWN_WELL, BRANCH, 0), (Kind.DOOR_IN, BRANCH, 30))
    story = refers(story, BRANCH, COUNTY, at=35)
    found = with_departure(story.here, tuple(shown(story).values()), TARGETS, 60 * 60)
    leave_by = {f"{clock.key}@{clock.facility}": clock.leave_by for clock in found}
    # 4.5 h from last known well, less an hour on the road, less an hour from door to needle.
    assert leave_by["onset-to-needle@"] == minute(270 - 60 - 60)
    # Leaving is what it waits for.
    assert leave_by["door-in-door-out@wucaiwan"] == minute(30 + 90)
    # No way meets a door's clock elsewhere.
    assert leave_by["door-to-needle@wucaiwan"] is None
    unknown = with_departure(story.here, tuple(shown(story).values()), TARGETS, None)
    assert {clock.key for clock in unknown if clock.leave_by} == {"door-in-door-out"}


def test_a_stopped_clock_has_no_moment_to_leave() -> None:
    story = referred().seen((Kind.DOOR_OUT, BRANCH, 30))
    found = with_departure(story.here, tuple(shown(story).values()), TARGETS, 60)
    assert all(clock.leave_by is None for clock in found if clock.key == "door-in-door-out")


def test_where_the_patient_is_follows_from_the_doors() -> None:
    story = an_episode()
    assert whereabouts(story.here) == BRANCH
    story = story.seen((Kind.DOOR_IN, BRANCH, 1), (Kind.DOOR_OUT, BRANCH, 50))
    assert whereabouts(story.here) == ""
    assert whereabouts(story.seen((Kind.DOOR_IN, COUNTY, 90)).here) == COUNTY


def test_readings_are_what_sums_are_made_of() -> None:
    story = excluded(referred().seen((Kind.ECG_DONE, BRANCH, 12.01), (Kind.DOOR_OUT, BRANCH, 39)))
    readings = {each["key"]: each for each in facets_with_readings(story.here, TARGETS)["clocks"]}  # type: ignore[index, union-attr, misc]
    assert readings["door-in-door-out"]["excluded"] == "SHOCK"
    assert readings["door-in-door-out"]["elapsed_ms"] == 29 * 60_000
    assert (readings["fmc-to-ecg"]["facility"], readings["fmc-to-ecg"]["excluded"]) == (BRANCH, "")
    assert readings["fmc-to-ecg"]["elapsed_ms"] == 420_600
    assert readings["transfer-for-pci"]["elapsed_ms"] is None
