"""The file of targets: what the sources say, and what a site may put over it."""

from pathlib import Path
from textwrap import dedent

import pytest

from services.referral.adapters.target_catalogue import CatalogueInvalid, TargetCatalogue, load_catalogue
from services.referral.domain.clocks_targets import ClockTarget, Confidence, SourcedLimit
from services.referral.domain.consultation_details import ImagingRequest, Modality
from services.referral.domain.consultation_policy import UrgencyLimit
from services.referral.domain.consultation_values import ConsultationKind
from services.referral.domain.values import Pathway, Urgency

FACTS = {
    ("STROKE", "onset-to-needle"): (270, "B"),
    ("STROKE", "door-to-assessment"): (10, "B"),
    ("STROKE", "door-to-imaging"): (45, "B"),
    ("STROKE", "door-to-laboratory"): (45, "B"),
    ("STROKE", "door-to-needle"): (60, "B"),
    ("STROKE", "door-in-door-out"): (90, "B"),
    ("STROKE", "door-to-puncture"): (90, "B"),
    ("STROKE", "onset-to-puncture"): (360, "B"),
    ("CHEST_PAIN", "fmc-to-ecg"): (10, "A"),
    ("CHEST_PAIN", "ecg-to-diagnosis"): (10, "A"),
    ("CHEST_PAIN", "ecg-to-transmission"): (10, "A"),
    ("CHEST_PAIN", "troponin-turnaround"): (20, "A"),
    ("CHEST_PAIN", "fmc-to-needle"): (30, "A"),
    ("CHEST_PAIN", "door-in-door-out"): (30, "A"),
    ("CHEST_PAIN", "door-to-balloon"): (90, "A"),
    ("CHEST_PAIN", "transfer-for-pci"): (120, "A"),
    ("CHEST_PAIN", "cath-lab-activation"): (30, "A"),
}

SITE = """
    sources:
      site: {zh: 本院质控会议纪要, en: the hospital's own quality meeting}
    clocks:
      - key: door-to-needle
        label: {zh: 入门至溶栓, en: door to needle}
        pathway: STROKE
        start: [DOOR_IN]
        stop: THROMBOLYSIS
        target_s: 2700
        source: site
        confidence: C
        counts_for: ACUTE_DOOR
    consultation:
      result_due_by_kind: {ECG: remote-ecg}
"""


def _load(tmp_path: Path, text: str) -> TargetCatalogue:
    path = tmp_path / "site.yaml"
    path.write_text(dedent(text), encoding="utf-8")
    return load_catalogue(path)


def _target(catalogue: TargetCatalogue, key: str) -> ClockTarget:
    return next(t for t in catalogue.clock_targets if t.pathway is Pathway.STROKE and t.key == key)


def test_the_defaults_are_the_facts() -> None:
    found = {
        (target.pathway.value, target.key): (target.target_s / 60, target.confidence.value)
        for target in load_catalogue().clock_targets
    }
    assert found == FACTS
    assert _target(load_catalogue(), "door-to-needle").stretch_s == 45 * 60


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


CITY_RULE = """
    consultation:
      result_due_by_kind: {ECG: remote-ecg}
      result_due_by_modality: {X_RAY: remote-x-ray}
      attachment_schemes: [dicomweb]
      return_reasons:
        - {code: MISSING_LEAD, label: {zh: 导联不全, en: lead missing}, kinds: [ECG, TELECONSULTATION]}
"""


def test_a_site_may_follow_its_citys_rule(tmp_path: Path) -> None:
    policy = _load(tmp_path, CITY_RULE).consultation_policy
    x_ray = ImagingRequest(modality=Modality.X_RAY, body_part="胸部")
    ct = ImagingRequest(modality=Modality.CT, body_part="胸部")
    found = [
        policy.result_due_within(kind, urgency, Pathway.GENERAL, imaging).total_seconds() / 60
        for kind, imaging in (
            (ConsultationKind.ECG, None),
            (ConsultationKind.IMAGING, x_ray),
            (ConsultationKind.IMAGING, ct),
        )
        for urgency in (Urgency.EMERGENCY, Urgency.ROUTINE)
    ]
    assert found == [15, 30, 30, 60, 30, 120]
    assert policy.attachment_schemes == ("dicomweb",)
    assert policy.return_reason("MISSING_LEAD", ConsultationKind.TELECONSULTATION)
    assert policy.return_reason("OTHER", ConsultationKind.LAB)


@pytest.mark.parametrize("scheme", ["data", "file", "blob"])
def test_attachments_are_never_allowed_to_be_bytes(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(CatalogueInvalid, match=scheme):
        _load(tmp_path, CITY_RULE.replace("[dicomweb]", f"[https, {scheme}]"))


def test_no_secondary_value_says_that_it_is_a_standard() -> None:
    catalogue = load_catalogue()
    entries: tuple[ClockTarget | SourcedLimit, ...] = (*catalogue.clock_targets, *catalogue.limits)
    for entry in entries:
        assert entry.label.zh
        if entry.confidence is Confidence.B:
            assert "secondary source" in entry.source.en
            assert "二手资料" in entry.source.zh


def test_a_site_puts_its_own_over_a_default(tmp_path: Path) -> None:
    catalogue = _load(tmp_path, SITE)
    needle = _target(catalogue, "door-to-needle")
    assert (needle.target_s, needle.confidence.value) == (2700, "C")
    assert needle.source.en == "the hospital's own quality meeting"
    assert len(catalogue.clock_targets) == len(FACTS)
    assert catalogue.consultation_policy.result_due.emergency_s == 1800
    assert catalogue.consultation_policy.result_due_by_kind == (
        (ConsultationKind.ECG, UrgencyLimit(emergency_s=900, otherwise_s=1800)),
    )


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("source: site", "source: nowhere", "unknown source 'nowhere'"),
        ("source: site", "", "source"),
        ("confidence: C", "", "confidence"),
        ("confidence: C", "confidence: D", "confidence"),
        ("stop: THROMBOLYSIS", "stop: DOOR_IN", "starts and stops with DOOR_IN"),
        ("start: [DOOR_IN]", "start: [ONSET]", "starts with DOOR_IN"),
        ("start: [DOOR_IN]", "start: []", "length"),
        ("target_s: 2700", "target_s: 0", "target_s"),
        ("target_s: 2700", "target_s: 2700\n    stretch_s: 2700", "not tighter"),
        ("target_s: 2700", "target_min: 45", "target_min"),
        ("remote-ecg", "remote-smell", "names no limit 'remote-smell'"),
        ("zh: 本院质控会议纪要", "zh: ''", "zh"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_by_name(
    tmp_path: Path, wrong: str, right: str, said: str
) -> None:
    with pytest.raises(CatalogueInvalid, match=r"site\.yaml") as refusal:
        _load(tmp_path, dedent(SITE).replace(wrong, right))
    assert said in str(refusal.value)


def test_a_key_stands_once_in_a_file(tmp_path: Path) -> None:
    text = dedent(SITE)
    entry = text[text.index("  - key") : text.index("consultation:")]
    with pytest.raises(CatalogueInvalid, match=r"twice.*door-to-needle"):
        _load(tmp_path, text.replace(entry, entry + entry))


def test_what_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid, match=r"site\.yaml"):
        _load(tmp_path, "clocks: [")


def test_a_missing_file_is_the_callers_to_know(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_catalogue(tmp_path / "none.yaml")


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


@pytest.mark.parametrize(
    "line, fault",
    [
        ("exclusions: [SHOCKED]", "unknown exclusions"),
        ("aim: SHARE", "go together"),
        ("share_at_least_percent: 75", "go together"),
        ("selected_s: 2700", "not wider"),
    ],
)
def test_a_target_that_does_not_fit_together_is_refused(tmp_path: Path, line: str, fault: str) -> None:
    with pytest.raises(CatalogueInvalid, match=fault):
        _load(tmp_path, SITE.replace("target_s: 2700", f"target_s: 2700\n        {line}"))


SHARE = """
    sources:
      site: {zh: 本院质控会议纪要, en: the hospital's own quality meeting}
    shares:
      - key: walked-in
        label: {zh: 自行来院直达导管室, en: straight to the cath lab on his own}
        pathway: CHEST_PAIN
        at_least_percent: 10
        measure: EMERGENCY_ROOM_BYPASSED
        arrived_by: WALK_IN
        source: site
        confidence: C
"""


def test_a_site_counts_a_share_of_its_own(tmp_path: Path) -> None:
    found = {share.key: share for share in _load(tmp_path, SHARE).shares}
    assert (found["walked-in"].measure, found["walked-in"].arrived_by) == (
        "EMERGENCY_ROOM_BYPASSED",
        "WALK_IN",
    )


@pytest.mark.parametrize(
    "right, wrong, fault",
    [
        ("        arrived_by: WALK_IN\n", "", "go together"),
        ("walked-in", "door-to-balloon", "a clock and a share"),
        ("EMERGENCY_ROOM_BYPASSED", "EMERGENCY_ROOM_LIKED", "EMERGENCY_ROOM_LIKED"),
    ],
)
def test_a_share_that_could_not_be_counted_is_refused(
    tmp_path: Path, right: str, wrong: str, fault: str
) -> None:
    with pytest.raises(CatalogueInvalid, match=fault):
        _load(tmp_path, SHARE.replace(right, wrong))


BY_PATHWAY = """
    sources:
      site: {zh: 本院质控会议纪要, en: the hospital's own quality meeting}
    limits:
      - key: stroke-reading
        label: {zh: 卒中读片, en: reading of a stroke}
        emergency_s: 900
        urgent_s: 1800
        limit_s: 3600
        source: site
        confidence: C
    consultation:
      result_due_by_pathway: {STROKE: stroke-reading}
"""


def test_a_site_may_give_a_pathway_and_the_urgent_their_limits(tmp_path: Path) -> None:
    catalogue = _load(tmp_path, BY_PATHWAY)
    policy = catalogue.consultation_policy
    found = [
        policy.result_due_within(ConsultationKind.IMAGING, urgency, Pathway.STROKE).total_seconds() / 60
        for urgency in (Urgency.EMERGENCY, Urgency.URGENT, Urgency.ROUTINE)
    ]
    assert found == [15, 30, 60]
    elsewhere = policy.result_due_within(ConsultationKind.IMAGING, Urgency.URGENT, Pathway.TRAUMA)
    assert elsewhere.total_seconds() == 7200
    (limit,) = [each for each in catalogue.limits if each.key == "stroke-reading"]
    assert limit.urgent_s == 1800
    with pytest.raises(CatalogueInvalid, match="names no limit"):
        _load(tmp_path, BY_PATHWAY.replace("{STROKE: stroke-reading}", "{STROKE: unknown}"))
