"""Given events, when a command, then events or a refusal: the consultation's stories."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from services.referral.domain import consultation
from services.referral.domain.attachments import Attachment
from services.referral.domain.consultation import Consultation
from services.referral.domain.consultation_commands import ConsultationCommand, RequestConsultation
from services.referral.domain.consultation_events import (
    ClaimReleased,
    ConsultationCancelled,
    ConsultationClaimed,
    ConsultationEvent,
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
from services.referral.domain.consultation_policy import ConsultationPolicy, ReturnReason, UrgencyLimit
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
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.ids import derive_id, resource_name
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused
from services.shared.kernel.text import BilingualText
from tests.unit.referral.referral.network import DIRECTORY

START = datetime(2024, 7, 15, 2, 0, tzinfo=UTC)
NAME = resource_name("consultations", "story")
EPISODE = resource_name("episodes", "story")
POLICY = ConsultationPolicy(
    result_due=UrgencyLimit(emergency_s=1800, otherwise_s=7200),
    claim_lease=UrgencyLimit(emergency_s=600, otherwise_s=1800),
    critical_value_notified=UrgencyLimit(emergency_s=600, otherwise_s=600),
    critical_value_acknowledged=UrgencyLimit(emergency_s=1800, otherwise_s=3600),
    resubmission_due=UrgencyLimit(emergency_s=900, otherwise_s=14400),
    expert_visit_recorded=UrgencyLimit(emergency_s=7200, otherwise_s=86400),
    return_reasons=(
        ReturnReason(
            code="IMAGE_QUALITY",
            label=BilingualText(zh="图像质量不合格", en="image quality"),
            kinds=(ConsultationKind.TELECONSULTATION, ConsultationKind.IMAGING),
        ),
        ReturnReason(
            code="MISSING_LEAD",
            label=BilingualText(zh="导联缺失", en="a lead is missing"),
            kinds=(ConsultationKind.ECG,),
        ),
        ReturnReason(code="OTHER", label=BilingualText(zh="其他", en="other"), needs_text=True),
    ),
    attachment_schemes=("dicom", "https"),
)


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


def context(by: Actor, at: float, occurred: float | None = None) -> CommandContext:
    return CommandContext(
        request_id=derive_id("request", by.user, str(at)),
        actor=by,
        occurred_at=minute(at if occurred is None else occurred),
        recorded_at=minute(at),
    )


def recorded(event: ConsultationEvent, version: int, by: Actor, at: datetime) -> Recorded[ConsultationEvent]:
    metadata = EventMetadata(
        event_id=derive_id("event", str(version)),
        aggregate_id=NAME,
        version=version,
        type=type(event).__name__,
        occurred_at=at,
        recorded_at=at,
        actor=by,
        request_id=derive_id("request", str(version)),
    )
    return Recorded(event=event, metadata=metadata)


_ACTORS: dict[type, Actor] = {
    ConsultationRequested: BRANCH,
    ConsultationResubmitted: BRANCH,
    ConsultationCancelled: BRANCH,
    ConsultationOverdue: SYSTEM,
    ResubmissionOverdue: SYSTEM,
    ExpertVisitOverdue: SYSTEM,
    CriticalValueAcknowledged: BRANCH,
    CriticalValueOverdue: SYSTEM,
    ExpertVisitConfirmed: BRANCH,
    ExpertVisitHeld: BRANCH,
}


def given(*events: ConsultationEvent) -> "Story":
    """The state after `events`, one a minute, each by the party that usually gives it."""
    state: Consultation | None = None
    for index, event in enumerate(events):
        actor = _ACTORS.get(type(event), EXPERT)
        state = consultation.evolve(state, recorded(event, index + 1, actor, minute(index)))
    return Story(state=state)


@dataclass(frozen=True, kw_only=True)
class Story:
    state: Consultation | None

    @property
    def here(self) -> Consultation:
        assert self.state is not None
        return self.state

    def when(
        self,
        command: ConsultationCommand,
        by: Actor,
        at: float = 5,
        *,
        occurred: float | None = None,
        policy: ConsultationPolicy = POLICY,
        capabilities: frozenset[str] = frozenset({"STROKE"}),
    ) -> "Outcome":
        def run() -> tuple[ConsultationEvent, ...]:
            return consultation.decide(
                self.state,
                command,
                context(by, at, occurred),
                policy=policy,
                directory=DIRECTORY,
                centre_capabilities=capabilities,
            )

        return Outcome(story=self, run=run, by=by, at=minute(at))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    story: Story
    run: Callable[[], tuple[ConsultationEvent, ...]]
    by: Actor
    at: datetime

    def then(self, *events: ConsultationEvent) -> Story:
        assert self.run() == events
        state = self.story.state
        for event in events:
            version = state.version + 1 if state else 1
            state = consultation.evolve(state, recorded(event, version, self.by, self.at))
        return Story(state=state)

    def refused(self, refusal: type[Refused], *codes: str) -> Refused:
        """`codes`: failed rules, wrong fields, or the reason of NotPermitted."""
        with pytest.raises(refusal) as caught:
            self.run()
        assert _codes(caught.value) == codes
        return caught.value


def _codes(refusal: Refused) -> tuple[str, ...]:
    match refusal:
        case NotAllowed():
            assert all(rule.text.zh and rule.text.en for rule in refusal.failed_rules)
            return tuple(rule.code for rule in refusal.failed_rules)
        case InvalidInput():
            return tuple(violation.field for violation in refusal.violations)
        case NotPermitted():
            return (refusal.reason,)
        case NotFound():
            return ()
    raise AssertionError(f"unexpected {refusal!r}")
