"""Clocks, forward and backward, on the product's own targets."""

import pytest

from services.referral.domain.clocks import Clock, ClockStatus, clocks, latest_departure
from services.referral.domain.clocks_targets import ClockTarget, Confidence
from services.referral.domain.milestones import MilestoneKind as Kind
from services.referral.domain.values import Pathway
from tests.unit.referral.episode.clock_scenario import TARGETS, refers, shown
from tests.unit.referral.episode.scenario import (
    BRANCH,
    COUNTY,
    PREFECTURE,
    REFERRAL,
    REFERRAL_BACK,
    TOWN,
    Story,
    an_episode,
    joined,
    milestone,
    minute,
    opened,
)

#: case J1 with plausible times: onset at 09:00, the branch's door at 09:45
J1 = (
    (Kind.LAST_KNOWN_WELL, BRANCH, -10),
    (Kind.ONSET, BRANCH, 0),
    (Kind.FIRST_MEDICAL_CONTACT, BRANCH, 40),
    (Kind.DOOR_IN, BRANCH, 45),
    (Kind.CT_DONE, BRANCH, 60),
    (Kind.CT_READ, BRANCH, 72),
    (Kind.THROMBOLYSIS, BRANCH, 85),
    (Kind.STROKE_ASSESSED, BRANCH, 53),
    (Kind.LAB_REPORTED, BRANCH, 80),
)


def test_case_j1_thrombolysis_at_the_branch_then_the_county() -> None:
    story = refers(an_episode().seen(*J1), BRANCH, COUNTY, at=95)
    story = story.seen(
        (Kind.DOOR_OUT, BRANCH, 115), (Kind.DOOR_IN, COUNTY, 210), (Kind.HANDOVER, COUNTY, 215)
    )
    found = shown(story, now=100_000)
    minutes = {key: (clock.elapsed_s or 0) / 60 for key, clock in found.items()}
    assert minutes == {
        "onset-to-needle": 95,
        "door-to-assessment@wucaiwan": 8,
        "door-to-imaging@wucaiwan": 15,
        "door-to-laboratory@wucaiwan": 35,
        "door-to-needle@wucaiwan": 40,
        "door-in-door-out@wucaiwan": 70,
    }
    assert {clock.status for clock in found.values()} == {ClockStatus.MET}
    needle = found["door-to-needle@wucaiwan"]
    assert needle == Clock(
        key="door-to-needle",
        label=needle.label,
        facility=BRANCH,
        started_at=minute(45),
        stopped_at=minute(85),
        elapsed_s=40 * 60,
        target_s=3600,
        stretch_s=2700,
        status=ClockStatus.MET,
        target_source="process sheet of the China stroke centres (secondary source)",
        target_source_text=needle.target_source_text,
        target_confidence=Confidence.B,
        stop_by=minute(105),
        started_by=milestone(Kind.DOOR_IN, BRANCH, 45).name,
        stopped_by=milestone(Kind.THROMBOLYSIS, BRANCH, 85).name,
        measured_at=BRANCH,
    )


def test_case_j1_rehabilitation_and_the_way_home_start_no_clock() -> None:
    story = refers(an_episode().seen(*J1), BRANCH, COUNTY, at=95)
    story = story.seen((Kind.DOOR_OUT, BRANCH, 115), (Kind.DOOR_IN, COUNTY, 210))
    before = shown(story)
    story = story.given(joined(COUNTY, TOWN, member=REFERRAL_BACK), at=9000)
    story = story.seen(
        (Kind.DOOR_OUT, COUNTY, 9100), (Kind.DOOR_IN, TOWN, 9110), (Kind.DOOR_IN, BRANCH, 20_000)
    )
    assert shown(story, now=30_000) == before


def test_rehabilitation_starts_no_clock_for_who_was_never_treated() -> None:
    story = refers(an_episode().seen(*J1[:4]), BRANCH, COUNTY, at=95)
    story = story.seen((Kind.DOOR_OUT, BRANCH, 115), (Kind.DOOR_IN, COUNTY, 210))
    story = story.seen((Kind.DOOR_OUT, COUNTY, 9100), (Kind.DOOR_IN, TOWN, 9110))
    assert shown(story).keys() == {"onset-to-needle", "door-in-door-out@wucaiwan"}
    # a red flag at the town sends him up again
    again = refers(story, TOWN, COUNTY, at=9500, member=REFERRAL_BACK)
    again = again.seen((Kind.DOOR_OUT, TOWN, 9530), (Kind.DOOR_IN, COUNTY, 9540))
    assert shown(again).keys() - shown(story).keys() == {
        "door-in-door-out@jimsar-town",
        "door-to-assessment@jimsar-general",
        "door-to-imaging@jimsar-general",
        "door-to-laboratory@jimsar-general",
        "door-to-needle@jimsar-general",
    }


def test_a_referral_up_does_not_reach_back_to_an_earlier_door() -> None:
    story = an_episode().seen(
        (Kind.DOOR_IN, BRANCH, 0), (Kind.DOOR_OUT, BRANCH, 60), (Kind.DOOR_IN, TOWN, 90)
    )
    story = refers(story.seen((Kind.DOOR_IN, BRANCH, 20_000)), BRANCH, COUNTY, at=20_010)
    assert shown(story).keys() == {"door-in-door-out@wucaiwan"}


def test_who_comes_back_by_himself_is_acute_again() -> None:
    story = an_episode().seen(
        (Kind.DOOR_IN, BRANCH, 0),
        (Kind.DOOR_OUT, BRANCH, 30),
        (Kind.DOOR_IN, BRANCH, 500),
        (Kind.CT_DONE, BRANCH, 510),
        (Kind.THROMBOLYSIS, BRANCH, 520),
    )
    found = shown(story)
    assert found["door-to-needle@wucaiwan"].elapsed_s == 20 * 60
    assert found["door-to-imaging@wucaiwan"].elapsed_s == 10 * 60


def test_a_cath_lab_readied_ahead_starts_its_own_doors_clock_alone() -> None:
    story = an_episode().seen(*J1[:6], (Kind.CATH_LAB_READY, COUNTY, 80))
    assert "door-to-puncture@wucaiwan" not in shown(story)
    story = refers(story, BRANCH, COUNTY, at=80).seen((Kind.DOOR_IN, COUNTY, 180))
    found = shown(story)
    assert "door-to-puncture@wucaiwan" not in found
    assert found["door-to-puncture@jimsar-general"].stop_by == minute(270)


def test_case_j1_while_it_runs() -> None:
    story = an_episode().seen(*J1[:5])
    found = shown(story, now=65)
    assert {key for key, clock in found.items() if clock.status is ClockStatus.RUNNING} == {
        "onset-to-needle",
        "door-to-needle@wucaiwan",
        "door-to-laboratory@wucaiwan",
    }
    assert found["door-to-assessment@wucaiwan"].status is ClockStatus.MISSED
    needle = found["door-to-needle@wucaiwan"]
    assert (needle.stopped_at, needle.elapsed_s, needle.stopped_by) == (None, None, "")
    assert needle.stop_by == minute(105)
    onset = found["onset-to-needle"]
    assert onset.started_at == minute(-10)
    assert onset.stop_by == minute(260)
    # 95 minutes of road to the stroke centre, which then needs 40 minutes to the needle
    assert latest_departure(onset, travel_s=95 * 60, after_arrival_s=40 * 60) == minute(125)
    assert latest_departure(onset, travel_s=0) == onset.stop_by


def test_who_has_arrived_leaves_no_more() -> None:
    found = shown(an_episode().seen(*J1))
    assert latest_departure(found["onset-to-needle"], travel_s=60) is None


def test_a_passed_window_warns() -> None:
    story = an_episode().seen(*J1[:4])
    assert shown(story, now=105)["door-to-needle@wucaiwan"].status is ClockStatus.RUNNING
    assert shown(story, now=105.1)["door-to-needle@wucaiwan"].status is ClockStatus.MISSED
    assert shown(story)["door-to-needle@wucaiwan"].status is ClockStatus.RUNNING
    late = story.seen((Kind.THROMBOLYSIS, BRANCH, 105.1))
    assert shown(late)["door-to-needle@wucaiwan"].status is ClockStatus.MISSED
    on_time = story.seen((Kind.THROMBOLYSIS, BRANCH, 105))
    assert shown(on_time)["door-to-needle@wucaiwan"].status is ClockStatus.MET


def test_onset_counts_when_nobody_knows_when_he_was_last_well() -> None:
    story = an_episode().seen((Kind.ONSET, BRANCH, 0))
    assert shown(story)["onset-to-needle"].started_at == minute(0)
    assert not shown(an_episode())


def test_the_needle_of_the_county_counts_at_the_countys_door() -> None:
    story = refers(an_episode().seen(*J1[:6]), BRANCH, COUNTY, at=80)
    story = story.seen((Kind.DOOR_OUT, BRANCH, 90), (Kind.DOOR_IN, COUNTY, 185))
    found = shown(story, now=190)
    assert "door-to-needle@wucaiwan" not in found
    assert found["door-to-needle@jimsar-general"].status is ClockStatus.RUNNING
    found = shown(story.seen((Kind.THROMBOLYSIS, COUNTY, 225)))
    assert found["door-to-needle@jimsar-general"].elapsed_s == 40 * 60
    assert found["onset-to-needle"].elapsed_s == 235 * 60


def test_a_facility_that_sends_on_whom_it_was_sent() -> None:
    story = refers(an_episode().seen(*J1), BRANCH, COUNTY, at=95)
    story = story.seen((Kind.DOOR_OUT, BRANCH, 115), (Kind.DOOR_IN, COUNTY, 210))
    story = refers(story, COUNTY, PREFECTURE, at=230, member=REFERRAL_BACK)
    assert shown(story, now=240)["door-in-door-out@jimsar-general"].stop_by == minute(300)
    story = story.seen(
        (Kind.DOOR_OUT, COUNTY, 310), (Kind.DOOR_IN, PREFECTURE, 440), (Kind.CATH_LAB_READY, PREFECTURE, 450)
    )
    found = shown(story, now=460)
    assert found["door-in-door-out@jimsar-general"].status is ClockStatus.MISSED
    assert found["door-in-door-out@jimsar-general"].elapsed_s == 100 * 60
    assert found["door-to-puncture@changji-prefecture"].stop_by == minute(530)
    assert "door-to-puncture@jimsar-general" not in found
    assert "door-in-door-out@changji-prefecture" not in found


def test_door_in_door_out_counts_the_visit_that_ends_in_the_referral() -> None:
    twice = an_episode().seen(
        (Kind.DOOR_IN, BRANCH, 0), (Kind.DOOR_OUT, BRANCH, 30), (Kind.DOOR_IN, BRANCH, 500)
    )
    found = shown(refers(twice, BRANCH, COUNTY, at=510))["door-in-door-out@wucaiwan"]
    assert found.started_at == minute(500)
    assert found.stopped_at is None
    by_telephone = refers(an_episode(), BRANCH, COUNTY, at=-5).seen((Kind.DOOR_IN, BRANCH, 0))
    assert shown(by_telephone)["door-in-door-out@wucaiwan"].started_at == minute(0)


def test_thrombectomy_without_thrombolysis_has_no_needle() -> None:
    story = an_episode().seen(*J1[:6], (Kind.PUNCTURE, BRANCH, 100))
    found = shown(story, now=1000)
    assert found.keys() == {
        "door-to-assessment@wucaiwan",
        "door-to-imaging@wucaiwan",
        "door-to-laboratory@wucaiwan",
        "door-to-puncture@wucaiwan",
        "onset-to-puncture",
    }
    bridged = shown(an_episode().seen(*J1, (Kind.PUNCTURE, BRANCH, 100)))
    assert bridged["door-to-needle@wucaiwan"].status is ClockStatus.MET
    assert bridged["onset-to-puncture"].elapsed_s == 110 * 60


def test_what_never_stopped_is_not_shown_of_a_closed_episode() -> None:
    story = an_episode().seen(*J1[:5])
    assert shown(story, now=65).keys() - shown(story.closed(), now=65).keys() == {
        "onset-to-needle",
        "door-to-needle@wucaiwan",
        "door-to-assessment@wucaiwan",
        "door-to-laboratory@wucaiwan",
    }
    assert "door-to-imaging@wucaiwan" in shown(story.closed(), now=65)


def test_clocks_go_by_true_time() -> None:
    story = an_episode().seen(*J1[:4])
    # the pump's clock is 15 minutes ahead
    ahead = story.records(Kind.THROMBOLYSIS, BRANCH, 100, received=100, offset_ms=900_000).holds()
    found = shown(ahead)["door-to-needle@wucaiwan"]
    assert (found.stopped_at, found.elapsed_s) == (minute(85), 40 * 60)


def test_other_pathways_have_no_targets_yet() -> None:
    story = Story().given(opened(Pathway.TRAUMA)).seen((Kind.ONSET, BRANCH, 0), (Kind.DOOR_IN, BRANCH, 5))
    assert clocks(story.here, TARGETS) == ()


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: f"{target.pathway}-{target.key}")
def test_every_clock_carries_its_targets_source_and_confidence(target: ClockTarget) -> None:
    story = an_episode(target.pathway).given(joined(BRANCH, COUNTY, member=REFERRAL, sending=BRANCH), at=1)
    seen = [(target.start[0], BRANCH, 0.0), *((kind, BRANCH, 2.0) for kind in target.only_with[:1])]
    (clock,) = (c for c in clocks(story.seen(*seen).here, TARGETS) if c.key == target.key)
    assert clock.target_source_text == target.source
    assert clock.target_source == target.source.en
    assert clock.target_confidence is target.confidence
    assert (clock.target_s, clock.stop_by) == (target.target_s, minute(target.target_s / 60))
