"""What the lists of an office are filtered by: whose turn it is, what is late, what is over.

All of it follows from the referral's state and its table (`transitions.TABLE`): the facility that the next
step of the usual course is asked of. Commands that a facility may give besides (a cancellation, a withdrawal)
make nobody wait.
"""

from services.referral.domain.deadlines import bed_unanswered, step_waits
from services.referral.domain.offers_found import accepted_offer, open_offers, questions_waiting
from services.referral.domain.referral_state import (
    TERMINAL,
    Referral,
    is_live,
    is_terminal,
    open_review,
    parties,
)
from services.referral.domain.referral_values import BedRegion, OfferState
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.rehabilitation import RehabilitationTaskState

#: Where lists keep everything that is not over; what is over is kept by the state that it ended in.
OPEN_PHASE = "OPEN"

PHASES: tuple[str, ...] = (OPEN_PHASE, *sorted(state.value for state in TERMINAL))

_BED_LOST = frozenset({BedRegion.UNAVAILABLE, BedRegion.LAPSED})


def phase_of(state: S) -> str:
    """The part of a list that referrals in `state` are found in."""
    return state.value if state in TERMINAL else OPEN_PHASE


def waiting_for(state: Referral) -> tuple[str, ...]:
    """Facilities that must act now, for the referral to go on; who must review it, or complete its record."""
    review = open_review(state)
    reviewer = "" if review is None else review.facility
    return _once(*_next(state), reviewer, state.origin_facility if _lacks_record(state) else "")


def _lacks_record(state: Referral) -> bool:
    """A record that began incomplete may be completed within its limit, and must be."""
    return state.record_due_at is not None and bool(state.missing_elements) and not is_terminal(state)


def _next(state: Referral) -> tuple[str, ...]:
    origin, destination = state.origin_facility, _destination(state)
    match state.state:
        case S.AWAITING_APPROVAL:
            return (state.approval_facility,)
        case S.REQUESTED:
            return _asked(state)
        case S.INFO_REQUESTED:
            return _once(origin, *(each for each in _asked(state) if each not in _askers(state)))
        case S.DECLINED | S.NO_SHOW:
            return (origin,)
        case S.ACCEPTED | S.TRANSPORT_ARRANGED:
            # A bed that is lost is the destination's to answer: withdraw, or take by emergency-room bypass.
            lost = state.bed_region in _BED_LOST and not state.emergency_room_bypass
            return _once(origin, destination) if lost else (origin,)
        case S.IN_TRANSIT | S.CANCEL_REQUESTED:
            return (destination,)
        case S.ARRIVED | S.IN_TREATMENT:
            return (state.custodian_facility,)
        case S.TREATED:
            return (origin,)
    return ()


def is_overdue(state: Referral) -> bool:
    """Whether a deadline passed that somebody should have met, and still has not."""
    review = open_review(state)
    if review is not None and review.overdue:
        return True
    if (_lacks_record(state) and state.record_overdue) or _has_missed_task(state):
        return True
    if step_waits(state) and (state.next_step_reminders > 0 or _arrives_late(state)):
        return True
    if state.bed_answer_overdue and bed_unanswered(state):
        return True
    match state.state:
        case S.REQUESTED | S.INFO_REQUESTED:
            return any(
                offer.overdue and offer.state is OfferState.SENT for offer in open_offers(state.offers)
            )
        case S.TREATED:
            return state.outcome_report_overdue
    return False


def _arrives_late(state: Referral) -> bool:
    """Also of a trail of before there were reminders."""
    return state.state is S.IN_TRANSIT and state.arrival_overdue


def facets(state: Referral) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {
        "parties": list(parties(state)),
        "live": is_live(state),
        "phase": phase_of(state.state),
        "state": state.state.value,
        "waiting": list(waiting_for(state)),
        "overdue": is_overdue(state),
        "episode": state.episode,
        "patient": state.patient,
        "pathway": state.pathway.value,
        "urgency": state.urgency.value,
        "direction": state.direction.value,
        "origin": state.origin_facility,
        "destination": state.destination_facility,
        "created": state.create_time.isoformat(),
    }


def _has_missed_task(state: Referral) -> bool:
    plan = state.rehabilitation_plan
    if plan is None or is_terminal(state):
        return False
    # One that was explained waits for nobody.
    return any(task.state is RehabilitationTaskState.MISSED and task.reason is None for task in plan.tasks)


def _destination(state: Referral) -> str:
    accepted = accepted_offer(state.offers)
    return state.destination_facility if accepted is None else accepted.facility


def _asked(state: Referral) -> tuple[str, ...]:
    return _once(*(offer.facility for offer in open_offers(state.offers)))


def _askers(state: Referral) -> frozenset[str]:
    """Destinations whose questions wait for an answer: it is not their turn."""
    return frozenset(each.asked_by_facility for each in questions_waiting(state))


def _once(*facilities: str) -> tuple[str, ...]:
    return tuple([facility for facility in dict.fromkeys(facilities) if facility])
