"""The open deadlines of a referral, as a function of its state.

A key says what is due; where the same thing can be due at another time later, the key has the time in it, so
that a deadline that was met never looks open again.
"""

from datetime import datetime
from enum import StrEnum

from services.referral.domain.offers_found import open_offers
from services.referral.domain.referral_state import Referral, is_terminal, open_review
from services.referral.domain.referral_values import OfferState
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.rehabilitation import RehabilitationTaskState
from services.referral.domain.values import Direction
from services.shared.kernel.command import Deadline

_WITH_PATIENT = (S.ARRIVED, S.IN_TREATMENT, S.TREATED)


class Due(StrEnum):
    """What is due: the beginning of a deadline's key."""

    #: nobody at the destination acknowledged the offer: an alert
    ACKNOWLEDGE = "acknowledge"
    #: nobody at the destination decided: the next one is asked
    DECIDE = "decide"
    #: nobody is left to ask, or nobody approved: it expires
    EXPIRE = "expire"
    #: the destination did not answer a cancellation: it is confirmed
    CANCELLATION = "cancellation"
    #: the patient is not there: an alert
    ARRIVAL = "arrival"
    #: the outcome report was not acknowledged: an alert
    OUTCOME_REPORT = "outcome-report"
    #: an emergency's record is incomplete: an alert
    RECORD = "record"
    #: a task or follow-up of the plan was not done on its day: an alert
    TASK = "task"
    #: the lead facility did not review afterwards: an alert
    REVIEW = "review"


def deadlines(state: Referral) -> tuple[Deadline, ...]:
    """What waits for somebody. A terminal referral waits for nobody."""
    return (*_of_state(state), *_of_record(state), *_of_review(state), *_of_plan(state))


def _of_record(state: Referral) -> tuple[Deadline, ...]:
    due_at = state.record_due_at
    if due_at is None or state.record_overdue or not state.missing_elements or is_terminal(state):
        return ()
    return (Deadline(key=Due.RECORD.value, due_at=due_at),)


def _of_plan(state: Referral) -> tuple[Deadline, ...]:
    """The day is in the key: a task that was moved after it was missed can be missed again."""
    plan = state.rehabilitation_plan
    if plan is None or state.state not in _WITH_PATIENT or state.direction is not Direction.DOWN:
        return ()
    return tuple(
        [
            Deadline(key=f"{Due.TASK}:{task.id}:{task.due_at.isoformat()}", due_at=task.due_at)
            for task in plan.tasks
            if task.state is RehabilitationTaskState.OPEN and task.due_at is not None
        ]
    )


def _of_review(state: Referral) -> tuple[Deadline, ...]:
    review = open_review(state)
    if review is None or review.overdue:
        return ()
    return (_timed(Due.REVIEW, review.due_at),)


def _of_state(state: Referral) -> tuple[Deadline, ...]:
    match state.state:
        case S.REQUESTED | S.INFO_REQUESTED if open_offers(state.offers):
            return _of_offers(state)
        # Also of a trail in which nobody is asked: it would wait for ever.
        case S.AWAITING_APPROVAL | S.REQUESTED | S.INFO_REQUESTED | S.DECLINED if (
            state.expires_at is not None
        ):
            return (_timed(Due.EXPIRE, state.expires_at),)
        case S.CANCEL_REQUESTED if state.confirm_by is not None:
            return (Deadline(key=Due.CANCELLATION.value, due_at=state.confirm_by),)
        case S.IN_TRANSIT if state.hold_until is not None and not state.arrival_overdue:
            return (_timed(Due.ARRIVAL, state.hold_until),)
        case S.TREATED if state.report_due_at is not None and _report_waits(state):
            return (Deadline(key=Due.OUTCOME_REPORT.value, due_at=state.report_due_at),)
    return ()


def _report_waits(state: Referral) -> bool:
    return state.outcome_acknowledged_at is None and not state.outcome_report_overdue


def _of_offers(state: Referral) -> tuple[Deadline, ...]:
    found: list[Deadline] = []
    for offer in open_offers(state.offers):
        if offer.state is OfferState.SENT and not offer.overdue:
            found.append(Deadline(key=f"{Due.ACKNOWLEDGE}:{offer.name}", due_at=offer.acknowledge_by))
        found.append(Deadline(key=f"{Due.DECIDE}:{offer.name}", due_at=offer.decide_by))
    return tuple(found)


def _timed(due: Due, moment: datetime) -> Deadline:
    return Deadline(key=f"{due}:{moment.isoformat()}", due_at=moment)
