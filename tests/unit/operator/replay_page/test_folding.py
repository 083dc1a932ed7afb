"""Given events; when they are folded; then each moment is as it was."""

import pytest

from services.operator.replay_page.folding import NothingHappened
from services.operator.replay_page.story import Picture, Story, WardCounts, picture
from tests.unit.operator.replay_page.happenings import (
    CASE,
    EPISODE,
    JOURNEY,
    MINUTE,
    alert,
    consultation,
    referral,
    told,
    ward,
)


def _at(story: Story, minute: float) -> Picture:
    return picture(story, int(minute * MINUTE))


def _beds(found: Picture, name: str = "stroke") -> tuple[int, int, int]:
    counts: WardCounts = found.wards[name]
    return counts.free, counts.held, counts.occupied


@pytest.mark.parametrize(
    ("minute", "where", "beds", "alerts", "happened"),
    [
        (10, ("REQUESTED", "branch"), (6, 0, 0), "OPEN", 2),
        (11.5, ("REQUESTED", "branch"), (6, 0, 0), "ACKNOWLEDGED", 3),
        (12, ("ACCEPTED", "branch"), (5, 1, 0), "RESOLVED", 6),
        (30, ("IN_TRANSIT", "branch"), (5, 1, 0), "RESOLVED", 7),
        (64.9, ("IN_TRANSIT", "branch"), (5, 1, 0), "RESOLVED", 8),
        (65, ("ARRIVED", "hospital"), (5, 0, 1), "RESOLVED", 10),
        (90, ("CLOSED", "hospital"), (5, 0, 1), "RESOLVED", 11),
    ],
)
def test_each_moment_is_as_the_events_left_it(
    minute: float, where: tuple[str, str], beds: tuple[int, int, int], alerts: str, happened: int
) -> None:
    found = _at(told(JOURNEY), minute)
    assert (found.referrals[CASE].state, found.referrals[CASE].custodian) == where
    assert _beds(found) == beds
    assert found.alerts == {"alerts/1": alerts}
    assert len(found.entries) == happened


def test_who_is_on_the_road_left_once_and_is_expected_as_was_said_last() -> None:
    story = told(JOURNEY)
    early, late, there = (_at(story, minute).referrals[CASE] for minute in (20, 50, 70))
    assert (early.departed_at, early.expected_at) == (20 * MINUTE, 60 * MINUTE)
    assert (late.departed_at, late.expected_at) == (20 * MINUTE, 64 * MINUTE)
    assert (there.departed_at, there.expected_at) == (None, None)


def test_a_ward_was_there_before_it_was_described_and_that_is_no_line() -> None:
    story = told(JOURNEY)
    assert _beds(_at(story, 10)) == (6, 0, 0)
    assert (story.begins_at, story.ends_at) == (10 * MINUTE, 90 * MINUTE)
    assert "WardApplied" not in {each.type for each in story.entries}


def test_what_came_before_is_one_point_and_what_was_over_is_gone() -> None:
    over = [referral(1, "ReferralRequested", 1, "REQUESTED", name="referrals/over", case="referrals/over")]
    over.append(
        referral(2, "ReferralCancelled", 2, "CANCELLED", name="referrals/over", case="referrals/over")
    )
    story = told([*over, *JOURNEY], since=30 * MINUTE)
    assert [each.name for each in story.referrals] == [CASE]
    assert [at // MINUTE for at, _ in story.referrals[0].track] == [20, 40, 65, 90]
    assert story.alerts == []
    found = _at(story, 30)
    assert found.referrals[CASE].state == "IN_TRANSIT"
    assert _beds(found) == (5, 1, 0)
    assert found.entries == []


def test_nothing_after_the_end_is_told() -> None:
    story = told(JOURNEY, until=65 * MINUTE)
    assert story.ends_at == 65 * MINUTE - 1
    found = _at(story, 1_000)
    assert found.referrals[CASE].state == "IN_TRANSIT"
    assert _beds(found) == (5, 1, 0)
    assert len(found.entries) == 8


def test_of_too_many_the_earliest_are_told_and_the_rest_is_counted() -> None:
    whole, story = told(JOURNEY), told(JOURNEY, entries_max=3)
    assert [each.type for each in story.entries] == [each.type for each in whole.entries[:3]]
    assert story.left_out.entries == len(whole.entries) - 3
    assert story.ends_at == 11 * MINUTE
    # And nothing of what came after shows in what is told.
    assert _at(story, 1_000).referrals[CASE].state == "REQUESTED"
    assert _beds(_at(story, 1_000)) == (6, 0, 0)


def test_an_event_that_comes_again_changes_nothing() -> None:
    once = told(JOURNEY)
    twice = told([each for event in JOURNEY for each in (event, event)])
    assert twice == once
    assert told([*JOURNEY, *JOURNEY]) == once


def test_what_was_recorded_late_counts_from_what_stands_before_it() -> None:
    # The bed's answer to the transport came when the patient had left.
    answer = referral(6, "BedHeld", 15, "ARRIVED")
    story = told([*JOURNEY[:-1], answer, referral(7, "ReferralClosed", 90, "CLOSED")])
    assert story.left_out.late == 1
    assert _at(story, 16).referrals[CASE].state == "ACCEPTED"
    assert _at(story, 66).referrals[CASE].state == "ARRIVED"
    # It stands in the timeline where it happened.
    assert [each.at for each in story.entries if each.type == "BedHeld" and each.aggregate == CASE] == [
        15 * MINUTE
    ]


def test_of_an_episode_its_own_events_and_the_wards_of_those_who_take_part() -> None:
    other = "referrals/other"
    strange = {"case": other, "episodes": frozenset({"episodes/other"})}
    happenings = [
        *JOURNEY,
        referral(1, "ReferralRequested", 15, "REQUESTED", name=other, **strange),
        ward(4, "BedHeld", 70, (4, 1, 1), case=other),
        ward(1, "BedHeld", 16, (9, 1, 0), name="wards/elsewhere", of_facility="elsewhere", case=other),
    ]
    story = told(happenings, episodes=frozenset({EPISODE}))
    assert [each.name for each in story.referrals] == [CASE]
    assert {each.case for each in story.entries} == {CASE}
    assert [each.id for each in story.wards] == ["stroke"]
    # What others did to those beds is no line of this case, and is counted in the beds.
    assert _beds(_at(story, 80)) == (4, 1, 1)


def test_of_a_facility_what_names_it() -> None:
    far = frozenset({"far"})
    others = [
        referral(1, "ReferralRequested", 15, "REQUESTED", name="referrals/far", facilities=far),
        ward(1, "BedHeld", 16, (9, 1, 0), name="wards/far", of_facility="far"),
    ]
    story = told([*JOURNEY, *others], facilities=frozenset({"hospital"}))
    assert [each.name for each in story.referrals] == [CASE]
    assert [each.id for each in story.wards] == ["stroke"]
    # Its answer names nobody, and belongs to an alert that does.
    assert [each.type for each in story.entries if each.aggregate == "alerts/1"] == [
        "AlertTriggered",
        "AlertAcknowledged",
        "AlertResolved",
    ]


def test_an_answer_to_an_alert_stands_where_the_alert_does() -> None:
    (answer,) = [each for each in told(JOURNEY).entries if each.type == "AlertAcknowledged"]
    assert (answer.facility, answer.case) == ("hospital", CASE)


def test_a_delivery_leaves_an_alert_as_it_was() -> None:
    story = told([*JOURNEY[:4], alert(3, "DeliveryRecorded", 13, None)])
    assert _at(story, 14).alerts == {"alerts/1": "ACKNOWLEDGED"}


def test_a_question_is_open_until_it_is_answered() -> None:
    story = told(
        [
            consultation(1, "ConsultationRequested", 1, "REQUESTED"),
            consultation(2, "ConsultationOverdue", 2, None),
            consultation(3, "ConsultationReported", 3, "REPORTED"),
        ]
    )
    assert [_at(story, minute).consultations for minute in (0, 2, 3)] == [
        {},
        {"consultations/1": "REQUESTED"},
        {"consultations/1": "REPORTED"},
    ]


def test_a_facility_that_the_directory_lacks_is_called_by_its_id() -> None:
    places = {each.id: each for each in told(JOURNEY).places}
    assert set(places) == {"branch", "hospital"}
    assert (places["hospital"].tier, places["hospital"].name.en) == (0, "hospital")


def test_of_nothing_there_is_no_story() -> None:
    with pytest.raises(NothingHappened):
        told([ward(1, "WardApplied", 1, (6, 0, 0))])
