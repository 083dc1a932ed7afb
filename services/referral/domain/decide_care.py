"""Decisions after arrival, and every end: treatment, way back, follow-up, closure, cancellation, death."""

from datetime import timedelta
from typing import Any

from services.referral.domain import norms
from services.referral.domain.carriers import carrier_to_tell
from services.referral.domain.commands import (
    CancelReferral,
    CloseReferral,
    CompleteTreatment,
    ConfirmCancellation,
    RecordDeath,
    RecordFollowUp,
    ReferBack,
    StartTreatment,
)
from services.referral.domain.continuation import BACK, RED_FLAG, assessed, back_opening, child_name
from services.referral.domain.decide_record import left_incomplete
from services.referral.domain.decide_request import origin_of
from services.referral.domain.decide_review import left_unreviewed
from services.referral.domain.decide_steps import within
from services.referral.domain.decision import Decision
from services.referral.domain.events import (
    CancellationRequested,
    Event,
    FollowUpRecorded,
    PatientDied,
    PatientReferredBack,
    ReferralCancelled,
    ReferralClosed,
    TreatmentCompleted,
    TreatmentStarted,
)
from services.referral.domain.norms import Assessment
from services.referral.domain.plan_faults import plan_faults
from services.referral.domain.referral_state import is_terminal
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.rehabilitation import (
    RehabilitationTask,
    RehabilitationTaskKind,
    follow_up_due,
    taken_in,
    task_named,
    unfinished,
)
from services.referral.domain.values import CodedReason, Urgency
from services.shared.kernel.refusals import FieldViolation

#: As far as a clock of a hospital may be off (this product's own tolerance).
CLOCKS_DIFFER = timedelta(minutes=5)

_BEFORE_DEPARTURE = (S.ACCEPTED, S.TRANSPORT_ARRANGED)


def start_treatment(decision: Decision[StartTreatment]) -> tuple[Event, ...]:
    return (
        TreatmentStarted(
            facility=decision.state.custodian_facility,
            treatment_due_at=within(decision, decision.terms.treatment_s),
        ),
    )


def complete_treatment(decision: Decision[CompleteTreatment]) -> tuple[Event, ...]:
    report_in = timedelta(seconds=decision.terms.outcome_report_s)
    return (
        TreatmentCompleted(
            facility=decision.state.custodian_facility,
            discharge_summary=decision.command.discharge_summary,
            report_due_at=decision.context.recorded_at + report_in,
        ),
    )


def back_faults(decision: Decision[ReferBack]) -> list[FieldViolation]:
    command = decision.command
    faults = [
        FieldViolation(field="destination_facility", reason=each.reason, description=each.description)
        for each in norms.destination_faults(
            decision.directory, decision.state.custodian_facility, (command.destination_facility,)
        )
    ]
    taking_part = (decision.state.custodian_facility, command.destination_facility)
    return faults + plan_faults(command.rehabilitation_plan, taking_part)


def back_norms(decision: Decision[ReferBack]) -> tuple[Assessment, ...]:
    state, command, directory = decision.state, decision.command, decision.directory
    origin_of(directory, state.custodian_facility)
    opening = back_opening(state, command.destination_facility, command.rehabilitation_plan, command.bed_type)
    found = assessed(opening, state, directory, decision.policy, decision.live_referrals)
    return () if found is None else (found,)


def refer_back(decision: Decision[ReferBack]) -> tuple[Event, ...]:
    """The new DOWN referral is opened with this event: `continuation.opened_child`."""
    command = decision.command
    due_at = decision.policy.due_from(decision.context.recorded_at)
    return (
        PatientReferredBack(
            referral=child_name(decision.context.request_id, BACK),
            destination_facility=command.destination_facility,
            rehabilitation_plan=taken_in(command.rehabilitation_plan, due_at),
            bed_type=command.bed_type,
        ),
    )


def follow_up_faults(decision: Decision[RecordFollowUp]) -> list[FieldViolation]:
    """A red flag is one of the plan's, where the plan has any; what it fulfils is a follow-up to be done."""
    plan, flag = decision.state.rehabilitation_plan, decision.command.red_flag
    faults: list[FieldViolation] = []
    if flag and plan is not None and plan.red_flags and flag not in plan.red_flags:
        description = f"{flag} is none of the plan's red flags"
        faults.append(FieldViolation(field="red_flag", reason="UNKNOWN_RED_FLAG", description=description))
    name = decision.command.task
    task = task_named(plan, name)
    if name and (task is None or task.kind is not RehabilitationTaskKind.FOLLOW_UP or not unfinished(task)):
        description = f"{name} is no planned follow-up that is still to be done"
        faults.append(FieldViolation(field="task", reason="UNKNOWN_TASK", description=description))
    return faults


def _fulfilled(decision: Decision[RecordFollowUp]) -> RehabilitationTask | None:
    """The planned follow-up that the visit was: the one that is named, else by the day of the visit."""
    plan, policy = decision.state.rehabilitation_plan, decision.policy
    if decision.command.task:
        return task_named(plan, decision.command.task)
    return follow_up_due(plan, policy.day_of(decision.context.occurred_at), policy.follow_up_early_days)


def _red_flag_urgency(decision: Decision[RecordFollowUp]) -> Urgency | None:
    """What the clinician says, else what the plan says of this flag, else the policy of the illness."""
    command, plan = decision.command, decision.state.rehabilitation_plan
    if not command.red_flag:
        return None
    if command.urgency is not None:
        return command.urgency
    if plan is not None and command.red_flag in plan.emergency_red_flags:
        return Urgency.EMERGENCY
    return decision.policy.red_flag(decision.state.reopening_pathway)


def follow_up(decision: Decision[RecordFollowUp]) -> tuple[Event, ...]:
    """A red flag opens a referral upward, unless one that it opened before is still under way."""
    state, command = decision.state, decision.command
    under_way = state.reopened_as != "" and (decision.child is None or not is_terminal(decision.child))
    opens = command.red_flag != "" and not under_way and not decision.live_referrals
    task = _fulfilled(decision)
    occurred_at = decision.context.occurred_at
    return (
        FollowUpRecorded(
            facility=state.custodian_facility,
            findings=command.findings,
            red_flag=command.red_flag,
            reopened_as=child_name(decision.context.request_id, RED_FLAG) if opens else "",
            task="" if task is None else task.id,
            late=task is not None and occurred_at >= decision.policy.day_end(task.due_on),
            red_flag_urgency=_red_flag_urgency(decision),
        ),
    )


def close(decision: Decision[CloseReferral]) -> tuple[Event, ...]:
    """What is still open waits no longer than the referral: that it was not done is on record."""
    state = decision.state
    end = ReferralClosed(origin_facility=state.origin_facility)
    return (*left_unreviewed(state), *left_incomplete(state), end)


def cancel(decision: Decision[CancelReferral]) -> tuple[Event, ...]:
    """A destination that accepted must hear of it before it is done."""
    reason = decision.command.reason
    if decision.state.state not in _BEFORE_DEPARTURE:
        return (*left_incomplete(decision.state), cancelled(decision, reason))
    answer_in = timedelta(seconds=decision.terms.confirm_cancellation_s)
    return (
        CancellationRequested(
            reason=reason,
            confirm_by=decision.context.recorded_at + answer_in,
            carrier_facility=carrier_to_tell(decision),
        ),
    )


def confirm_cancellation(decision: Decision[ConfirmCancellation]) -> tuple[Event, ...]:
    reason = decision.state.end_reason
    if reason is None:
        raise ValueError(f"{decision.state.name} is to be cancelled without a reason")
    return (*left_incomplete(decision.state), cancelled(decision, reason))


def cancelled(
    decision: Decision[Any], reason: CodedReason, *, by_deadline: bool = False
) -> ReferralCancelled:
    """Whoever was to carry hears of it: else an ambulance leaves for nobody."""
    return ReferralCancelled(
        reason=reason,
        by_deadline=by_deadline,
        carrier_facility=carrier_to_tell(decision),
    )


def death_faults(decision: Decision[RecordDeath]) -> list[FieldViolation]:
    """Who was referred, and who arrived, was alive then; clocks of two facilities differ a little."""
    state, died_at = decision.state, decision.command.died_at
    alive_at, then = state.requested_at or state.create_time, "request"
    if state.arrived_at is not None:
        alive_at, then = max(alive_at, state.arrived_at), "arrival"
    if died_at > decision.context.recorded_at:
        return [_died_at("IN_THE_FUTURE", "the time of death is to come")]
    if died_at < alive_at - CLOCKS_DIFFER:
        return [_died_at(f"BEFORE_{then.upper()}", f"the time of death lies before the patient's {then}")]
    return []


def _died_at(reason: str, description: str) -> FieldViolation:
    return FieldViolation(field="died_at", reason=reason, description=description)


def record_death(decision: Decision[RecordDeath]) -> tuple[Event, ...]:
    return (
        *left_unreviewed(decision.state),
        *left_incomplete(decision.state),
        PatientDied(
            died_at=decision.command.died_at,
            certifier=decision.command.certifier,
            facility=decision.state.custodian_facility,
        ),
    )
