"""The file of targets: what the sources say, and what a site may put over it."""

import pytest

from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.domain.clocks_targets import ClockTarget, Confidence, SourcedLimit
from services.referral.domain.consultation_policy import UrgencyLimit
from services.referral.domain.consultation_values import ConsultationKind
from tests.unit.referral.episode.target_files import FACTS, stroke_target


def test_the_defaults_are_the_facts() -> None:
    found = {
        (target.pathway.value, target.key): (target.target_s / 60, target.confidence.value)
        for target in load_catalogue().clock_targets
    }
    assert found == FACTS
    assert stroke_target(load_catalogue(), "door-to-needle").stretch_s == 45 * 60


def test_a_consultation_is_held_to_the_products_limits() -> None:
    policy = load_catalogue().consultation_policy
    assert policy.result_due == UrgencyLimit(emergency_s=1800, otherwise_s=7200)
    assert policy.claim_lease == UrgencyLimit(emergency_s=1800, otherwise_s=7200)
    assert (policy.result_due_by_kind, policy.result_due_by_modality) == ((), ())
    assert policy.critical_value_notified == UrgencyLimit(emergency_s=600, otherwise_s=600)
    assert policy.critical_value_acknowledged == UrgencyLimit(emergency_s=1800, otherwise_s=1800)


@pytest.mark.parametrize(
    ("code", "kinds"),
    [
        ("IMAGE_QUALITY", {"IMAGING", "ECG", "TELECONSULTATION"}),
        ("MISSING_LEAD", {"ECG"}),
        ("SAMPLE_HAEMOLYSED", {"LAB"}),
        ("HISTORY_MISSING", set(ConsultationKind)),
        ("NO_SUCH_REASON", set()),
    ],
)
def test_a_return_has_a_reason_that_fits_the_kind(code: str, kinds: set[str]) -> None:
    policy = load_catalogue().consultation_policy
    assert {kind for kind in ConsultationKind if policy.return_reason(code, kind)} == kinds


def test_no_secondary_value_says_that_it_is_a_standard() -> None:
    catalogue = load_catalogue()
    entries: tuple[ClockTarget | SourcedLimit, ...] = (*catalogue.clock_targets, *catalogue.limits)
    for entry in entries:
        assert entry.label.zh
        if entry.confidence is Confidence.B:
            assert "secondary source" in entry.source.en
            assert "二手资料" in entry.source.zh


def test_the_aims_windows_and_exclusions_are_the_sources() -> None:
    catalogue = load_catalogue()
    by_key = {(target.pathway.value, target.key): target for target in catalogue.clock_targets}
    aims = {key: (target.aim, target.share_at_least_percent) for key, target in by_key.items() if target.aim}
    assert aims == {
        ("CHEST_PAIN", "fmc-to-ecg"): ("MEAN", None),
        ("CHEST_PAIN", "ecg-to-diagnosis"): ("MEAN", None),
        ("CHEST_PAIN", "door-to-balloon"): ("SHARE", 75),
    }
    selected = {key: (target.selected_s or 0) / 3600 for key, target in by_key.items() if target.selected_s}
    assert selected == {("STROKE", "onset-to-needle"): 9, ("STROKE", "onset-to-puncture"): 24}
    excluded = {
        key: [r.code for r in target.exclusions] for key, target in by_key.items() if target.exclusions
    }
    assert excluded == {("CHEST_PAIN", "door-in-door-out"): ["SHOCK", "ACUTE_LEFT_HEART_FAILURE"]}
    assert {
        share.key: (share.at_least_percent, share.measure, share.arrived_by) for share in catalogue.shares
    } == {
        "ecg-before-arrival-transfer": (50, "ECG_SENT_BEFORE_ARRIVAL", "TRANSFER"),
        "ecg-before-arrival-ambulance": (30, "ECG_SENT_BEFORE_ARRIVAL", "AMBULANCE"),
        "bypass-transfer": (50, "EMERGENCY_ROOM_BYPASSED", "TRANSFER"),
        "bypass-ambulance": (30, "EMERGENCY_ROOM_BYPASSED", "AMBULANCE"),
    }
    assert {share.confidence for share in catalogue.shares} == {Confidence.A}
