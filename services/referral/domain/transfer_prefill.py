"""A referral that follows a TRANSFER recommendation, and takes over what its caller leaves out.

What the caller says goes before what the centre recommends; what neither says is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

from services.referral.domain.commands import CreateReferral
from services.referral.domain.consultation_state import Consultation
from services.referral.domain.consultation_values import Recommendation, TransferProposal
from services.referral.domain.referral_values import ClinicalSummary
from services.referral.domain.texts import text
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput, NotAllowed, NotFound

#: lengths of the record's fields (WS 445.16: the reason has at most 100 characters)
_DIAGNOSIS_MAX = 200
_REASON_MAX = 100
_SYMPTOMS_MAX = 1000

#: Chinese: it becomes part of the patient's record.
_REASON = "会诊建议转诊：{conclusion}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ReferralDraft(CreateReferral):
    """CreateReferral as it comes in: a consultation may say what is left out."""

    destinations: tuple[str, ...] = ()
    # Wider than what it becomes: `prefilled` gives the command without these gaps.
    urgency: Urgency | None = None  # type: ignore[assignment]
    pathway: Pathway | None = None  # type: ignore[assignment]
    clinical_summary: ClinicalSummary | None = None  # type: ignore[assignment]


def followed(draft: ReferralDraft, consultation: Consultation | None, actor: Actor) -> Consultation:
    """The consultation that the referral follows, when it may.

    Raises NotFound when there is none or the caller's facility takes no part in it, NotAllowed with every
    rule that fails: it is the caller's question, answered with TRANSFER, of the same patient and episode.
    """
    if consultation is None or actor.facility not in (
        consultation.requesting_facility,
        consultation.centre_facility,
    ):
        raise NotFound("Consultation", draft.consultation)
    failed = tuple(FailedRule(code=code, text=text(code)) for code in _failed(draft, consultation, actor))
    if failed:
        raise NotAllowed(state="", allowed_commands=("CreateReferral",), failed_rules=failed)
    return consultation


def _failed(draft: ReferralDraft, consultation: Consultation, actor: Actor) -> Iterator[str]:
    if actor.facility != consultation.requesting_facility:
        yield "CONSULTATION_OF_ANOTHER_FACILITY"
    if consultation.report is None or consultation.report.recommendation is not Recommendation.TRANSFER:
        yield "CONSULTATION_ADVISES_NO_TRANSFER"
    if draft.patient != consultation.patient:
        yield "CONSULTATION_OF_ANOTHER_PATIENT"
    if draft.episode not in ("", consultation.episode):
        yield "CONSULTATION_OF_ANOTHER_EPISODE"


def prefilled(draft: ReferralDraft, consultation: Consultation | None) -> CreateReferral:
    """The command without gaps. Raises InvalidInput naming every field that nobody says."""
    if consultation is not None:
        draft = _taken_over(draft, consultation)
    required = {
        "destinations": draft.destinations,
        "urgency": draft.urgency,
        "pathway": draft.pathway,
        "clinical_summary": draft.clinical_summary,
    }
    missing = [
        FieldViolation(field=field, reason="REQUIRED", description="neither given nor recommended")
        for field, value in required.items()
        if not value
    ]
    if missing:
        raise InvalidInput(*missing)
    return CreateReferral(**{field.name: getattr(draft, field.name) for field in fields(CreateReferral)})


def _taken_over(draft: ReferralDraft, consultation: Consultation) -> ReferralDraft:
    report = consultation.report
    if report is None:
        return draft
    # An older report has a destination and no proposal.
    destinations = (report.transfer_destination,) if report.transfer_destination else ()
    proposal = report.transfer or TransferProposal(destinations=destinations)
    return replace(
        draft,
        episode=consultation.episode,
        destinations=draft.destinations or proposal.destinations,
        urgency=draft.urgency or proposal.urgency or consultation.urgency,
        pathway=draft.pathway or proposal.pathway or consultation.pathway,
        bed_type=draft.bed_type or proposal.bed_type,
        clinical_summary=_summary(draft.clinical_summary, proposal, report.conclusion, consultation),
    )


def _summary(
    given: ClinicalSummary | None, proposal: TransferProposal, conclusion: str, consultation: Consultation
) -> ClinicalSummary:
    recommended = ClinicalSummary(
        diagnosis_code=proposal.diagnosis_code,
        diagnosis_name=proposal.diagnosis_name or conclusion[:_DIAGNOSIS_MAX],
        referral_reason=proposal.referral_reason or _REASON.format(conclusion=conclusion)[:_REASON_MAX],
        symptoms=proposal.symptoms or consultation.clinical_summary[:_SYMPTOMS_MAX],
        treatment_given=proposal.treatment_given,
    )
    if given is None:
        return recommended
    return replace(
        given,
        # A code belongs to its name: the caller's own diagnosis takes no code of the centre's.
        diagnosis_code=given.diagnosis_code
        or (recommended.diagnosis_code if given.diagnosis_name == recommended.diagnosis_name else ""),
        symptoms=given.symptoms or recommended.symptoms,
        treatment_given=given.treatment_given or recommended.treatment_given,
    )
