"""The moves of a rehabilitation plan, and of the report that comes back."""

from collections.abc import Iterator
from functools import partial

from services.referral.domain import commands as c
from services.referral.domain import commands_plan as pc
from services.referral.domain.referral_values import ReferralState
from tests.unit.referral.referral.network import SYSTEM, TOWN, WUCAIWAN
from tests.unit.referral.referral.stories import REASON, TO_STATE
from tests.unit.referral.table import tales, tales_down
from tests.unit.referral.table.cases import Order, Story, Taken, Who, due
from tests.unit.referral.table.tales import of_custodian

S = ReferralState
WITH_PATIENT = (S.ARRIVED, S.IN_TREATMENT, S.TREATED)
PLANNED = (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT, *WITH_PATIENT)

DONE = pc.CompleteTask(task="t1")
NOT_NEEDED = pc.CancelTask(task="t1", reason=REASON)
EXPLAINED = pc.ExplainMissedTask(task="t1", reason=REASON)
AMENDED = pc.AmendPlan(medications=("氯吡格雷 75 mg",), reason=REASON)
READ = pc.AcknowledgeOutcome()

OPENED = c.FollowStanding(standing_order=tales.ORDER, over=False)
OVER = c.FollowStanding(standing_order=tales.ORDER, over=True)
WITH_DESTINATION = (*PLANNED, S.NO_SHOW, S.CANCEL_REQUESTED)
STANDING = {state: partial(tales.standing, state) for state in WITH_DESTINATION}
MISSED = {state: partial(tales_down.task_missed, state) for state in WITH_PATIENT}


def plan_moves() -> Iterator[Taken]:
    for state in WITH_PATIENT:
        here = tales_down.DOWN[state]
        yield _move(here, DONE, TOWN, "TaskCompleted", state)
        yield _move(MISSED[state], DONE, TOWN, "TaskCompleted", state)
        yield _move(MISSED[state], EXPLAINED, TOWN, "TaskMissExplained", state)
        for key, event in (("task:t1", "TaskMissed"), ("task:t2", "FollowUpMissed")):
            yield _met(here, key, event, state)
    for state in PLANNED:
        here = tales_down.DOWN[state]
        yield _move(here, NOT_NEEDED, of_custodian, "TaskCancelled", state)
        yield _move(here, AMENDED, of_custodian, "PlanAmended", state)
    for state in WITH_DESTINATION:
        running = STANDING[state]
        yield _move(TO_STATE[state], OPENED, SYSTEM, "StandingOrderOpened", state)
        yield _move(running, OVER, SYSTEM, "StandingOrderOver", state)
    yield _move(TO_STATE[S.TREATED], READ, WUCAIWAN, "OutcomeAcknowledged", S.TREATED)


def _move(story: Story, order: c.Command, who: Who, event: str, to: S) -> Taken:
    return Taken(
        command=type(order).__name__,
        story=story,
        order=order,
        who=who,
        events=(event,),
        to=to,
    )


def _met(story: Story, key: str, event: str, to: S) -> Taken:
    order: Order = due(key)
    return Taken(command="MeetDeadline", story=story, order=order, who=SYSTEM, events=(event,), to=to)
