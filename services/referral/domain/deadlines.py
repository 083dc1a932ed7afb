"""The open deadlines of a referral, as a function of its state.

A key says what is due; where the same thing can be due at another time later, the key has the time in it, so
that a deadline that was met never looks open again.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from services.referral.domain.offers_found import open_offers
from services.referral.domain.referral_state import Referral, is_terminal, open_review
from services.referral.domain.referral_values import BedRegion, OfferState
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
    #: the bed service did not answer: an alert
    BED_ANSWER = "bed-answer"
    #: the patient has not left: an alert, repeated a few times, as those of the steps that follow
    DEPARTURE = "departure"
    #: the patient is not there
    ARRIVAL = "arrival"
    #: the patient did not come, and nobody has looked further
    NO_SHOW = "no-show"
    #: the patient is there, and is not treated
    TREATMENT_START = "treatment-start"
    #: the treatment has no outcome
    TREATMENT = "treatment"
    #: the outcome report was not acknowledged: an alert
    OUTCOME_REPORT = "outcome-report"
    #: a record is incomplete: an alert
    RECORD = "record"
    #: a task or follow-up of the plan was not done on its day: an alert
    TASK = "task"
    #: the lead facility did not review afterwards: an alert
    REVIEW = "review"
    #: nobody confirmed that it is an error: the word stands no longer, and who said it is told
    ERROR_MARK = "error-mark"


def deadlines(state: Referral) -> tuple[Deadline, ...]:
    """What waits for somebody. A terminal referral waits for nobody, unless it is called an error."""
    return (
        *_of_state(state),
        *_of_step(state),
        *_of_bed(state),
        *_of_record(state),
        *_of_review(state),
        *_of_plan(state),
        *_of_error_mark(state),
    )


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


def _of_error_mark(state: Referral) -> tuple[Deadline, ...]:
    """Of a referral that has ended too: it can be called an error then."""
    mark = state.error_mark
    return () if mark is None else (_timed(Due.ERROR_MARK, mark.confirm_by),)


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
        case S.TREATED if state.report_due_at is not None and _report_waits(state):
            return (Deadline(key=Due.OUTCOME_REPORT.value, due_at=state.report_due_at),)
    return ()


#: What is due next after acceptance.
STEPS: dict[S, Due] = {
    S.ACCEPTED: Due.DEPARTURE,
    S.TRANSPORT_ARRANGED: Due.DEPARTURE,
    S.IN_TRANSIT: Due.ARRIVAL,
    S.NO_SHOW: Due.NO_SHOW,
    S.ARRIVED: Due.TREATMENT_START,
    S.IN_TREATMENT: Due.TREATMENT,
}

#: States that the bed service's answer is waited for in.
_BED_WAITED_FOR = (S.ACCEPTED, S.TRANSPORT_ARRANGED, S.IN_TRANSIT)

#: States in which a standing order's visits are watched instead: its patient comes and goes by his own means,
#: and a first visit may be all that is said of his arrival.
_BY_VISITS = (S.ACCEPTED, S.ARRIVED, S.IN_TREATMENT)

#: A stay that began before there were limits is asked about after this long (product default, confidence C).
_OLD_STAY = timedelta(days=14)


def step_waits(state: Referral) -> bool:
    """Whether a step after acceptance waits for somebody; visits of a standing order have their own dates."""
    return state.state in STEPS and not (state.state in _BY_VISITS and state.standing_order)


def _of_step(state: Referral) -> tuple[Deadline, ...]:
    if not step_waits(state):
        return ()
    due = STEPS[state.state]
    if state.next_step_due_at is not None:
        return (_timed(due, state.next_step_due_at),)
    if state.next_step_reminders or (due is Due.ARRIVAL and state.arrival_overdue):
        return ()
    return _of_old_step(state, due)


def _of_old_step(state: Referral, due: Due) -> tuple[Deadline, ...]:
    """Of a trail whose last step was before there were limits: what it says of itself must do.

    The store writes down what a change adds to the deadlines; these were there before the change, but for the
    version in the key. Only the arrival's has always been written.
    """
    if due is Due.ARRIVAL:
        return () if state.hold_until is None else (_timed(due, state.hold_until),)
    with_patient = state.state in _WITH_PATIENT
    moment = (state.arrived_at or state.create_time) + _OLD_STAY if with_patient else state.hold_until
    if moment is None:
        return ()
    return (Deadline(key=f"{due}:{moment.isoformat()}:{state.version}", due_at=moment),)


def bed_unanswered(state: Referral) -> bool:
    """Whether the bed service has yet to say a first word on the bed of a patient who is to come."""
    return state.state in _BED_WAITED_FOR and state.bed_region is BedRegion.REQUESTED


def _of_bed(state: Referral) -> tuple[Deadline, ...]:
    due_at = state.bed_answer_due_at
    if due_at is None or state.bed_answer_overdue or not bed_unanswered(state):
        return ()
    return (_timed(Due.BED_ANSWER, due_at),)


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
