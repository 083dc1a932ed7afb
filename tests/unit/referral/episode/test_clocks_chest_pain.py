"""Clocks of chest pain: the chest pain centre standard's intervals."""

from services.referral.domain.clocks import ClockStatus, latest_departure
from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.milestones import MilestoneKind as Kind
from services.referral.domain.values import Pathway
from tests.unit.referral.episode.clock_scenario import refers, shown
from tests.unit.referral.episode.scenario import BRANCH, COUNTY, an_episode, minute

CHEST_PAIN = (
    (Kind.FIRST_MEDICAL_CONTACT, BRANCH, 0),
    (Kind.ECG_DONE, BRANCH, 8),
    (Kind.ECG_READ, BRANCH, 20),
    (Kind.DOOR_IN, BRANCH, 5),
)


def test_chest_pain_sent_on_for_pci() -> None:
    story = an_episode(Pathway.CHEST_PAIN).seen(*CHEST_PAIN)
    assert "transfer-for-pci" not in shown(story)
    story = refers(story, BRANCH, COUNTY, at=22)
    running = shown(story, now=25)
    assert running["transfer-for-pci"].stop_by == minute(120)
    assert latest_departure(running["transfer-for-pci"], travel_s=3600, after_arrival_s=1800) == minute(30)
    story = story.seen(
        (Kind.DOOR_OUT, BRANCH, 32),
        (Kind.DOOR_IN, COUNTY, 92),
        (Kind.PUNCTURE, COUNTY, 105),
        (Kind.WIRE_CROSSING, COUNTY, 118),
    )
    found = shown(story, now=9000)
    outcome = {key: ((clock.elapsed_s or 0) // 60, clock.status.value) for key, clock in found.items()}
    assert outcome == {
        "fmc-to-ecg": (8, "MET"),
        "ecg-to-diagnosis": (12, "MISSED"),
        "door-in-door-out@wucaiwan": (27, "MET"),
        "door-to-balloon@jimsar-general": (26, "MET"),
        "transfer-for-pci": (118, "MET"),
    }
    assert {clock.target_confidence for clock in found.values()} == {Confidence.A}


def test_chest_pain_thrombolysed() -> None:
    story = an_episode(Pathway.CHEST_PAIN).seen(*CHEST_PAIN, (Kind.ECG_SENT, BRANCH, 12))
    assert shown(story, now=25).keys() >= {"fmc-to-needle", "door-to-balloon@wucaiwan"}
    found = shown(story.seen((Kind.THROMBOLYSIS, BRANCH, 28)), now=9000)
    assert found["fmc-to-needle"].status is ClockStatus.MET
    assert found["ecg-to-transmission"].elapsed_s == 240
    assert "door-to-balloon@wucaiwan" not in found


def test_troponin_and_the_cath_lab_are_timed_from_what_starts_them() -> None:
    story = an_episode(Pathway.CHEST_PAIN).seen(*CHEST_PAIN, (Kind.TROPONIN, BRANCH, 30))
    # A result alone does not say when its blood was drawn.
    assert "troponin-turnaround" not in shown(story, now=40)
    story = story.seen((Kind.TROPONIN_SAMPLED, BRANCH, 9), (Kind.CATH_LAB_ACTIVATED, COUNTY, 25))
    running = shown(story, now=40)
    assert (running["troponin-turnaround"].elapsed_s, running["troponin-turnaround"].status) == (
        21 * 60,
        ClockStatus.MISSED,
    )
    assert running["cath-lab-activation"].status is ClockStatus.RUNNING
    assert running["cath-lab-activation"].measured_at == COUNTY
    assert shown(story, now=56)["cath-lab-activation"].status is ClockStatus.MISSED
    done = shown(story.seen((Kind.CATH_LAB_READY, COUNTY, 55)), now=9000)["cath-lab-activation"]
    assert (done.elapsed_s, done.status) == (30 * 60, ClockStatus.MET)
