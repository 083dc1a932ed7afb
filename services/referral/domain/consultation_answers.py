"""What people's commands make of a consultation that exists: the events, or the guards that fail."""

from collections.abc import Iterable
from typing import TypedDict

from services.referral.domain import consultation_checks as checks
from services.referral.domain import consultation_commands as commands
from services.referral.domain import consultation_events as events
from services.referral.domain import consultation_reporting as reporting
from services.referral.domain import consultation_texts as texts
from services.referral.domain.attachments import attachment_faults
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.consultation_state import Consultation, allowed_commands
from services.referral.domain.consultation_transitions import commands_allowed_in
from services.referral.domain.consultation_values import ExpertVisit, ExpertVisitState
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput, NotAllowed


class Routing(TypedDict):
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


def routing_of(state: Consultation) -> Routing:
    """What every event says of whom it concerns."""
    return Routing(
        requesting_facility=state.requesting_facility,
        centre_facility=state.centre_facility,
        pathway=state.pathway,
        urgency=state.urgency,
    )


def answer(
    state: Consultation,
    command: commands.ConsultationCommand,
    context: CommandContext,
    policy: ConsultationPolicy,
) -> events.ConsultationEvent:
    """The event of a command that its row allows to whoever gives it. Raises InvalidInput, NotAllowed."""
    routing = routing_of(state)
    match command:
        case commands.ClaimConsultation():
            lease = policy.claim_lease.of(state.urgency)
            return events.ConsultationClaimed(claim_expires_at=context.recorded_at + lease, **routing)
        case commands.ReleaseClaim():
            return events.ClaimReleased(by_deadline=False, **routing)
        case commands.ReturnConsultation():
            refuse_faults(checks.return_faults(command.reason, state.kind, policy))
            limit = policy.resubmission_due.of(state.urgency)
            return events.ConsultationReturned(
                reason=command.reason, resubmission_due_at=context.recorded_at + limit, **routing
            )
        case commands.ResubmitConsultation():
            return _resubmitted(state, command, context, policy)
        case commands.ReportConsultation() | commands.AmendReport():
            return _reported(state, command, context, policy)
        case commands.AcknowledgeCriticalValue():
            _refuse_guards(state, _acknowledgement_guard(state))
            return events.CriticalValueAcknowledged(handling=command.handling, **routing)
        case commands.ConfirmExpertVisit() | commands.RecordExpertVisit() | commands.CancelExpertVisit():
            _refuse_guards(state, _visit_guard(state, command))
            return _visited(state, command, context)
        case commands.CancelConsultation():
            return events.ConsultationCancelled(reason=command.reason, **routing)
        case commands.RequestConsultation() | commands.MeetDeadline():
            raise AssertionError(f"{type(command).__name__} is decided before")


def _resubmitted(
    state: Consultation,
    command: commands.ResubmitConsultation,
    context: CommandContext,
    policy: ConsultationPolicy,
) -> events.ConsultationResubmitted:
    """What is left out stays as it was sent before."""
    refuse_faults(
        [
            *checks.detail_faults(command, state.kind, context.recorded_at),
            *attachment_faults(command.attachments, policy.attachment_schemes),
        ]
    )
    imaging = command.imaging or state.imaging
    return events.ConsultationResubmitted(
        clinical_summary=command.clinical_summary or state.clinical_summary,
        attachments=command.attachments or state.attachments,
        due_at=context.recorded_at
        + policy.result_due_within(state.kind, state.urgency, state.pathway, imaging),
        ecg=command.ecg or state.ecg,
        imaging=imaging,
        laboratory=command.laboratory or state.laboratory,
        teleconsultation=command.teleconsultation or state.teleconsultation,
        **routing_of(state),
    )


def _reported(
    state: Consultation,
    command: commands.ReportConsultation | commands.AmendReport,
    context: CommandContext,
    policy: ConsultationPolicy,
) -> events.ConsultationReported | events.ReportAmended:
    now, routing = context.recorded_at, routing_of(state)
    refuse_faults(checks.report_faults(command.report, state.requesting_facility, policy, now))
    report = reporting.completed(command.report)
    if isinstance(command, commands.ReportConsultation):
        notice = reporting.notice(report, state.urgency, policy, now)
        return events.ConsultationReported(
            report=report,
            critical_value_notice=notice,
            expert_visit_due_at=reporting.visit_due(report, state.urgency, policy, now),
            **routing,
        )
    return events.ReportAmended(
        report=report,
        reason=command.reason,
        critical_value_notice=reporting.amended_notice(state, report, policy, now),
        expert_visit_state=reporting.amended_visit(state, report),
        expert_visit_due_at=reporting.amended_visit_due(state, report, policy, now),
        **routing,
    )


def planned_visit(state: Consultation) -> ExpertVisit:
    """The visit of a state that has one. Raises ValueError otherwise: the fold is broken."""
    visit = state.report.expert_visit if state.report else None
    if visit is None:
        raise ValueError(f"{state.name} has a visit's state without a visit")
    return visit


_VisitCommand = commands.ConfirmExpertVisit | commands.RecordExpertVisit | commands.CancelExpertVisit


def _visited(
    state: Consultation, command: _VisitCommand, context: CommandContext
) -> events.ExpertVisitConfirmed | events.ExpertVisitHeld | events.ExpertVisitCancelled:
    visit = planned_visit(state)
    routing = routing_of(state)
    if isinstance(command, commands.ConfirmExpertVisit):
        return events.ExpertVisitConfirmed(expert=visit.expert, visit_at=visit.visit_at, **routing)
    if isinstance(command, commands.RecordExpertVisit):
        return events.ExpertVisitHeld(held_at=context.occurred_at, summary=command.summary, **routing)
    by_requester = context.actor.facility == state.requesting_facility
    told = state.centre_facility if by_requester else state.requesting_facility
    return events.ExpertVisitCancelled(reason=command.reason, told_facility=told, **routing)


def _acknowledgement_guard(state: Consultation) -> FailedRule | None:
    if state.critical_value_notice is None:
        return FailedRule(code="NO_CRITICAL_VALUE", text=texts.NO_CRITICAL_VALUE)
    if state.critical_value_notice.acknowledged:
        return FailedRule(code="ACKNOWLEDGED_ALREADY", text=texts.ACKNOWLEDGED_ALREADY)
    return None


def _visit_guard(state: Consultation, command: _VisitCommand) -> FailedRule | None:
    match state.expert_visit_state:
        case None:
            return FailedRule(code="NO_EXPERT_VISIT", text=texts.NO_EXPERT_VISIT)
        case ExpertVisitState.HELD | ExpertVisitState.CANCELLED:
            return FailedRule(code="VISIT_OVER", text=texts.VISIT_OVER)
        case ExpertVisitState.CONFIRMED if isinstance(command, commands.ConfirmExpertVisit):
            return FailedRule(code="VISIT_CONFIRMED", text=texts.VISIT_CONFIRMED)
    return None


def refuse_faults(faults: Iterable[FieldViolation]) -> None:
    found = tuple(faults)
    if found:
        raise InvalidInput(*found)


def _refuse_guards(state: Consultation, failed: FailedRule | None) -> None:
    if failed is not None:
        raise not_allowed(state, failed)


def not_in_state_rule(state: Consultation, command: commands.ConsultationCommand) -> FailedRule:
    """That the table has no row; whoever claims too late is told who was faster."""
    if isinstance(command, commands.ClaimConsultation) and state.claim_expires_at and state.claimed_by:
        text = texts.claimed_by(state.claimed_by.facility, state.claimed_by.name)
    else:
        text = texts.not_in_state(state.state, type(command).__name__)
    return FailedRule(code="NOT_ALLOWED_IN_STATE", text=text)


def not_allowed(state: Consultation | None, *failed: FailedRule) -> NotAllowed:
    return NotAllowed(
        state=state.state.value if state else "",
        allowed_commands=allowed_commands(state) if state else commands_allowed_in(None),
        failed_rules=failed,
        resource_name=state.name if state else "",
    )
