"""Clinical order: each line of the table refused once, and what must stay possible."""

import pytest

from services.referral.domain.episode_order import PRECEDENCES, Precedence, Reach
from services.referral.domain.episode_texts import MILESTONES
from services.referral.domain.milestones import MilestoneKind as Kind
from services.shared.kernel.refusals import NotAllowed
from tests.unit.referral.episode.scenario import BRANCH, COUNTY, an_episode, milestone

EVERY_LINE = pytest.mark.parametrize("line", PRECEDENCES, ids=lambda line: f"{line.earlier}-{line.later}")


@EVERY_LINE
def test_the_later_is_not_recorded_before_the_earlier(line: Precedence) -> None:
    story = an_episode().seen((line.earlier, BRANCH, 60))
    story.records(line.later, BRANCH, 59.9, received=90).refused(NotAllowed, "CLINICAL_ORDER")
    story.records(line.later, BRANCH, 60, received=90).holds()
    story.records(line.later, BRANCH, 61, received=90).holds()


@EVERY_LINE
def test_nor_the_earlier_after_the_later(line: Precedence) -> None:
    story = an_episode().seen((line.later, BRANCH, 60))
    story.records(line.earlier, BRANCH, 60.1, received=90).refused(NotAllowed, "CLINICAL_ORDER")
    story.records(line.earlier, BRANCH, 59, received=90).holds()


@EVERY_LINE
def test_only_what_is_about_the_patient_reaches_across_facilities(line: Precedence) -> None:
    outcome = an_episode().seen((line.earlier, BRANCH, 60)).records(line.later, COUNTY, 59, received=90)
    if line.reach is Reach.EPISODE:
        outcome.refused(NotAllowed, "CLINICAL_ORDER")
    else:
        outcome.holds()


def test_a_refusal_names_both_milestones_and_says_why() -> None:
    story = an_episode().seen((Kind.CT_DONE, BRANCH, 60))
    assert story.records(Kind.CT_READ, BRANCH, 50, received=90).texts_of_refusal() == [
        "CT done (wucaiwan, 2024-07-15T04:00:00+00:00) is after "
        "CT read (wucaiwan, 2024-07-15T03:50:00+00:00): a CT is done before it is read"
    ]


def test_every_line_that_fails_is_named_at_once() -> None:
    story = an_episode().seen((Kind.LAST_KNOWN_WELL, BRANCH, 20), (Kind.ONSET, BRANCH, 30))
    story.records(Kind.FIRST_MEDICAL_CONTACT, BRANCH, 10, received=5).refused(
        NotAllowed, "NOT_IN_FUTURE", "CLINICAL_ORDER", "CLINICAL_ORDER"
    )


def test_order_goes_by_true_time() -> None:
    story = an_episode().seen((Kind.ECG_DONE, BRANCH, 60))
    # a device ten minutes ahead says 65, so it was 55
    story.records(Kind.ECG_SENT, BRANCH, 65, received=90, offset_ms=600_000).refused(
        NotAllowed, "CLINICAL_ORDER"
    )
    after = story.records(Kind.ECG_SENT, BRANCH, 55, received=90, offset_ms=-600_000).holds()
    assert [m.kind for m in after.here.milestones] == [Kind.ECG_DONE, Kind.ECG_SENT]


def test_milestones_stand_in_clinical_order_however_late_they_come() -> None:
    story = an_episode()
    for kind, at in ((Kind.DOOR_OUT, 60), (Kind.CT_DONE, 60), (Kind.DOOR_IN, 60), (Kind.ONSET, 0)):
        story = story.records(kind, BRANCH, at, received=90).holds()
    assert [m.kind for m in story.here.milestones] == [
        Kind.ONSET,
        Kind.DOOR_IN,
        Kind.CT_DONE,
        Kind.DOOR_OUT,
    ]


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.DOOR_IN, Kind.DOOR_OUT)])
def test_the_same_thing_is_not_recorded_twice(kind: Kind) -> None:
    story = an_episode().seen((kind, BRANCH, 60))
    outcome = story.records(kind, BRANCH, 65)
    outcome.refused(NotAllowed, "MILESTONE_REPEATED")
    (text,) = outcome.texts_of_refusal()
    assert f"CorrectMilestone on {milestone(kind, BRANCH, 60).name}" in text


def test_what_is_about_the_patient_happened_once_whoever_records_it() -> None:
    for kind in (Kind.ONSET, Kind.LAST_KNOWN_WELL, Kind.FIRST_MEDICAL_CONTACT):
        an_episode().seen((kind, BRANCH, 60)).records(kind, COUNTY, 65).refused(
            NotAllowed, "MILESTONE_REPEATED"
        )
    for kind in (Kind.ECG_DONE, Kind.CT_DONE, Kind.THROMBOLYSIS, Kind.DOOR_IN, Kind.DOOR_OUT):
        an_episode().seen((kind, BRANCH, 60)).records(kind, COUNTY, 65).holds()


def test_who_comes_in_again_is_examined_again() -> None:
    story = an_episode().seen(
        (Kind.DOOR_IN, BRANCH, 10), (Kind.ECG_DONE, BRANCH, 20), (Kind.DOOR_OUT, BRANCH, 60)
    )
    story.records(Kind.ECG_DONE, BRANCH, 500).refused(NotAllowed, "MILESTONE_REPEATED")
    back = story.records(Kind.DOOR_IN, BRANCH, 490).holds()
    back.records(Kind.ECG_DONE, BRANCH, 500).holds()
    back.records(Kind.ECG_DONE, BRANCH, 490, received=500).holds()
    back.records(Kind.ECG_DONE, BRANCH, 480, received=500).refused(NotAllowed, "MILESTONE_REPEATED")


def test_doors_of_one_visit_alternate() -> None:
    inside = an_episode().seen((Kind.DOOR_IN, BRANCH, 10))
    inside.records(Kind.DOOR_IN, BRANCH, 20).refused(NotAllowed, "MILESTONE_REPEATED")
    left = inside.records(Kind.DOOR_OUT, BRANCH, 60).holds()
    left.records(Kind.DOOR_OUT, BRANCH, 61).refused(NotAllowed, "MILESTONE_REPEATED")
    left.records(Kind.DOOR_OUT, BRANCH, 50, received=90).refused(NotAllowed, "MILESTONE_REPEATED")
    left.records(Kind.DOOR_IN, BRANCH, 100).holds()


def test_a_patient_comes_back_even_when_a_door_between_was_never_recorded() -> None:
    elsewhere = an_episode().seen((Kind.DOOR_OUT, BRANCH, 60), (Kind.DOOR_IN, COUNTY, 150))
    elsewhere.records(Kind.DOOR_IN, BRANCH, 9000).holds()
    elsewhere.records(Kind.DOOR_IN, BRANCH, 61, received=90).refused(NotAllowed, "CLINICAL_ORDER")
    elsewhere.records(Kind.DOOR_IN, BRANCH, 15, received=90).holds()
    never_left = an_episode().seen((Kind.DOOR_IN, BRANCH, 10), (Kind.DOOR_IN, COUNTY, 150))
    never_left.records(Kind.DOOR_IN, BRANCH, 9000).holds()


def test_every_milestone_and_every_line_has_words() -> None:
    assert MILESTONES.keys() == set(Kind)
    assert all(text.zh and text.en for text in MILESTONES.values())
    assert all(line.reason.zh and line.reason.en for line in PRECEDENCES)


def test_the_table_is_an_order() -> None:
    """No chain of lines leads back to where it began."""
    after = {kind: {line.later for line in PRECEDENCES if line.earlier is kind} for kind in Kind}
    for kind in Kind:
        reached, frontier = set[Kind](), after[kind]
        while frontier - reached:
            reached |= frontier
            frontier = {later for earlier in frontier for later in after[earlier]}
        assert kind not in reached
