"""Rows of the rehabilitation plan, and of the report that comes back.

A plan is a contract from the acceptance on; its tasks fall due while the destination has the patient.
"""

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain import events as e
from services.referral.domain import guards as g
from services.referral.domain import parties as p
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.transition_row import Row, row, to

#: States in which a task can be done, and be missed.
WITH_PATIENT = (S.ARRIVED, S.IN_TREATMENT, S.TREATED)

_PLANNED = (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT, *WITH_PATIENT)

_WITH_DESTINATION = (*_PLANNED, S.NO_SHOW, S.CANCEL_REQUESTED)

#: Whoever has the patient, and the hospital that referred down.
_BOTH_ENDS = (p.CUSTODIAN, p.ORIGIN)

PLAN_ROWS: tuple[Row, ...] = (
    row(
        WITH_PATIENT,
        pc.CompleteTask,
        _BOTH_ENDS,
        to(e.TaskCompleted),
        guards=(g.TASK_UNFINISHED, g.NO_FOLLOW_UP),
        down_only=True,
    ),
    row(
        _PLANNED,
        pc.CancelTask,
        _BOTH_ENDS,
        to(e.TaskCancelled),
        guards=(g.REASON, g.TASK_OPEN),
        down_only=True,
    ),
    row(
        WITH_PATIENT,
        pc.ExplainMissedTask,
        _BOTH_ENDS,
        to(e.TaskMissExplained),
        guards=(g.REASON, g.TASK_MISSED),
        down_only=True,
    ),
    row(_PLANNED, pc.AmendPlan, _BOTH_ENDS, to(e.PlanAmended), guards=(g.REASON,), down_only=True),
    row(
        WITH_PATIENT,
        c.MeetDeadline,
        (p.SYSTEM,),
        to(e.TaskMissed),
        to(e.FollowUpMissed),
        down_only=True,
    ),
    row(
        _WITH_DESTINATION,
        c.FollowStanding,
        (p.SYSTEM,),
        to(e.StandingOrderOpened),
        to(e.StandingOrderOver),
    ),
    row((S.TREATED,), pc.AcknowledgeOutcome, (p.ORIGIN,), to(e.OutcomeAcknowledged)),
)
