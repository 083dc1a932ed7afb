"""Decisions on a referral: who may, what the table allows, whether guards and norms hold, what happens.

The order of refusals: NotFound or NotPermitted (who), NotAllowed (state), InvalidInput (fields), NotAllowed
(every guard and norm that fails, at once).
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain import decide_care as care
from services.referral.domain import decide_errors as errors
from services.referral.domain import decide_journey as journey
from services.referral.domain import decide_offers as offers
from services.referral.domain import decide_plan as plan
from services.referral.domain import decide_record as record
from services.referral.domain import decide_request as request
from services.referral.domain import decide_results as results
from services.referral.domain import decide_review as reviews
from services.referral.domain import decide_steps as steps
from services.referral.domain import decide_system as system
from services.referral.domain.commands_bypass import GrantBypass
from services.referral.domain.decide_request import decide_create
from services.referral.domain.decision import Decision
from services.referral.domain.directory_state import Directory
from services.referral.domain.events import Event
from services.referral.domain.free_beds import WardBeds
from services.referral.domain.identity_in_texts import identity_in_texts
from services.referral.domain.labels import COMMANDS as COMMAND_LABELS
from services.referral.domain.labels import STATES
from services.referral.domain.norms import Assessment, failed_rules
from services.referral.domain.parties import authorise
from services.referral.domain.policy import DEFAULT_POLICY, ReferralPolicy
from services.referral.domain.referral_state import Referral
from services.referral.domain.texts import filled, text
from services.referral.domain.transition_lookup import (
    INTERNAL,
    ROW_IN,
    ROWS,
    allowed_commands,
    events_of,
)
from services.referral.domain.transition_row import Row
from services.referral.domain.values import Direction
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput, NotAllowed, NotFound

Build = Callable[[Decision[Any]], tuple[Event, ...]]
Faults = Callable[[Decision[Any]], list[FieldViolation]]
Norms = Callable[[Decision[Any]], tuple[Assessment, ...]]

_BUILD: dict[type[c.Command], Build] = {
    c.ApproveReferral: request.approve,
    c.RefuseApproval: request.refuse_approval,
    c.ReviewReferral: reviews.review,
    c.AcknowledgeOffer: offers.acknowledge,
    c.RequestInformation: offers.request_information,
    c.ProvideInformation: offers.provide_information,
    c.AcceptReferral: offers.accept,
    c.DeclineReferral: offers.decline,
    c.RerouteReferral: request.reroute,
    c.WithdrawAcceptance: offers.withdraw,
    GrantBypass: offers.grant_bypass,
    c.ArrangeTransport: journey.arrange_transport,
    c.DepartPatient: journey.depart,
    c.DivertPatient: journey.divert,
    c.UpdateArrivalEstimate: steps.update_arrival,
    c.ReportArrival: journey.arrive,
    c.ReportNoShow: journey.no_show,
    c.StartTreatment: care.start_treatment,
    c.CompleteTreatment: care.complete_treatment,
    c.ReferBack: care.refer_back,
    c.RecordFollowUp: care.follow_up,
    pc.CompleteTask: plan.complete_task,
    pc.CancelTask: plan.cancel_task,
    pc.ExplainMissedTask: plan.explain_missed_task,
    pc.AmendPlan: plan.amend_plan,
    pc.AcknowledgeOutcome: plan.acknowledge_outcome,
    c.CloseReferral: care.close,
    c.CancelReferral: care.cancel,
    c.ConfirmCancellation: care.confirm_cancellation,
    c.RecordDeath: care.record_death,
    c.MarkEnteredInError: errors.mark_entered_in_error,
    c.WithdrawErrorMark: errors.withdraw_error_mark,
    c.CompleteRecord: record.complete_record,
    c.AddResults: results.add_results,
    c.RecordRepeat: results.record_repeat,
    c.FollowBed: system.follow_bed,
    c.FollowStanding: plan.follow_standing,
    c.MeetDeadline: system.meet_deadline,
}

_FAULTS: dict[type[c.Command], Faults] = {
    c.AcceptReferral: journey.arrival_faults,
    c.RerouteReferral: request.reroute_faults,
    c.ArrangeTransport: journey.transport_faults,
    c.DepartPatient: journey.transport_faults,
    c.DivertPatient: journey.divert_faults,
    c.UpdateArrivalEstimate: journey.arrival_faults,
    c.ReferBack: care.back_faults,
    c.RecordFollowUp: care.follow_up_faults,
    pc.CompleteTask: plan.complete_faults,
    pc.CancelTask: plan.task_command_faults,
    pc.ExplainMissedTask: plan.task_command_faults,
    pc.AmendPlan: plan.amend_faults,
    c.RecordDeath: care.death_faults,
    c.CompleteRecord: record.completion_faults,
    c.AddResults: results.add_faults,
    c.RecordRepeat: results.repeat_faults,
}

_NORMS: dict[type[c.Command], Norms] = {
    c.RerouteReferral: request.reroute_norms,
    c.ReferBack: care.back_norms,
}


def decide(
    state: Referral | None,
    command: c.Command,
    context: CommandContext,
    *,
    directory: Directory,
    policy: ReferralPolicy = DEFAULT_POLICY,
    live_referrals: tuple[str, ...] = (),
    child: Referral | None = None,
    episode_patient: str | None = None,
    wards: tuple[WardBeds, ...] = (),
) -> tuple[Event, ...]:
    """The events of a command; none where nothing changes.

    `live_referrals` are the live ones of the episode (CreateReferral, ReferBack, RecordFollowUp ask for
    them), `child` the referral that `child_needed` names, `episode_patient` the patient of the episode that
    a new referral joins, `wards` what is known of the beds of the facility that `beds_needed` names.

    Raises NotFound, NotPermitted, InvalidInput or NotAllowed, in the order of this module's docstring.
    """
    kind = type(command)
    if state is None:
        if not isinstance(command, c.CreateReferral):
            raise NotFound("Referral", "")
        return decide_create(
            command,
            context,
            directory=directory,
            policy=policy,
            live_referrals=live_referrals,
            episode_patient=episode_patient,
        )
    # Who may is the row's to say; where the table has none in this state, the command's first row is as good.
    row = ROW_IN.get((kind, state.state)) or ROWS[kind][0]
    authorise(row.by, state, context.actor, directory)
    decision = Decision(
        state=state,
        command=command,
        context=context,
        directory=directory,
        policy=policy,
        live_referrals=tuple([name for name in live_referrals if name != state.name]),
        child=child,
        wards=wards,
    )
    if kind not in INTERNAL:
        decision = _checked(_row(state, command), decision)
    found = _BUILD[kind](decision)
    if not events_of(kind, state).issuperset([type(event) for event in found]):
        raise ValueError(f"the table has no {kind.__name__} in {state.state} that gives {found}")
    return found


def _row(state: Referral, command: c.Command) -> Row:
    """The row of this command in this state. Raises NotAllowed when the table has none."""
    row = ROW_IN.get((type(command), state.state))
    if row is None:
        label, named = STATES[state.state], COMMAND_LABELS[type(command).__name__]
        zh, en = {"state": label.zh, "command": named.zh}, {"state": label.en, "command": named.en}
        rule = FailedRule(code="NOT_ALLOWED_IN_STATE", text=filled("NOT_ALLOWED_IN_STATE", zh, en))
        raise _refusal(state, (rule,))
    if row.down_only and state.direction is not Direction.DOWN:
        raise _refusal(state, (FailedRule(code="DOWN_ONLY", text=text("DOWN_ONLY")),))
    return row


def _checked(row: Row, decision: Decision[c.Command]) -> Decision[c.Command]:
    """The decision with what the norms say. Raises InvalidInput, or NotAllowed with everything that fails."""
    kind = type(decision.command)
    faults = identity_in_texts(decision.command)
    faults += _FAULTS[kind](decision) if kind in _FAULTS else []
    if faults:
        raise InvalidInput(*faults)
    if row.norms:
        decision = replace(decision, assessments=_NORMS[kind](decision))
    failed = [guard.refusal(decision) for guard in row.guards if not guard.check(decision)]
    failed.extend(failed_rules(decision.assessments))
    if failed:
        raise _refusal(decision.state, tuple(failed))
    return decision


def _refusal(state: Referral, failed: tuple[FailedRule, ...]) -> NotAllowed:
    return NotAllowed(
        state=state.state.value,
        allowed_commands=allowed_commands(state),
        failed_rules=failed,
        resource_name=state.name,
    )
