"""What the guards of the state table look at: conditions over one decision, and the values of their texts."""

from datetime import datetime
from typing import TypeAlias

from services.referral.domain.commands import (
    AcceptReferral,
    AddResults,
    ArrangeTransport,
    CancelReferral,
    CloseReferral,
    CompleteRecord,
    CompleteTreatment,
    DeclineReferral,
    DepartPatient,
    DivertPatient,
    MarkEnteredInError,
    ProvideInformation,
    RecordDeath,
    ReferBack,
    RefuseApproval,
    ReportArrival,
    ReportNoShow,
    RequestInformation,
    RerouteReferral,
    ReviewReferral,
    WithdrawAcceptance,
    WithdrawErrorMark,
)
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.commands_plan import AmendPlan, CancelTask, ExplainMissedTask
from services.referral.domain.decision import Decision
from services.referral.domain.examination_results import RESULTS_MAX
from services.referral.domain.labels import BED_REGIONS, CREWS
from services.referral.domain.offers_found import offer_of
from services.referral.domain.parties import ERROR_CONFIRMERS, ORIGIN, By, is_party
from services.referral.domain.record_values import SummaryCompletion, TransferRecord
from services.referral.domain.referral_state import OPEN_OFFER, Referral, open_review
from services.referral.domain.referral_values import BedRegion, ReferralState, Transport
from services.referral.domain.review_values import ErrorMark
from services.referral.domain.values import Direction, Urgency

#: Values of a text in zh and en.
Values: TypeAlias = tuple[dict[str, str], dict[str, str]]

WithReason: TypeAlias = (
    RefuseApproval
    | CancelTask
    | ExplainMissedTask
    | AmendPlan
    | DeclineReferral
    | WithdrawAcceptance
    | DivertPatient
    | CancelReferral
    | MarkEnteredInError
    | ReviewReferral
    | GrantBypass
)


#: Of patients who cannot wait for a bed. Source: this product's own reading of the bypass; no norm names it.
BYPASS_URGENCIES = (Urgency.EMERGENCY, Urgency.URGENT)


def has_reason(decision: Decision[WithReason]) -> bool:
    return decision.command.reason.code != ""


def offer_open(decision: Decision[object]) -> bool:
    offer = offer_of(decision.state, decision.facility)
    return offer is not None and offer.state in OPEN_OFFER


def asks(decision: Decision[RequestInformation]) -> bool:
    return any(question.strip() for question in decision.command.questions)


def answers(decision: Decision[ProvideInformation]) -> bool:
    return any(answer.strip() for answer in decision.command.answers)


def clinician_named(decision: Decision[AcceptReferral]) -> bool:
    clinician = decision.command.accepting_clinician
    return clinician.user != "" and clinician.name.strip() != ""


def review_open(decision: Decision[ReviewReferral]) -> bool:
    return open_review(decision.state) is not None


def hops_left(decision: Decision[RerouteReferral]) -> bool:
    return decision.state.hop_count < decision.policy.hops_max


def hops(decision: Decision[RerouteReferral]) -> Values:
    values = {"hops": str(decision.policy.hops_max)}
    return values, values


def bed_ready(decision: Decision[ArrangeTransport | DepartPatient]) -> bool:
    """HELD, or not needed, or the destination takes the patient by its emergency room."""
    state = decision.state
    return state.bed_region in (BedRegion.HELD, BedRegion.NOT_NEEDED) or state.emergency_room_bypass


def bypass_granted(decision: Decision[ArrangeTransport | DepartPatient]) -> bool:
    """Who sends may say that the patient comes by the emergency room once the destination has said so."""
    return decision.state.emergency_room_bypass or not decision.command.emergency_room_bypass


def bypass_fits(decision: Decision[AcceptReferral | GrantBypass]) -> bool:
    """Who can wait for a bed waits for one."""
    command = decision.command
    asked = isinstance(command, GrantBypass) or command.bypass_reason is not None
    return not asked or decision.state.urgency in BYPASS_URGENCIES


def bed(decision: Decision[object]) -> Values:
    label = BED_REGIONS[decision.state.bed_region]
    return {"bed": label.zh}, {"bed": label.en}


def transport_of(decision: Decision[ArrangeTransport | DepartPatient]) -> Transport | None:
    """The transport that the command gives, else the one that was arranged."""
    return decision.command.transport or decision.state.transport


def transport_known(decision: Decision[DepartPatient]) -> bool:
    return transport_of(decision) is not None


def crew_fits(decision: Decision[ArrangeTransport | DepartPatient]) -> bool:
    transport = transport_of(decision)
    state = decision.state
    return transport is None or decision.policy.crew_fits(transport.crew_level, state.urgency, state.pathway)


def crew(decision: Decision[object]) -> Values:
    label = CREWS[decision.policy.crew_least(decision.state.urgency, decision.state.pathway)]
    return {"least": label.zh}, {"least": label.en}


def handed_over(decision: Decision[DepartPatient]) -> bool:
    return decision.command.handover_document.summary.strip() != ""


def filed(decision: Decision[DepartPatient]) -> bool:
    state = decision.state
    number = decision.command.insurance_filing_number or state.insurance_filing_number
    return not state.insurance_filing_needed or number.strip() != ""


def elsewhere(decision: Decision[DivertPatient]) -> bool:
    return decision.command.destination_facility != decision.state.destination_facility


def room_for_results(decision: Decision[AddResults]) -> bool:
    return len(decision.state.results) + len(decision.command.results) <= RESULTS_MAX


def results_most(decision: Decision[AddResults]) -> Values:
    values = {"most": str(RESULTS_MAX)}
    return values, values


def identity_matches(decision: Decision[ReportArrival]) -> bool:
    return decision.command.patient == decision.state.patient


def window_passed(decision: Decision[ReportNoShow]) -> bool:
    """Neither the clinical time nor the receipt may lie within the window."""
    until = decision.state.hold_until
    context = decision.context
    return until is not None and min(context.occurred_at, context.recorded_at) >= until


def window(decision: Decision[ReportNoShow]) -> Values:
    until = decision.state.hold_until
    values = {"until": "" if until is None else until.isoformat(timespec="minutes")}
    return values, values


def discharge_summary_given(decision: Decision[CompleteTreatment]) -> bool:
    return decision.command.discharge_summary.summary.strip() != ""


def plan_complete(decision: Decision[ReferBack]) -> bool:
    plan = decision.command.rehabilitation_plan
    dated = bool(plan.tasks) and all(task.due_on for task in plan.tasks)
    return dated and bool(plan.medications and plan.red_flags and plan.first_follow_up_on)


def downward(decision: Decision[ReferBack]) -> bool:
    return all(each.direction is Direction.DOWN for each in decision.assessments)


#: Ends of a child after which the patient may be referred back anew.
_CAME_TO_NOTHING = (ReferralState.CANCELLED, ReferralState.EXPIRED, ReferralState.ENTERED_IN_ERROR)

#: Ends of a child after which there is nobody to follow up there.
NO_FOLLOW_UP = (ReferralState.CANCELLED, ReferralState.ENTERED_IN_ERROR, ReferralState.DECEASED)

ARRIVED = (
    ReferralState.ARRIVED,
    ReferralState.IN_TREATMENT,
    ReferralState.TREATED,
    ReferralState.CLOSED,
)


def not_referred_back(decision: Decision[ReferBack]) -> bool:
    if not decision.state.referred_back_to:
        return True
    return decision.child is not None and decision.child.state in _CAME_TO_NOTHING


def report_acknowledged(decision: Decision[CloseReferral]) -> bool:
    acknowledged = decision.state.outcome_acknowledged_at is not None
    return acknowledged or decision.command.outcome_report_acknowledged


def certifier_named(decision: Decision[RecordDeath]) -> bool:
    return decision.command.certifier.strip() != ""


def standing_mark(state: Referral, now: datetime) -> ErrorMark | None:
    """The first word, while it stands."""
    mark = state.error_mark
    return mark if mark is not None and now < mark.confirm_by else None


def error_claimed(decision: Decision[MarkEnteredInError]) -> bool:
    """It is the origin that calls it an error; others only confirm what it said."""
    return _is_one_of(decision, (ORIGIN,)) or _mark(decision) is not None


def second_person(decision: Decision[MarkEnteredInError]) -> bool:
    """A word that stands is confirmed by another person, in one of the confirming parts."""
    mark = _mark(decision)
    if mark is None or not decision.state.was_accepted:
        return True
    return _is_one_of(decision, ERROR_CONFIRMERS) and decision.context.actor.user != mark.requested_by


def error_marked(decision: Decision[WithdrawErrorMark]) -> bool:
    return _mark(decision) is not None


def _mark(decision: Decision[MarkEnteredInError] | Decision[WithdrawErrorMark]) -> ErrorMark | None:
    return standing_mark(decision.state, decision.context.recorded_at)


def _is_one_of(decision: Decision[MarkEnteredInError], parties: tuple[By, ...]) -> bool:
    state, actor = decision.state, decision.context.actor
    return any(
        is_party(by.party, state, actor, decision.directory) and actor.has_role(*by.roles) for by in parties
    )


def something_given(decision: Decision[CompleteRecord]) -> bool:
    command = decision.command
    return command.record not in (None, TransferRecord()) or command.clinical_summary not in (
        None,
        SummaryCompletion(),
    )
