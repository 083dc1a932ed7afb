"""Decisions on the request itself: creation, approval, re-routing."""

from dataclasses import replace

from services.referral.domain import norms
from services.referral.domain.commands import (
    ApproveReferral,
    CreateReferral,
    RefuseApproval,
    RerouteReferral,
)
from services.referral.domain.decide_record import creation_faults, record_start
from services.referral.domain.decide_results import latest, named, result_faults
from services.referral.domain.decision import Decision
from services.referral.domain.directory_state import Directory, Facility
from services.referral.domain.events import (
    ApprovalRefused,
    Event,
    ReferralApproved,
    ReferralRequested,
    ReferralRerouted,
)
from services.referral.domain.facility_codes import with_origin_code
from services.referral.domain.identity_in_texts import identity_in_texts
from services.referral.domain.norms import Assessment, Request
from services.referral.domain.norms_channel import channel_faults
from services.referral.domain.offering import Asking, Opened, asking, expiry, open_next
from services.referral.domain.offers_found import came_to_nothing
from services.referral.domain.parties import authorise_creation
from services.referral.domain.plan_faults import plan_faults
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.pseudonyms import pseudonym_faults
from services.referral.domain.referral_values import Dispatch
from services.referral.domain.rehabilitation import taken_in
from services.referral.domain.texts import text
from services.referral.domain.transition_lookup import ROWS
from services.referral.domain.values import Pathway
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotAllowed, NotPermitted


def decide_create(
    command: CreateReferral,
    context: CommandContext,
    *,
    directory: Directory,
    policy: ReferralPolicy,
    live_referrals: tuple[str, ...] = (),
    episode_patient: str | None = None,
) -> tuple[Event, ...]:
    """Opens a referral from the actor's facility.

    `live_referrals` are the live ones of the episode; `episode_patient` is the patient of the episode that it
    joins, None for a new one.

    Raises NotPermitted for anybody but a clinician of a facility of the directory, InvalidInput with every
    wrong field, NotAllowed with every norm that fails and is not overridden.
    """
    (row,) = ROWS[CreateReferral]
    authorise_creation(row.by, context.actor)
    origin = origin_of(directory, context.actor.facility)
    faults = norms.destination_faults(directory, origin.id, command.destinations)
    faults += norms.override_faults(command.overrides)
    faults += channel_faults(directory, command.green_channel)
    if command.rehabilitation_plan is not None:
        faults += plan_faults(command.rehabilitation_plan, (origin.id, *command.destinations))
    if episode_patient is not None and episode_patient != command.patient:
        description = "the episode is another patient's"
        faults.append(FieldViolation(field="patient", reason="PATIENT_MISMATCH", description=description))
    command = replace(command, record=with_origin_code(command.record, origin))
    faults += pseudonym_faults(command.patient)
    faults += identity_in_texts(command)
    faults += creation_faults(command, context, policy)
    faults += result_faults(command.results, latest(context), policy)
    if faults:
        raise InvalidInput(*faults)
    dispatch = command.dispatch or Dispatch.IN_ORDER
    request = Request(
        directory=directory,
        policy=policy,
        origin=origin,
        urgency=command.urgency,
        pathway=command.pathway,
        dispatch=dispatch,
        consent=command.consent,
        rehabilitation_plan=command.rehabilitation_plan,
        live_referrals=live_referrals,
        overrides=command.overrides,
        green_channel=command.green_channel,
    )
    found = norms.assess(request, [directory.facilities[each] for each in command.destinations])
    failed = norms.failed_rules(found) if row.norms else ()
    if failed:
        raise NotAllowed(state="", allowed_commands=("CreateReferral",), failed_rules=failed)
    return (_requested(command, context, request, found),)


def _requested(
    command: CreateReferral, context: CommandContext, request: Request, found: tuple[Assessment, ...]
) -> ReferralRequested:
    best = found[0]
    plan = command.rehabilitation_plan
    ask = Asking(
        directory=request.directory,
        policy=request.policy,
        origin=request.origin.id,
        urgency=command.urgency,
        pathway=command.pathway,
        request_id=context.request_id,
        recorded_at=context.recorded_at,
        direction=best.direction,
        scope=best.scope,
    )
    waits = any(each.needs_approval for each in found)
    afterwards = any(each.approval_in_retrospect for each in found)
    if waits:
        opened = Opened(offers=(), next_destinations=command.destinations, expires_at=expiry(ask, (), 0))
    else:
        opened = open_next(ask, command.destinations, request.dispatch)
    begun = record_start(
        record=command.record,
        summary=command.clinical_summary,
        direction=best.direction,
        urgency=command.urgency,
        pathway=command.pathway,
        recorded_at=context.recorded_at,
        policy=request.policy,
    )
    return ReferralRequested(
        episode=command.episode or resource_name("episodes", context.request_id),
        patient=command.patient,
        origin_facility=request.origin.id,
        direction=best.direction,
        scope=best.scope,
        urgency=command.urgency,
        pathway=command.pathway,
        green_channel=command.green_channel,
        bed_type=command.bed_type,
        dispatch=request.dispatch,
        offers=opened.offers,
        next_destinations=opened.next_destinations,
        clinical_summary=command.clinical_summary,
        consent=command.consent,
        norms=norms.combined(found),
        needs_approval=waits,
        approval_in_retrospect=afterwards,
        insurance_filing_needed=any(each.insurance_filing_needed for each in found),
        rehabilitation_plan=plan and taken_in(plan, request.policy.due_from(context.recorded_at)),
        consultation=command.consultation,
        expires_at=opened.expires_at,
        approval_facility=request.directory.lead_of(request.origin) if waits or afterwards else "",
        reopening_pathway=illness_pathway(command.pathway),
        results=named(command.results, context.request_id),
        record=command.record,
        missing_elements=begun.missing_elements,
        record_due_at=begun.record_due_at,
    )


def illness_pathway(pathway: Pathway) -> Pathway:
    """The pathway of a red flag: rehabilitation is no illness that a centre is on call for."""
    return Pathway.GENERAL if pathway is Pathway.REHABILITATION else pathway


def origin_of(directory: Directory, facility_id: str) -> Facility:
    """The facility that refers. Raises NotPermitted when the directory does not know it."""
    facility = directory.facility(facility_id)
    if facility is None:
        raise NotPermitted("FACILITY_NOT_IN_DIRECTORY", text("FACILITY_NOT_IN_DIRECTORY"))
    return facility


def approve(decision: Decision[ApproveReferral]) -> tuple[Event, ...]:
    state = decision.state
    opened = open_next(asking(decision), state.next_destinations, state.dispatch)
    return (
        ReferralApproved(
            offers=opened.offers,
            next_destinations=opened.next_destinations,
            expires_at=opened.expires_at,
        ),
    )


def refuse_approval(decision: Decision[RefuseApproval]) -> tuple[Event, ...]:
    return (ApprovalRefused(reason=decision.command.reason, expires_at=expiry(asking(decision), (), 0)),)


def reroute_faults(decision: Decision[RerouteReferral]) -> list[FieldViolation]:
    command, origin = decision.command, decision.state.origin_facility
    faults = norms.destination_faults(decision.directory, origin, command.destinations)
    return faults + norms.override_faults(command.overrides)


def reroute_norms(decision: Decision[RerouteReferral]) -> tuple[Assessment, ...]:
    """A re-routed referral answers to the norms again; the consent of its creation goes on."""
    state, command, directory = decision.state, decision.command, decision.directory
    request = Request(
        directory=directory,
        policy=decision.policy,
        origin=origin_of(directory, state.origin_facility),
        urgency=state.urgency,
        pathway=state.pathway,
        dispatch=command.dispatch or state.dispatch,
        consent=state.consent,
        rehabilitation_plan=state.rehabilitation_plan,
        overrides=command.overrides,
        asked_before=came_to_nothing(state.offers),
        approved=state.approved,
        continues=state.parent != "",
        green_channel=state.green_channel,
    )
    return norms.assess(request, [directory.facilities[each] for each in command.destinations])


def reroute(decision: Decision[RerouteReferral]) -> tuple[Event, ...]:
    state, command = decision.state, decision.command
    dispatch = command.dispatch or state.dispatch
    opened = open_next(asking(decision), command.destinations, dispatch)
    best = decision.assessments[0]
    afterwards = any(each.approval_in_retrospect for each in decision.assessments)
    lead = decision.directory.lead_of(origin_of(decision.directory, state.origin_facility))
    return (
        ReferralRerouted(
            offers=opened.offers,
            next_destinations=opened.next_destinations,
            dispatch=dispatch,
            direction=best.direction,
            scope=best.scope,
            norms=norms.combined(decision.assessments),
            hop_count=state.hop_count + 1,
            expires_at=opened.expires_at,
            approval_in_retrospect=afterwards or state.approval_in_retrospect,
            approval_facility=lead if afterwards else state.approval_facility,
        ),
    )
