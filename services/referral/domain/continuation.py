"""Referrals that another one opens: the referral back to the grassroots, and the one upward by a red flag.

They are opened in the same transaction as the event that names them, by the same request. Their origin is
the facility that has the patient.
"""

from dataclasses import dataclass, replace

from services.referral.domain import commands as c
from services.referral.domain.decide_record import record_start
from services.referral.domain.directory_state import Directory
from services.referral.domain.events import (
    Event,
    FollowUpRecorded,
    PatientReferredBack,
    ReferralRequested,
)
from services.referral.domain.facility_codes import with_origin_code
from services.referral.domain.norms import Assessment, Request, assess
from services.referral.domain.norms_rules import RULES
from services.referral.domain.offering import Asking, open_next
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.record_contents import carried_over
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import (
    ClinicalSummary,
    Dispatch,
    NormOverride,
)
from services.referral.domain.rehabilitation import RehabilitationPlan
from services.referral.domain.texts import REFERRAL_REASON_BACK, REFERRAL_REASON_RED_FLAG
from services.referral.domain.values import BedType, CodedReason, Direction, Pathway, Scope, Urgency
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.ids import resource_name

BACK = "back"
RED_FLAG = "red-flag"

_REASON_LENGTH_MAX = 100
_SYMPTOMS_LENGTH_MAX = 1000
_TREATMENT_LENGTH_MAX = 2000


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """What is to be opened."""

    destination: str
    urgency: Urgency
    pathway: Pathway
    #: as it must be; what the directory says of the two facilities goes first
    direction: Direction
    bed_type: BedType | None = None
    clinical_summary: ClinicalSummary
    rehabilitation_plan: RehabilitationPlan | None = None
    overrides: tuple[NormOverride, ...] = ()


def child_name(request_id: str, kind: str) -> str:
    """The name of the referral that a request opens beside its own: the same request, the same name."""
    return resource_name("referrals", request_id, kind)


def child_needed(state: Referral, command: c.Command) -> str:
    """The child whose state the command is decided on (fact `child`); empty when it needs none."""
    if isinstance(command, c.ReferBack | c.CloseReferral):
        return state.referred_back_to
    return state.reopened_as if isinstance(command, c.RecordFollowUp) else ""


def opened_child(
    state: Referral, event: Event, metadata: EventMetadata, directory: Directory, policy: ReferralPolicy
) -> tuple[str, ReferralRequested] | None:
    """The referral that an event opens: its name and first event; None when it opens none.

    `state` is the parent before or after the event, `metadata` the event's.
    """
    if isinstance(event, PatientReferredBack):
        opening = back_opening(state, event.destination_facility, event.rehabilitation_plan, event.bed_type)
        name = event.referral
    elif isinstance(event, FollowUpRecorded) and event.reopened_as:
        opening = _red_flag_opening(state, event, policy)
        name = event.reopened_as
    else:
        return None
    return name, _requested(name, opening, state, metadata=metadata, directory=directory, policy=policy)


def back_opening(
    state: Referral, destination: str, plan: RehabilitationPlan, bed_type: BedType | None
) -> Opening:
    """The way back down after treatment: ROUTINE, REHABILITATION, with the plan."""
    summary, discharge = state.clinical_summary, state.discharge_summary
    return Opening(
        destination=destination,
        urgency=Urgency.ROUTINE,
        pathway=Pathway.REHABILITATION,
        direction=Direction.DOWN,
        bed_type=bed_type,
        clinical_summary=replace(
            summary,
            diagnosis_code=(discharge.diagnosis_code if discharge else "") or summary.diagnosis_code,
            referral_reason=REFERRAL_REASON_BACK,
            treatment_given=discharge.summary[:_TREATMENT_LENGTH_MAX] if discharge else "",
        ),
        rehabilitation_plan=plan,
    )


def _red_flag_opening(state: Referral, event: FollowUpRecorded, policy: ReferralPolicy) -> Opening:
    """Back up to the hospital that referred down, by the illness's own pathway.

    Nobody may be kept from it by a norm that a reason can override: the red flag is that reason.
    """
    reason = CodedReason(code="RED_FLAG", text=event.red_flag)
    return Opening(
        destination=state.origin_facility,
        urgency=event.red_flag_urgency or policy.red_flag(state.reopening_pathway),
        pathway=state.reopening_pathway,
        direction=Direction.UP,
        clinical_summary=replace(
            state.clinical_summary,
            referral_reason=REFERRAL_REASON_RED_FLAG.format(red_flag=event.red_flag)[:_REASON_LENGTH_MAX],
            symptoms=event.findings[:_SYMPTOMS_LENGTH_MAX],
        ),
        overrides=tuple([NormOverride(rule=rule.code, reason=reason) for rule in RULES if rule.overridable]),
    )


def assessed(
    opening: Opening,
    state: Referral,
    directory: Directory,
    policy: ReferralPolicy,
    live_referrals: tuple[str, ...] = (),
) -> Assessment | None:
    """What the norms say of it; None when one of the two facilities has left the directory.

    It rests on the consent to the referral that it continues.
    """
    origin = directory.facility(state.custodian_facility)
    destination = directory.facility(opening.destination)
    if origin is None or destination is None:
        return None
    request = Request(
        directory=directory,
        policy=policy,
        origin=origin,
        urgency=opening.urgency,
        pathway=opening.pathway,
        consent=state.consent,
        rehabilitation_plan=opening.rehabilitation_plan,
        live_referrals=live_referrals,
        overrides=opening.overrides,
        continues=True,
    )
    return assess(request, (destination,))[0]


def _requested(
    name: str,
    opening: Opening,
    state: Referral,
    *,
    metadata: EventMetadata,
    directory: Directory,
    policy: ReferralPolicy,
) -> ReferralRequested:
    found = assessed(opening, state, directory, policy)
    direction = opening.direction if found is None else found.direction
    scope = Scope.OUT_OF_COUNTY if found is None else found.scope
    ask = Asking(
        directory=directory,
        policy=policy,
        origin=state.custodian_facility,
        urgency=opening.urgency,
        pathway=opening.pathway,
        request_id=f"{metadata.request_id}/{name}",
        recorded_at=metadata.recorded_at,
        direction=direction,
        scope=scope,
    )
    opened = open_next(ask, (opening.destination,), Dispatch.IN_ORDER)
    afterwards = found is not None and found.approval_in_retrospect
    record = with_origin_code(carried_over(state.record), directory.facility(state.custodian_facility))
    begun = record_start(
        record=record,
        summary=opening.clinical_summary,
        direction=direction,
        urgency=opening.urgency,
        pathway=opening.pathway,
        recorded_at=metadata.recorded_at,
        policy=policy,
    )
    return ReferralRequested(
        episode=state.episode,
        patient=state.patient,
        origin_facility=state.custodian_facility,
        direction=direction,
        scope=scope,
        urgency=opening.urgency,
        pathway=opening.pathway,
        bed_type=opening.bed_type,
        dispatch=Dispatch.IN_ORDER,
        offers=opened.offers,
        next_destinations=opened.next_destinations,
        clinical_summary=opening.clinical_summary,
        consent=state.consent,
        norms=() if found is None else found.norms,
        approval_in_retrospect=afterwards,
        insurance_filing_needed=found is not None and found.insurance_filing_needed,
        rehabilitation_plan=opening.rehabilitation_plan,
        parent=state.name,
        expires_at=opened.expires_at,
        approval_facility=_lead(directory, state.custodian_facility) if afterwards else "",
        reopening_pathway=state.reopening_pathway,
        # They are the patient's, and grow too old by themselves.
        results=state.results,
        record=record,
        missing_elements=begun.missing_elements,
        record_due_at=begun.record_due_at,
    )


def _lead(directory: Directory, facility_id: str) -> str:
    facility = directory.facility(facility_id)
    return "" if facility is None else directory.lead_of(facility)
