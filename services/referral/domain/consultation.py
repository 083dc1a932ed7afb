"""The consultation: a question that travels instead of the patient. 会诊/远程诊断

Rules come from domain.md (Consultation); what may follow what is in `consultation_transitions.TABLE` alone.
"""

from typing import TypedDict, get_args

from services.referral.domain import consultation_commands as commands
from services.referral.domain import consultation_events as events
from services.referral.domain import consultation_texts as texts
from services.referral.domain.consultation_state import (
    Consultation,
    allowed_commands,
    deadlines,
    evolve,
    facets,
    open_deadlines,
)
from services.referral.domain.consultation_transitions import (
    DeadlineKind,
    Party,
    commands_allowed_in,
    party_of,
    row_for,
)
from services.referral.domain.consultation_values import (
    ConsultationPolicy,
    ConsultationReport,
    Recommendation,
    needed_capability,
)
from services.referral.domain.episode_values import opened_by_request
from services.referral.domain.values import Pathway, Urgency
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import (
    FailedRule,
    FieldViolation,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotPermitted,
)

__all__ = [
    "COMMANDS",
    "EVENTS",
    "RESOURCE",
    "Consultation",
    "allowed_commands",
    "deadlines",
    "decide",
    "evolve",
    "facets",
]

RESOURCE = "Consultation"
COMMANDS: tuple[type, ...] = get_args(commands.ConsultationCommand)
EVENTS: tuple[type, ...] = get_args(events.ConsultationEvent)

#: roles that may know of a consultation to which their facility is no party
_OVERVIEW = (Role.COORDINATOR, Role.OPERATOR, Role.SYSTEM)


def decide(
    state: Consultation | None,
    command: commands.ConsultationCommand,
    context: CommandContext,
    *,
    policy: ConsultationPolicy,
    centre_capabilities: frozenset[str] = frozenset(),
) -> tuple[events.ConsultationEvent, ...]:
    """The events that a command gives.

    `centre_capabilities` are those of the facility that RequestConsultation asks; nothing else needs them.
    Raises NotFound (nothing there, or nothing for this facility), NotPermitted (another party's to do),
    InvalidInput (a report's fields do not fit together), NotAllowed (not in this state, or CAPABILITY).
    """
    if isinstance(command, commands.RequestConsultation):
        return (_request(state, command, context, policy, centre_capabilities),)
    if state is None:
        raise NotFound(RESOURCE, "")
    if isinstance(command, commands.MeetDeadline):
        return _meet_deadline(state, command, context)
    _authorise(state, command, context.actor)
    return (_answer(state, command, context, policy),)


def _request(
    state: Consultation | None,
    command: commands.RequestConsultation,
    context: CommandContext,
    policy: ConsultationPolicy,
    centre_capabilities: frozenset[str],
) -> events.ConsultationRequested:
    actor = context.actor
    if not (actor.facility and actor.has_role(Role.CLINICIAN)):
        raise NotPermitted("CLINICIAN_ONLY", texts.CLINICIAN_ONLY)
    if command.centre_facility == actor.facility:
        raise InvalidInput(
            FieldViolation(field="centre_facility", reason="OWN_FACILITY", description=texts.OWN_FACILITY)
        )
    failed = []
    if state is not None:
        failed.append(_not_in_state(state, command))
    capability = needed_capability(command.kind, command.pathway)
    if capability is not None and capability not in centre_capabilities:
        text = texts.centre_lacks(command.centre_facility, capability)
        failed.append(FailedRule(code="CAPABILITY", text=text))
    if failed:
        raise _not_allowed(state, *failed)
    return events.ConsultationRequested(
        episode=command.episode or opened_by_request(context.request_id),
        patient=command.patient,
        kind=command.kind,
        urgency=command.urgency,
        pathway=command.pathway,
        requesting_facility=actor.facility,
        centre_facility=command.centre_facility,
        question=command.question,
        clinical_summary=command.clinical_summary,
        attachments=command.attachments,
        # from receipt: a request entered late must not be overdue at once
        due_at=context.recorded_at + policy.result_due_within(command.kind, command.urgency),
    )


def _authorise(state: Consultation, command: commands.ConsultationCommand, actor: Actor) -> None:
    party = party_of(type(command))
    of_requester = actor.facility == state.requesting_facility
    of_centre = actor.facility == state.centre_facility
    if not (of_requester or of_centre or actor.has_role(*_OVERVIEW)):
        raise NotFound(RESOURCE, state.name)
    if party is Party.REQUESTER and not (of_requester and actor.has_role(Role.CLINICIAN)):
        raise NotPermitted("REQUESTER_ONLY", texts.REQUESTER_ONLY)
    if party in (Party.CENTRE, Party.CLAIMER) and not (of_centre and actor.has_role(Role.CLINICIAN)):
        raise NotPermitted("CENTRE_ONLY", texts.CENTRE_ONLY)
    if row_for(state.state, type(command)) is None:
        raise _not_allowed(state, _not_in_state(state, command))
    if party is Party.CLAIMER and not (state.claimed_by and state.claimed_by.user == actor.user):
        raise NotPermitted("CLAIMER_ONLY", texts.CLAIMER_ONLY)


def _answer(
    state: Consultation,
    command: commands.ConsultationCommand,
    context: CommandContext,
    policy: ConsultationPolicy,
) -> events.ConsultationEvent:
    routing = _routing(state)
    match command:
        case commands.ClaimConsultation():
            lease = policy.claim_lease.of(state.urgency)
            return events.ConsultationClaimed(claim_expires_at=context.recorded_at + lease, **routing)
        case commands.ReleaseClaim():
            return events.ClaimReleased(by_deadline=False, **routing)
        case commands.ReturnConsultation():
            return events.ConsultationReturned(reason=command.reason, **routing)
        case commands.ResubmitConsultation():
            return events.ConsultationResubmitted(
                clinical_summary=command.clinical_summary or state.clinical_summary,
                attachments=command.attachments or state.attachments,
                due_at=context.recorded_at + policy.result_due_within(state.kind, state.urgency),
                **routing,
            )
        case commands.ReportConsultation():
            _check_report(command.report, state.requesting_facility)
            return events.ConsultationReported(report=command.report, **routing)
        case commands.AmendReport():
            _check_report(command.report, state.requesting_facility)
            return events.ReportAmended(report=command.report, reason=command.reason, **routing)
        case commands.CancelConsultation():
            return events.ConsultationCancelled(reason=command.reason, **routing)
        case commands.RequestConsultation() | commands.MeetDeadline():
            raise AssertionError(f"{type(command).__name__} is decided before")


def _meet_deadline(
    state: Consultation, command: commands.MeetDeadline, context: CommandContext
) -> tuple[events.ConsultationEvent, ...]:
    if not context.actor.has_role(Role.SYSTEM):
        raise NotPermitted("SYSTEM_ONLY", texts.SYSTEM_ONLY)
    routing = _routing(state)
    for row, deadline in open_deadlines(state):
        if deadline.key != command.key:
            continue
        if row.deadline is DeadlineKind.CLAIM:
            return (events.ClaimReleased(by_deadline=True, **routing),)
        return (events.ConsultationOverdue(due_at=state.due_at, **routing),)
    return ()


class _Routing(TypedDict):
    requesting_facility: str
    centre_facility: str
    pathway: Pathway
    urgency: Urgency


def _routing(state: Consultation) -> _Routing:
    """What every event says of whom it concerns."""
    return _Routing(
        requesting_facility=state.requesting_facility,
        centre_facility=state.centre_facility,
        pathway=state.pathway,
        urgency=state.urgency,
    )


def _check_report(report: ConsultationReport, requesting_facility: str) -> None:
    """An expert's visit needs who and when; what belongs to another recommendation is a slip of the hand."""
    visit = report.recommendation is Recommendation.EXPERT_VISIT
    transfer = report.recommendation is Recommendation.TRANSFER
    expert = bool(report.expert.strip())
    rules = (
        (visit and not expert, "expert", "REQUIRED", texts.EXPERT_MISSING),
        (visit and report.expert_visit_at is None, "expert_visit_at", "REQUIRED", texts.EXPERT_TIME_MISSING),
        (not visit and expert, "expert", "NOT_APPLICABLE", texts.EXPERT_STRAY),
        (
            not visit and report.expert_visit_at is not None,
            "expert_visit_at",
            "NOT_APPLICABLE",
            texts.EXPERT_STRAY,
        ),
        (
            not transfer and bool(report.transfer_destination),
            "transfer_destination",
            "NOT_APPLICABLE",
            texts.DESTINATION_STRAY,
        ),
        (
            transfer and report.transfer_destination == requesting_facility,
            "transfer_destination",
            "AT_DESTINATION",
            texts.DESTINATION_IS_ORIGIN,
        ),
    )
    violations = [
        FieldViolation(field=f"report.{field}", reason=reason, description=description)
        for wrong, field, reason, description in rules
        if wrong
    ]
    if violations:
        raise InvalidInput(*violations)


def _not_in_state(state: Consultation, command: commands.ConsultationCommand) -> FailedRule:
    return FailedRule(
        code="NOT_ALLOWED_IN_STATE", text=texts.not_in_state(state.state, type(command).__name__)
    )


def _not_allowed(state: Consultation | None, *failed: FailedRule) -> NotAllowed:
    return NotAllowed(
        state=state.state.value if state else "",
        allowed_commands=commands_allowed_in(state.state if state else None),
        failed_rules=failed,
        resource_name=state.name if state else "",
    )
