"""Shares of the chest pain centre standard: an ECG sent ahead, emergency room and CCU passed by."""

import pytest

from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.domain.clock_readings import facets_with_readings
from services.referral.domain.episode_commands import CorrectMilestone, RecordMilestone
from services.referral.domain.episode_events import MilestoneCorrected, MilestoneRecorded, MoveEnded
from services.referral.domain.milestones import ArrivalMode, FirstStation
from services.referral.domain.milestones import MilestoneKind as Kind
from services.referral.domain.share_readings import share_readings
from services.referral.domain.values import Pathway
from services.shared.kernel.refusals import InvalidInput
from tests.unit.referral.episode.clock_scenario import refers
from tests.unit.referral.episode.scenario import (
    BRANCH,
    COUNTY,
    MISTYPED,
    PHYSICIAN,
    REFERRAL,
    Story,
    an_episode,
    milestone,
    minute,
)

SHARES = load_catalogue().shares


def arrives(
    story: Story,
    facility: str,
    at: float,
    *,
    by: ArrivalMode | None = None,
    to: FirstStation | None = None,
) -> Story:
    door = milestone(Kind.DOOR_IN, facility, at, arrived_by=by, taken_to=to)
    return story.given(MilestoneRecorded(milestone=door, pathway=story.here.pathway))


def asked(story: Story) -> dict[str, bool | None]:
    found = share_readings(story.here, SHARES)
    keyed = {f"{each.key}@{each.facility}": each.met for each in found}
    assert len(keyed) == len(found)
    return keyed


def sent_on() -> Story:
    story = an_episode(Pathway.CHEST_PAIN).seen((Kind.DOOR_IN, BRANCH, 0), (Kind.ECG_DONE, BRANCH, 5))
    return refers(story, BRANCH, COUNTY, at=20).seen((Kind.DOOR_OUT, BRANCH, 30))


@pytest.mark.parametrize(
    ("sent_at", "to", "expected"),
    [
        (9, FirstStation.CATH_LAB, (True, True)),
        (9, FirstStation.CT_ROOM, (True, True)),
        (9, FirstStation.EMERGENCY_ROOM, (True, False)),
        (9, FirstStation.CCU, (True, False)),
        (9, FirstStation.OTHER, (True, False)),
        # Where he was taken is not known: that is no "no".
        (9, None, (True, None)),
        (None, FirstStation.CATH_LAB, (False, True)),
        # Sent when he is there, and after he came, is too late.
        (90, FirstStation.CATH_LAB, (False, True)),
        (95, FirstStation.CATH_LAB, (False, True)),
    ],
)
def test_a_patient_who_is_sent_on(
    sent_at: float | None, to: FirstStation | None, expected: tuple[bool | None, ...]
) -> None:
    story = sent_on()
    if sent_at is not None:
        story = story.seen((Kind.ECG_SENT, BRANCH, sent_at))
    found = asked(arrives(story, COUNTY, 90, to=to))
    assert found == dict(
        zip((f"ecg-before-arrival-transfer@{COUNTY}", f"bypass-transfer@{COUNTY}"), expected, strict=True)
    )


def test_a_referral_says_that_he_was_sent_on_whatever_brought_him() -> None:
    story = arrives(sent_on(), COUNTY, 90, by=ArrivalMode.AMBULANCE, to=FirstStation.CATH_LAB)
    assert asked(story).keys() == {f"ecg-before-arrival-transfer@{COUNTY}", f"bypass-transfer@{COUNTY}"}


def test_a_patient_whom_an_ambulance_fetches() -> None:
    story = an_episode(Pathway.CHEST_PAIN).seen((Kind.ECG_DONE, BRANCH, 2), (Kind.ECG_SENT, BRANCH, 4))
    story = arrives(story, COUNTY, 40, by=ArrivalMode.AMBULANCE, to=FirstStation.EMERGENCY_ROOM)
    assert asked(story) == {
        f"ecg-before-arrival-ambulance@{COUNTY}": True,
        f"bypass-ambulance@{COUNTY}": False,
    }


@pytest.mark.parametrize("by", [None, ArrivalMode.WALK_IN])
def test_nothing_is_asked_of_who_comes_on_his_own(by: ArrivalMode | None) -> None:
    story = an_episode(Pathway.CHEST_PAIN)
    assert asked(arrives(story, COUNTY, 40, by=by, to=FirstStation.CATH_LAB)) == {}


def test_a_referral_that_was_called_off_brought_nobody() -> None:
    story = sent_on().given(MoveEnded(member=REFERRAL), at=25)
    assert asked(arrives(story, COUNTY, 90, to=FirstStation.CATH_LAB)) == {}


def test_the_standard_is_of_chest_pain_alone() -> None:
    story = refers(an_episode(Pathway.STROKE).seen((Kind.DOOR_IN, BRANCH, 0)), BRANCH, COUNTY, at=20)
    assert asked(arrives(story, COUNTY, 90, to=FirstStation.CT_ROOM)) == {}


def test_readings_tell_done_not_done_and_not_known_apart() -> None:
    story = arrives(sent_on(), COUNTY, 90)
    facets = facets_with_readings(story.here, (), SHARES)
    readings = {each["key"]: each for each in facets["clocks"]}  # type: ignore[index, union-attr, misc]
    assert readings["ecg-before-arrival-transfer"]["elapsed_ms"] == 1  # type: ignore[index]
    assert readings["bypass-transfer"]["elapsed_ms"] is None  # type: ignore[index]
    story = story.seen((Kind.ECG_SENT, BRANCH, 9))
    facets = facets_with_readings(story.here, (), SHARES)
    readings = {each["key"]: each for each in facets["clocks"]}  # type: ignore[index, union-attr, misc]
    assert readings["ecg-before-arrival-transfer"]["elapsed_ms"] == 0  # type: ignore[index]


def test_how_he_came_is_recorded_with_his_door() -> None:
    command = RecordMilestone(
        kind=Kind.DOOR_IN, arrived_by=ArrivalMode.AMBULANCE, taken_to=FirstStation.CATH_LAB
    )
    story = an_episode(Pathway.CHEST_PAIN).when(command, PHYSICIAN, 3).holds()
    door = story.here.milestones[0]
    assert (door.arrived_by, door.taken_to) == (ArrivalMode.AMBULANCE, FirstStation.CATH_LAB)


def test_it_is_told_of_no_other_milestone() -> None:
    command = RecordMilestone(
        kind=Kind.DOOR_OUT, arrived_by=ArrivalMode.AMBULANCE, taken_to=FirstStation.CATH_LAB
    )
    story = an_episode(Pathway.CHEST_PAIN)
    story.when(command, PHYSICIAN, 3).refused(InvalidInput, "arrived_by", "taken_to")
    story = story.seen((Kind.ECG_DONE, BRANCH, 2))
    correction = CorrectMilestone(
        milestone=story.here.milestones[0].name,
        corrected_time=minute(3),
        reason=MISTYPED,
        taken_to=FirstStation.CCU,
    )
    story.when(correction, PHYSICIAN, 4).refused(InvalidInput, "taken_to")


def test_it_is_corrected_without_another_time_and_the_rest_stays() -> None:
    story = arrives(an_episode(Pathway.CHEST_PAIN), BRANCH, 3, by=ArrivalMode.AMBULANCE)
    door = story.here.milestones[0]
    same = CorrectMilestone(milestone=door.name, corrected_time=minute(3), reason=MISTYPED)
    story.when(same, PHYSICIAN, 4).refused(InvalidInput, "corrected_time")
    better = CorrectMilestone(
        milestone=door.name, corrected_time=minute(3), reason=MISTYPED, taken_to=FirstStation.CATH_LAB
    )
    outcome = story.when(better, PHYSICIAN, 4)
    (event,) = outcome.run()
    assert isinstance(event, MilestoneCorrected)
    corrected = outcome.holds().here.milestones[0]
    assert (corrected.arrived_by, corrected.taken_to) == (ArrivalMode.AMBULANCE, FirstStation.CATH_LAB)
    outcome.holds().when(better, PHYSICIAN, 5).refused(InvalidInput, "corrected_time")
