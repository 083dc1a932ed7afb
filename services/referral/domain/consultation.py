"""The consultation: a question that travels instead of the patient. 会诊/远程诊断

What may follow what is in `consultation_transitions.TABLE` alone.
"""

from typing import get_args

from services.referral.domain import consultation_checks as checks
from services.referral.domain import consultation_commands as commands
from services.referral.domain import consultation_events as events
from services.referral.domain import consultation_texts as texts
from services.referral.domain.attachments import attachment_faults
from services.referral.domain.consultation_answers import (
    answer,
    not_allowed,
    not_in_state_rule,
    planned_visit,
    refuse_faults,
    routing_of,
)
from services.referral.domain.consultation_fold import evolve
from services.referral.domain.consultation_policy import ConsultationPolicy
from services.referral.domain.consultation_state import (
    Consultation,
    allowed_commands,
    deadlines,
    facets,
    open_deadlines,
)
from services.referral.domain.consultation_transitions import (
    DeadlineKind,
    Party,
    party_of,
    row_for,
)
from services.referral.domain.consultation_values import needed_capability
from services.referral.domain.directory_state import Directory
from services.referral.domain.episode_values import opened_by_request
from services.referral.domain.identity_in_texts import refuse_identities
from services.referral.domain.pseudonyms import pseudonym_faults
from services.referral.domain.readers import knows_of
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import (
    FailedRule,
    FieldViolation,
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
    "ensure_requester_known",
    "evolve",
    "facets",
]

RESOURCE = "Consultation"
COMMANDS: tuple[type, ...] = get_args(commands.ConsultationCommand)
EVENTS: tuple[type, ...] = get_args(events.ConsultationEvent)


def decide(
    state: Consultation | None,
    command: commands.ConsultationCommand,
    context: CommandContext,
    *,
    policy: ConsultationPolicy,
    directory: Directory,
    centre_capabilities: frozenset[str] = frozenset(),
) -> tuple[events.ConsultationEvent, ...]:
    """The events that a command gives.

    `centre_capabilities` are those of the facility that RequestConsultation asks; nothing else needs them.
    Raises NotFound (nothing there, or nothing for this facility), NotPermitted (another party's to do, or a
    requester that is not in the directory), InvalidInput (fields do not fit together, or a centre that is not
    in the directory), NotAllowed (not in this state, or CAPABILITY).
    """
    if isinstance(command, commands.RequestConsultation):
        requested = _request(
            state, command, context, policy, directory=directory, centre_capabilities=centre_capabilities
        )
        refuse_identities(command)
        return (requested,)
    if state is None:
        raise NotFound(RESOURCE, "")
    if isinstance(command, commands.MeetDeadline):
        return _meet_deadline(state, command, context)
    _authorise(state, command, context.actor, directory)
    refuse_identities(command)
    return (answer(state, command, context, policy),)


def ensure_requester_known(actor: Actor, directory: Directory) -> None:
    """Raises NotPermitted for whoever asks from a facility that nobody knows."""
    if directory.facility(actor.facility) is None:
        raise NotPermitted("FACILITY_NOT_IN_DIRECTORY", texts.REQUESTER_UNKNOWN)


def _request(
    state: Consultation | None,
    command: commands.RequestConsultation,
    context: CommandContext,
    policy: ConsultationPolicy,
    *,
    directory: Directory,
    centre_capabilities: frozenset[str],
) -> events.ConsultationRequested:
    actor = context.actor
    if not (actor.facility and actor.has_role(Role.CLINICIAN)):
        raise NotPermitted("CLINICIAN_ONLY", texts.CLINICIAN_ONLY)
    faults = [
        *pseudonym_faults(command.patient),
        *checks.detail_faults(command, command.kind, context.recorded_at),
        *attachment_faults(command.attachments, policy.attachment_schemes),
    ]
    ensure_requester_known(actor, directory)
    if directory.facility(command.centre_facility) is None:
        description = texts.unknown_centre(command.centre_facility)
        faults.append(
            FieldViolation(field="centre_facility", reason="UNKNOWN_FACILITY", description=description)
        )
    if command.centre_facility == actor.facility:
        own = FieldViolation(field="centre_facility", reason="OWN_FACILITY", description=texts.OWN_FACILITY)
        faults.insert(0, own)
    refuse_faults(faults)
    failed = []
    if state is not None:
        failed.append(not_in_state_rule(state, command))
    capability = needed_capability(command.kind, command.pathway)
    if capability is not None and capability not in centre_capabilities:
        text = texts.centre_lacks(command.centre_facility, capability)
        failed.append(FailedRule(code="CAPABILITY", text=text))
    if failed:
        raise not_allowed(state, *failed)
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
        due_at=context.recorded_at
        + policy.result_due_within(command.kind, command.urgency, command.pathway, command.imaging),
        ecg=command.ecg,
        imaging=command.imaging,
        laboratory=command.laboratory,
        teleconsultation=command.teleconsultation,
    )


def _authorise(
    state: Consultation, command: commands.ConsultationCommand, actor: Actor, directory: Directory
) -> None:
    party = party_of(type(command))
    of_requester = actor.facility == state.requesting_facility
    of_centre = actor.facility == state.centre_facility
    if not knows_of((state.requesting_facility, state.centre_facility), actor, directory):
        raise NotFound(RESOURCE, state.name)
    if party is Party.REQUESTER and not (of_requester and actor.has_role(Role.CLINICIAN)):
        raise NotPermitted("REQUESTER_ONLY", texts.REQUESTER_ONLY)
    if party in (Party.CENTRE, Party.CLAIMER) and not (of_centre and actor.has_role(Role.CLINICIAN)):
        raise NotPermitted("CENTRE_ONLY", texts.CENTRE_ONLY)
    if party is Party.EITHER and not ((of_requester or of_centre) and actor.has_role(Role.CLINICIAN)):
        raise NotPermitted("EITHER_ONLY", texts.EITHER_ONLY)
    if row_for(state.state, type(command), lapsed=state.lapsed_claimer is not None) is None:
        raise not_allowed(state, not_in_state_rule(state, command))
    claimer = state.claimed_by or state.lapsed_claimer
    if party is Party.CLAIMER and not (claimer and claimer.user == actor.user):
        raise NotPermitted("CLAIMER_ONLY", texts.CLAIMER_ONLY)


def _meet_deadline(
    state: Consultation, command: commands.MeetDeadline, context: CommandContext
) -> tuple[events.ConsultationEvent, ...]:
    if not context.actor.has_role(Role.SYSTEM):
        raise NotPermitted("SYSTEM_ONLY", texts.SYSTEM_ONLY)
    routing = routing_of(state)
    for row, deadline in open_deadlines(state):
        if deadline.key != command.key:
            continue
        if row.deadline is DeadlineKind.CLAIM:
            return (events.ClaimReleased(by_deadline=True, **routing),)
        if row.deadline is DeadlineKind.CRITICAL_VALUE:
            return (events.CriticalValueOverdue(acknowledge_by=deadline.due_at, **routing),)
        if row.deadline is DeadlineKind.RESUBMISSION:
            return (events.ResubmissionOverdue(due_at=deadline.due_at, **routing),)
        if row.deadline is DeadlineKind.EXPERT_VISIT:
            visit_at = planned_visit(state).visit_at
            return (events.ExpertVisitOverdue(visit_at=visit_at, due_at=deadline.due_at, **routing),)
        return (events.ConsultationOverdue(due_at=state.due_at, **routing),)
    return ()
