"""Milestones: who records and corrects what, and what remains of it in the trail."""

import pytest

from services.referral.domain.episode_commands import CloseEpisode, CorrectMilestone, RecordMilestone
from services.referral.domain.episode_events import MilestoneCorrected, MilestoneRecorded
from services.referral.domain.episode_values import EpisodeState
from services.referral.domain.milestones import MilestoneKind as Kind
from services.referral.domain.values import Pathway
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted
from tests.unit.referral.episode.scenario import (
    AMBULANCE,
    BED_DESK,
    BRANCH,
    COORDINATOR,
    COUNTY,
    EXPERT,
    MISTYPED,
    OPERATOR,
    PHYSICIAN,
    PREFECTURE,
    QITAI_COORDINATOR,
    REFERRAL,
    STRANGER,
    SYSTEM,
    Story,
    an_episode,
    corrected,
    joined,
    milestone,
    minute,
    person,
)

CT_DONE = (Kind.CT_DONE, BRANCH, 60.0)


@pytest.mark.parametrize("actor", [PHYSICIAN, AMBULANCE, person("office", COUNTY, Role.REFERRAL_OFFICE)])
def test_any_facility_taking_part_records(actor: Actor) -> None:
    entry = milestone(*CT_DONE, by=actor)
    story = (
        an_episode()
        .records(*CT_DONE, by=actor)
        .then(MilestoneRecorded(milestone=entry, pathway=Pathway.STROKE))
    )
    assert story.here.milestones == (entry,)


def test_a_milestone_is_at_the_callers_facility_unless_said_otherwise() -> None:
    story = an_episode()
    (event,) = story.when(RecordMilestone(kind=Kind.HANDOVER), EXPERT).run()
    assert isinstance(event, MilestoneRecorded)
    assert event.milestone.facility == COUNTY
    story.records(Kind.CT_READ, BRANCH, 65, by=EXPERT).holds()
    story.records(Kind.CT_READ, PREFECTURE, 65, by=EXPERT).refused(InvalidInput, "facility")
    story.when(RecordMilestone(kind=Kind.HANDOVER), SYSTEM).refused(InvalidInput, "facility")
    story.records(Kind.DOOR_OUT, BRANCH, 65, by=SYSTEM).holds()


def test_who_may_not_record() -> None:
    for stranger in (STRANGER, QITAI_COORDINATOR):
        an_episode().records(*CT_DONE, by=stranger).refused(NotFound)
    for actor in (BED_DESK, COORDINATOR, OPERATOR):
        an_episode().records(*CT_DONE, by=actor).refused(NotPermitted, "RECORDER_ONLY")
    an_episode().closed().records(*CT_DONE).refused(NotAllowed, "NOT_ALLOWED_IN_STATE")
    Story().records(*CT_DONE).refused(NotFound)


def test_a_milestone_is_not_in_the_future() -> None:
    story = an_episode()
    story.records(Kind.CT_DONE, BRANCH, 62, received=60).holds()
    story.records(Kind.CT_DONE, BRANCH, 62.1, received=60).refused(NotAllowed, "NOT_IN_FUTURE")
    # the device's clock runs an hour ahead: 61 minutes by its clock is one minute ago
    story.records(Kind.ECG_DONE, BRANCH, 121, received=62, offset_ms=3_600_000).holds()
    # it runs an hour behind: what it calls an hour ago is now, and five minutes more are the future
    story.records(Kind.ECG_DONE, BRANCH, 5, received=62, offset_ms=-3_600_000).refused(
        NotAllowed, "NOT_IN_FUTURE"
    )


def test_a_correction_keeps_the_former_time_in_the_trail() -> None:
    story = an_episode().seen(CT_DONE)
    former = story.here.milestones[0]
    command = CorrectMilestone(milestone=former.name, corrected_time=minute(55), reason=MISTYPED)
    entry = corrected(former, 55, EXPERT, received=90)
    by_coordinator = corrected(former, 55, COORDINATOR, received=90)
    story.when(command, EXPERT, at=90).refused(NotPermitted, "CORRECTOR_ONLY")
    event = MilestoneCorrected(
        milestone=by_coordinator,
        superseded_time=minute(60),
        reason=MISTYPED,
        pathway=Pathway.STROKE,
    )
    story.when(command, QITAI_COORDINATOR, at=90).refused(NotFound)
    assert story.when(command, COORDINATOR, at=90).then(event).here.milestones == (by_coordinator,)
    after = story.when(command, PHYSICIAN, at=90).holds()
    assert after.here.milestones == (corrected(former, 55, PHYSICIAN, received=90),)
    assert after.here.milestones[0].name == entry.name


def test_both_the_place_and_the_recorder_may_correct() -> None:
    story = an_episode().records(Kind.CT_READ, BRANCH, 65, by=EXPERT).holds()
    command = CorrectMilestone(
        milestone=story.here.milestones[0].name, corrected_time=minute(64), reason=MISTYPED
    )
    for actor in (EXPERT, PHYSICIAN, AMBULANCE):
        story.when(command, actor, at=90).holds()
    for actor in (BED_DESK, OPERATOR, SYSTEM):
        story.when(command, actor, at=90).refused(NotPermitted, "CORRECTOR_ONLY")
    story.when(command, STRANGER, at=90).refused(NotFound)


def test_a_correction_is_held_to_the_same_order() -> None:
    story = an_episode().seen(CT_DONE, (Kind.CT_READ, BRANCH, 70))
    done, read = story.here.milestones

    def correct(name: str, at: float) -> CorrectMilestone:
        return CorrectMilestone(milestone=name, corrected_time=minute(at), reason=MISTYPED)

    story.when(correct(done.name, 71), PHYSICIAN, at=90).refused(NotAllowed, "CLINICAL_ORDER")
    story.when(correct(read.name, 99), PHYSICIAN, at=90).refused(NotAllowed, "NOT_IN_FUTURE")
    story.when(correct(done.name, 60), PHYSICIAN, at=90).refused(InvalidInput, "corrected_time")
    missing = f"milestones/{derive_id('none')}"
    story.when(correct(missing, 60), PHYSICIAN, at=90).refused(NotFound)
    moved = story.when(correct(done.name, 70), PHYSICIAN, at=90).holds()
    assert [m.corrected for m in moved.here.milestones] == [True, False]
    moved.when(correct(done.name, 50), PHYSICIAN, at=95).holds()


def test_a_correction_gives_true_time() -> None:
    story = an_episode().records(Kind.ECG_DONE, BRANCH, 61, received=60, offset_ms=60_000).holds()
    former = story.here.milestones[0]
    assert former.true_time() == minute(60)
    same = CorrectMilestone(milestone=former.name, corrected_time=minute(60), reason=MISTYPED)
    story.when(same, PHYSICIAN, at=90).refused(InvalidInput, "corrected_time")
    other = CorrectMilestone(milestone=former.name, corrected_time=minute(61), reason=MISTYPED)
    after = story.when(other, PHYSICIAN, at=90).holds().here.milestones[0]
    assert after.true_time() == minute(61)


def test_the_record_may_be_put_right_after_the_end() -> None:
    story = an_episode().seen(CT_DONE).closed()
    command = CorrectMilestone(
        milestone=story.here.milestones[0].name, corrected_time=minute(55), reason=MISTYPED
    )
    assert story.when(command, PHYSICIAN, at=9000).holds().here.state is EpisodeState.CLOSED


def test_a_coordinator_speaks_for_the_own_community_alone() -> None:
    """Also where the illness leads over its border: another community's numbers are not hers to change."""
    story = an_episode().given(joined("qitai-people", member=REFERRAL)).seen(CT_DONE)
    command = CorrectMilestone(
        milestone=story.here.milestones[0].name, corrected_time=minute(55), reason=MISTYPED
    )
    story.when(command, QITAI_COORDINATOR, at=90).refused(NotPermitted, "CORRECTOR_ONLY")
    overseer = person("overseer", "qitai-people", Role.COORDINATOR, Role.OPERATOR)
    story.when(command, overseer, at=90).refused(NotPermitted, "CORRECTOR_ONLY")
    story.when(command, COORDINATOR, at=90).holds()
    story.when(CloseEpisode(), QITAI_COORDINATOR, live_members=()).holds()
