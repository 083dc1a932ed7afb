"""What a site may put over the targets that come with the product, and what is refused."""

from pathlib import Path
from textwrap import dedent

import pytest

from services.referral.adapters.target_catalogue import CatalogueInvalid, load_catalogue
from services.referral.domain.consultation_details import ImagingRequest, Modality
from services.referral.domain.consultation_policy import UrgencyLimit
from services.referral.domain.consultation_values import ConsultationKind
from services.referral.domain.values import Pathway, Urgency
from tests.unit.referral.episode.target_files import FACTS, load_site, stroke_target

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

CITY_RULE = """
    consultation:
      result_due_by_kind: {ECG: remote-ecg}
      result_due_by_modality: {X_RAY: remote-x-ray}
      attachment_schemes: [dicomweb]
      return_reasons:
        - {code: MISSING_LEAD, label: {zh: 导联不全, en: lead missing}, kinds: [ECG, TELECONSULTATION]}
"""


def test_a_site_may_follow_its_citys_rule(tmp_path: Path) -> None:
    policy = load_site(tmp_path, CITY_RULE).consultation_policy
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
        load_site(tmp_path, CITY_RULE.replace("[dicomweb]", f"[https, {scheme}]"))


def test_a_site_puts_its_own_over_a_default(tmp_path: Path) -> None:
    catalogue = load_site(tmp_path, SITE)
    needle = stroke_target(catalogue, "door-to-needle")
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
        load_site(tmp_path, dedent(SITE).replace(wrong, right))
    assert said in str(refusal.value)


def test_a_key_stands_once_in_a_file(tmp_path: Path) -> None:
    text = dedent(SITE)
    entry = text[text.index("  - key") : text.index("consultation:")]
    with pytest.raises(CatalogueInvalid, match=r"twice.*door-to-needle"):
        load_site(tmp_path, text.replace(entry, entry + entry))


def test_what_is_no_yaml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueInvalid, match=r"site\.yaml"):
        load_site(tmp_path, "clocks: [")


def test_a_missing_file_is_the_callers_to_know(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_catalogue(tmp_path / "none.yaml")


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
        load_site(tmp_path, SITE.replace("target_s: 2700", f"target_s: 2700\n        {line}"))


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
    found = {share.key: share for share in load_site(tmp_path, SHARE).shares}
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
        load_site(tmp_path, SHARE.replace(right, wrong))


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
    catalogue = load_site(tmp_path, BY_PATHWAY)
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
        load_site(tmp_path, BY_PATHWAY.replace("{STROKE: stroke-reading}", "{STROKE: unknown}"))
