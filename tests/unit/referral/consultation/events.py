"""The people and documents of the consultation that the tests tell, and its events as they are stored."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from services.referral.domain.attachments import Attachment
from services.referral.domain.consultation_commands import RequestConsultation
from services.referral.domain.consultation_events import (
    ClaimReleased,
    ConsultationCancelled,
    ConsultationClaimed,
    ConsultationOverdue,
    ConsultationReported,
    ConsultationRequested,
    ConsultationResubmitted,
    ConsultationReturned,
    CriticalValueAcknowledged,
    CriticalValueOverdue,
    ExpertVisitCancelled,
    ExpertVisitConfirmed,
    ExpertVisitHeld,
    ExpertVisitOverdue,
    ReportAmended,
    ResubmissionOverdue,
)
from services.referral.domain.consultation_values import (
    ConsultationKind,
    ConsultationReport,
    CriticalValue,
    CriticalValueNotice,
    ExpertVisit,
    ExpertVisitState,
    Recommendation,
)
from services.referral.domain.values import CodedReason, Pathway, Urgency
from services.shared.kernel.actor import Actor, Role, system_actor
from services.shared.kernel.ids import resource_name

START = datetime(2024, 7, 15, 2, 0, tzinfo=UTC)
NAME = resource_name("consultations", "story")
EPISODE = resource_name("episodes", "story")


def clinician(user: str, facility: str, *roles: Role) -> Actor:
    return Actor(user=user, name=user, facility=facility, roles=roles or (Role.CLINICIAN,))


BRANCH = clinician("branch-physician", "wucaiwan")
BRANCH_COLLEAGUE = clinician("branch-colleague", "wucaiwan")
EXPERT = clinician("stroke-expert", "jimsar-general")
OTHER_EXPERT = clinician("second-expert", "jimsar-general")
STRANGER = clinician("stranger", "changji-prefecture")
COORDINATOR = clinician("coordinator", "jimsar-town", Role.COORDINATOR)
QITAI_COORDINATOR = clinician("coordinator", "qitai-people", Role.COORDINATOR)
CENTRE_BED_DESK = clinician("bed-desk", "jimsar-general", Role.BED_DESK)
BRANCH_OFFICE = clinician("office", "wucaiwan", Role.REFERRAL_OFFICE)
SYSTEM = system_actor("referral")

CT = Attachment(uri="dicom://wucaiwan/ct/1", media_type="application/dicom", sha256="a" * 64, size_bytes=9)
CT_AGAIN = replace(CT, uri="dicom://wucaiwan/ct/2", sha256="b" * 64)
BLURRED = CodedReason(code="IMAGE_QUALITY", text="运动伪影")
REPORT = ConsultationReport(
    findings="左侧大脑中动脉供血区低密度",
    conclusion="急性脑梗死",
    recommendation=Recommendation.TREAT_LOCALLY,
)
POTASSIUM = CriticalValue(item="血钾", value="2.4", unit="mmol/L", found_at=START + timedelta(minutes=1))
CRITICAL = replace(REPORT, critical_value=True, critical_values=(POTASSIUM,))
VISIT = ExpertVisit(
    expert="肝胆外科主任",
    from_facility="changji-prefecture",
    department="肝胆外科",
    visit_at=START + timedelta(hours=48),
    purpose="肝癌切除",
)
EXPERT_COMES = replace(
    REPORT,
    recommendation=Recommendation.EXPERT_VISIT,
    expert_visit=VISIT,
    expert=VISIT.expert,
    expert_visit_at=VISIT.visit_at,
)
REQUEST = RequestConsultation(
    episode=EPISODE,
    patient="p-1",
    kind=ConsultationKind.TELECONSULTATION,
    urgency=Urgency.EMERGENCY,
    pathway=Pathway.STROKE,
    centre_facility="jimsar-general",
    question="可否溶栓？",
    clinical_summary="右侧肢体无力 40 分钟",
    attachments=(CT,),
)


def minute(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def requested(urgency: Urgency = Urgency.EMERGENCY) -> ConsultationRequested:
    return ConsultationRequested(
        episode=EPISODE,
        patient="p-1",
        kind=ConsultationKind.TELECONSULTATION,
        urgency=urgency,
        pathway=Pathway.STROKE,
        requesting_facility="wucaiwan",
        centre_facility="jimsar-general",
        question="可否溶栓？",
        clinical_summary="右侧肢体无力 40 分钟",
        attachments=(CT,),
        due_at=minute(30 if urgency is Urgency.EMERGENCY else 120),
    )


_URGENT_STROKE = {
    "requesting_facility": "wucaiwan",
    "centre_facility": "jimsar-general",
    "pathway": Pathway.STROKE,
    "urgency": Urgency.EMERGENCY,
}


def claimed(until: float = 11) -> ConsultationClaimed:
    return ConsultationClaimed(claim_expires_at=minute(until), **_URGENT_STROKE)  # type: ignore[arg-type]


def released(by_deadline: bool = False) -> ClaimReleased:
    return ClaimReleased(by_deadline=by_deadline, **_URGENT_STROKE)  # type: ignore[arg-type]


def returned(due: float = 20) -> ConsultationReturned:
    return ConsultationReturned(
        reason=BLURRED,
        resubmission_due_at=minute(due),
        **_URGENT_STROKE,  # type: ignore[arg-type]
    )


def resubmission_overdue(due: float = 20) -> ResubmissionOverdue:
    return ResubmissionOverdue(due_at=minute(due), **_URGENT_STROKE)  # type: ignore[arg-type]


def visit_overdue() -> ExpertVisitOverdue:
    return ExpertVisitOverdue(
        visit_at=VISIT.visit_at,
        due_at=VISIT.visit_at + timedelta(hours=2),
        **_URGENT_STROKE,  # type: ignore[arg-type]
    )


def _visit_due(report: ConsultationReport) -> datetime | None:
    visit = report.expert_visit
    return None if visit is None else visit.visit_at + timedelta(hours=2)


def resubmitted(
    due: float, summary: str = "重新采集", attachment: Attachment = CT_AGAIN
) -> ConsultationResubmitted:
    return ConsultationResubmitted(
        clinical_summary=summary,
        attachments=(attachment,),
        due_at=minute(due),
        **_URGENT_STROKE,  # type: ignore[arg-type]
    )


def reported(
    report: ConsultationReport = REPORT, notice: CriticalValueNotice | None = None
) -> ConsultationReported:
    return ConsultationReported(
        report=report,
        critical_value_notice=notice,
        expert_visit_due_at=_visit_due(report),
        **_URGENT_STROKE,  # type: ignore[arg-type]
    )


def amended(
    report: ConsultationReport,
    notice: CriticalValueNotice | None = None,
    visit: ExpertVisitState | None = None,
) -> ReportAmended:
    return ReportAmended(
        report=report,
        reason=BLURRED,
        critical_value_notice=notice,
        expert_visit_state=visit,
        expert_visit_due_at=_visit_due(report)
        if visit in (ExpertVisitState.PLANNED, ExpertVisitState.CONFIRMED)
        else None,
        **_URGENT_STROKE,  # type: ignore[arg-type]
    )


def told(at: float, *, late: bool = False, within: float = 30) -> CriticalValueNotice:
    """A notice that nobody has acknowledged yet."""
    return CriticalValueNotice(told_at=minute(at), told_late=late, acknowledge_by=minute(at + within))


def acknowledged(handling: str = "已予补钾") -> CriticalValueAcknowledged:
    return CriticalValueAcknowledged(handling=handling, **_URGENT_STROKE)  # type: ignore[arg-type]


def unanswered(by: float) -> CriticalValueOverdue:
    return CriticalValueOverdue(acknowledge_by=minute(by), **_URGENT_STROKE)  # type: ignore[arg-type]


def visit_confirmed() -> ExpertVisitConfirmed:
    return ExpertVisitConfirmed(expert=VISIT.expert, visit_at=VISIT.visit_at, **_URGENT_STROKE)  # type: ignore[arg-type]


def visit_held(at: float) -> ExpertVisitHeld:
    return ExpertVisitHeld(held_at=minute(at), summary="手术顺利", **_URGENT_STROKE)  # type: ignore[arg-type]


def visit_cancelled(told_facility: str) -> ExpertVisitCancelled:
    return ExpertVisitCancelled(
        reason=BLURRED,
        told_facility=told_facility,
        **_URGENT_STROKE,  # type: ignore[arg-type]
    )


def cancelled() -> ConsultationCancelled:
    return ConsultationCancelled(reason=BLURRED, **_URGENT_STROKE)  # type: ignore[arg-type]


def overdue(due: float = 30) -> ConsultationOverdue:
    return ConsultationOverdue(due_at=minute(due), **_URGENT_STROKE)  # type: ignore[arg-type]
