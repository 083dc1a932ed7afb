"""A referral that follows a consultation: what it takes over, and when it may."""

from dataclasses import fields, replace

import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from services.referral.domain.commands import CreateReferral
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.consultation_values import ConsultationReport, Recommendation, TransferProposal
from services.referral.domain.referral_values import ClinicalSummary, Consent
from services.referral.domain.texts import text
from services.referral.domain.transfer_prefill import ReferralDraft, followed, prefilled
from services.referral.domain.values import BedType, Pathway, Urgency
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound
from tests.unit.referral.consultation.events import BRANCH, EXPERT, STRANGER, claimed, reported, requested
from tests.unit.referral.consultation.scenario import given

REPORT = ConsultationReport(
    findings="左侧大脑中动脉闭塞",
    conclusion="急性脑梗死，大血管闭塞",
    recommendation=Recommendation.TRANSFER,
    transfer_destination="changji-prefecture",
    transfer=TransferProposal(
        destinations=("changji-prefecture", "jimsar-general"),
        urgency=Urgency.URGENT,
        pathway=Pathway.CRITICAL_CARE,
        bed_type=BedType.ICU,
        diagnosis_code="I63.3",
        diagnosis_name="脑梗死",
        referral_reason="取栓",
        symptoms="右侧偏瘫",
        treatment_given="已溶栓",
    ),
)
OBSERVE = replace(REPORT, recommendation=Recommendation.OBSERVE)
DRAFT = ReferralDraft(
    patient="p-1", consent=Consent(recorded=True), consultation=given(requested()).here.name
)
OWN = ClinicalSummary(diagnosis_name="脑出血", referral_reason="家属要求", symptoms="头痛")


def answered(report: ConsultationReport | None = REPORT) -> Consultation:
    story = (
        given(requested(), claimed()) if report is None else given(requested(), claimed(), reported(report))
    )
    return story.here


def test_everything_left_out_is_taken_over() -> None:
    consultation = answered()
    assert prefilled(DRAFT, consultation) == CreateReferral(
        episode=consultation.episode,
        patient="p-1",
        destinations=("changji-prefecture", "jimsar-general"),
        urgency=Urgency.URGENT,
        pathway=Pathway.CRITICAL_CARE,
        bed_type=BedType.ICU,
        clinical_summary=ClinicalSummary(
            diagnosis_code="I63.3",
            diagnosis_name="脑梗死",
            referral_reason="取栓",
            symptoms="右侧偏瘫",
            treatment_given="已溶栓",
        ),
        consent=Consent(recorded=True),
        consultation=consultation.name,
    )


@pytest.mark.parametrize("proposal", [TransferProposal(destinations=("changji-prefecture",)), None])
def test_what_the_proposal_leaves_out_follows_from_the_consultation(
    proposal: TransferProposal | None,
) -> None:
    """None: a report from before there were proposals."""
    command = prefilled(DRAFT, answered(replace(REPORT, transfer=proposal)))
    assert command.destinations == ("changji-prefecture",)
    assert (command.urgency, command.pathway) == (Urgency.EMERGENCY, Pathway.STROKE)
    assert command.bed_type is None
    assert command.clinical_summary == ClinicalSummary(
        diagnosis_name="急性脑梗死，大血管闭塞",
        referral_reason="会诊建议转诊：急性脑梗死，大血管闭塞",
        symptoms="右侧肢体无力 40 分钟",
    )


def test_what_the_caller_says_goes_first() -> None:
    draft = replace(
        DRAFT,
        destinations=("jimsar-general",),
        urgency=Urgency.EMERGENCY,
        pathway=Pathway.STROKE,
        bed_type=BedType.STROKE_UNIT,
        clinical_summary=replace(OWN, diagnosis_code="I61.9", treatment_given="降压"),
    )
    command = prefilled(draft, answered())
    assert all(
        getattr(command, field.name) == getattr(draft, field.name)
        for field in fields(CreateReferral)
        if field.name != "episode"
    )


def test_a_summary_is_completed_but_a_code_belongs_to_its_own_diagnosis() -> None:
    summary = prefilled(replace(DRAFT, clinical_summary=OWN), answered()).clinical_summary
    assert summary == replace(OWN, treatment_given="已溶栓")
    same = replace(OWN, diagnosis_name="脑梗死")
    summary = prefilled(replace(DRAFT, clinical_summary=same), answered()).clinical_summary
    assert summary.diagnosis_code == "I63.3"


def test_without_a_recommended_destination_the_caller_names_one() -> None:
    nowhere = replace(REPORT, transfer=TransferProposal(), transfer_destination="")
    with pytest.raises(InvalidInput) as refusal:
        prefilled(DRAFT, answered(nowhere))
    assert [violation.field for violation in refusal.value.violations] == ["destinations"]
    assert prefilled(replace(DRAFT, destinations=("jimsar-general",)), answered(nowhere))


def test_without_a_consultation_every_gap_is_named() -> None:
    with pytest.raises(InvalidInput) as refusal:
        prefilled(replace(DRAFT, consultation=""), None)
    named = {violation.field for violation in refusal.value.violations}
    assert named == {"destinations", "urgency", "pathway", "clinical_summary"}


@settings(max_examples=60, deadline=None)
@over(st.text(max_size=2500), st.text(max_size=4000))
def test_a_long_conclusion_fits_the_record(conclusion: str, history: str) -> None:
    consultation = replace(
        answered(replace(REPORT, conclusion=conclusion, transfer=TransferProposal(destinations=("x",)))),
        clinical_summary=history,
    )
    summary = prefilled(DRAFT, consultation).clinical_summary
    assert len(summary.diagnosis_name) <= 200
    assert 0 < len(summary.referral_reason) <= 100
    assert len(summary.symptoms) <= 1000


@pytest.mark.parametrize(
    ("change", "report", "actor", "codes"),
    [
        ({}, REPORT, BRANCH, ()),
        ({"episode": given(requested()).here.episode}, REPORT, BRANCH, ()),
        ({}, REPORT, EXPERT, ("CONSULTATION_OF_ANOTHER_FACILITY",)),
        ({}, None, BRANCH, ("CONSULTATION_ADVISES_NO_TRANSFER",)),
        (
            {},
            replace(REPORT, recommendation=Recommendation.OBSERVE),
            BRANCH,
            ("CONSULTATION_ADVISES_NO_TRANSFER",),
        ),
        ({"patient": "p-2"}, REPORT, BRANCH, ("CONSULTATION_OF_ANOTHER_PATIENT",)),
        ({"episode": "episodes/other"}, REPORT, BRANCH, ("CONSULTATION_OF_ANOTHER_EPISODE",)),
        (
            {"patient": "p-2", "episode": "episodes/other"},
            None,
            EXPERT,
            (
                "CONSULTATION_OF_ANOTHER_FACILITY",
                "CONSULTATION_ADVISES_NO_TRANSFER",
                "CONSULTATION_OF_ANOTHER_PATIENT",
                "CONSULTATION_OF_ANOTHER_EPISODE",
            ),
        ),
    ],
)
def test_only_the_askers_own_transfer_of_this_patient_and_episode_is_followed(
    change: dict[str, str], report: ConsultationReport | None, actor: object, codes: tuple[str, ...]
) -> None:
    draft, consultation = replace(DRAFT, **change), answered(report)  # type: ignore[arg-type]
    if not codes:
        assert followed(draft, consultation, actor) is consultation  # type: ignore[arg-type]
        return
    with pytest.raises(NotAllowed) as refusal:
        followed(draft, consultation, actor)  # type: ignore[arg-type]
    assert tuple(rule.code for rule in refusal.value.failed_rules) == codes
    assert all(rule.text == text(rule.code) for rule in refusal.value.failed_rules)


@pytest.mark.parametrize("consultation", [None, answered()])
def test_whoever_takes_no_part_learns_nothing(consultation: Consultation | None) -> None:
    with pytest.raises(NotFound):
        followed(DRAFT, consultation, STRANGER if consultation else BRANCH)
