"""Decisions of the system: following the bed service, and meeting deadlines."""

from collections.abc import Callable
from datetime import datetime

from services.referral.domain import decide_steps as steps
from services.referral.domain.commands import BedNews, FollowBed, MeetDeadline
from services.referral.domain.deadlines import Due, deadlines
from services.referral.domain.decide_care import cancelled
from services.referral.domain.decide_errors import error_mark_lapsed
from services.referral.domain.decide_record import left_incomplete, record_overdue
from services.referral.domain.decide_review import review_overdue
from services.referral.domain.decision import Decision
from services.referral.domain.events import (
    BedEvent,
    BedHeld,
    BedHoldLapsed,
    BedOccupied,
    BedReleased,
    BedUnavailable,
    Event,
    FollowUpMissed,
    OfferLapsed,
    OfferOverdue,
    OutcomeReportOverdue,
    ReferralExpired,
    TaskMissed,
)
from services.referral.domain.offering import is_exhausted, moved_on
from services.referral.domain.offers_found import accepted_offer, offer_named
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import BedAssignment, BedRegion, Offer
from services.referral.domain.rehabilitation import RehabilitationTaskKind, task_named
from services.referral.domain.transitions import BED_FOLLOWED
from services.referral.domain.transitions_steps import EXPECTED

_BED_EVENTS: dict[BedNews, type[BedEvent]] = {
    BedNews.HELD: BedHeld,
    BedNews.UNAVAILABLE: BedUnavailable,
    BedNews.HOLD_LAPSED: BedHoldLapsed,
    BedNews.OCCUPIED: BedOccupied,
}


def follow_bed(decision: Decision[FollowBed]) -> tuple[Event, ...]:
    """The bed service's word on the bed at the present destination; old news and others' are ignored."""
    state, news, bed = decision.state, decision.command.news, decision.command.bed
    if state.state not in BED_FOLLOWED or not _concerns(state, bed) or not _changes(state, news, bed):
        return ()
    if news is BedNews.RELEASED:
        return (BedReleased(bed=bed, expected=state.state in EXPECTED),)
    return (_BED_EVENTS[news](bed=bed),)


def _concerns(state: Referral, bed: BedAssignment) -> bool:
    """Whether the word is of the present destination, and of nothing older than what is known.

    Tokens order the holds of one ward; holds of different wards are ordered by when they were made.
    """
    accepted = accepted_offer(state.offers)
    if accepted is None or bed.facility != accepted.facility:
        return False
    known = state.bed
    if known is None or not known.hold or not bed.hold:
        return True
    if bed.hold == known.hold:
        return bed.fencing_token >= known.fencing_token
    if bed.ward == known.ward:
        return bed.fencing_token > known.fencing_token
    return known.held_at is None or bed.held_at is None or bed.held_at > known.held_at


def _changes(state: Referral, news: BedNews, bed: BedAssignment) -> bool:
    """Whether the word moves the bed region on, given that it is not of an older hold."""
    region, known = state.bed_region, state.bed
    same = known is not None and bed.hold == known.hold
    match news:
        case BedNews.HELD:
            # Once a hold has ended it is not held again; one that is extended has another end.
            over = region in (BedRegion.LAPSED, BedRegion.RELEASED, BedRegion.OCCUPIED)
            return not same or (not over and bed != known)
        case BedNews.UNAVAILABLE:
            return region is not BedRegion.HELD and region is not BedRegion.OCCUPIED and bed != known
        case BedNews.HOLD_LAPSED:
            return same and region is BedRegion.HELD
        case BedNews.OCCUPIED:
            return region is not BedRegion.OCCUPIED or bed != known
        case BedNews.RELEASED:
            return same and region in (BedRegion.HELD, BedRegion.LAPSED, BedRegion.OCCUPIED)


def meet_deadline(decision: Decision[MeetDeadline]) -> tuple[Event, ...]:
    """What follows when a deadline is due; nothing when it is no longer open."""
    key = decision.command.key
    for deadline in deadlines(decision.state):
        if deadline.key == key:
            due, _, subject = key.partition(":")
            late = _LATE.get(Due(due))
            return _MET[Due(due)](decision, subject) if late is None else late(decision, deadline.due_at)
    return ()


def _overdue(decision: Decision[MeetDeadline], name: str) -> tuple[Event, ...]:
    offer = _offer(decision.state, name)
    return (OfferOverdue(offer=offer.name, facility=offer.facility),)


def _lapsed(decision: Decision[MeetDeadline], name: str) -> tuple[Event, ...]:
    offer = _offer(decision.state, name)
    opened = moved_on(decision, name)
    return (
        OfferLapsed(
            offer=offer.name,
            facility=offer.facility,
            offers=opened.offers,
            next_destinations=opened.next_destinations,
            exhausted=is_exhausted(opened, decision.state.offers, name),
            expires_at=opened.expires_at,
        ),
    )


def _expired(decision: Decision[MeetDeadline], _: str) -> tuple[Event, ...]:
    return (*left_incomplete(decision.state), ReferralExpired())


def _cancelled(decision: Decision[MeetDeadline], _: str) -> tuple[Event, ...]:
    reason = decision.state.end_reason
    if reason is None:
        raise ValueError(f"{decision.state.name} is to be cancelled without a reason")
    return (*left_incomplete(decision.state), cancelled(decision, reason, by_deadline=True))


def _report_overdue(decision: Decision[MeetDeadline], _: str) -> tuple[Event, ...]:
    return (OutcomeReportOverdue(facility=decision.state.custodian_facility),)


def _task_missed(decision: Decision[MeetDeadline], subject: str) -> tuple[Event, ...]:
    """Visible to both facilities; whoever was to see to it hears of it."""
    state = decision.state
    task = task_named(state.rehabilitation_plan, subject.partition(":")[0])
    if task is None or task.due_at is None:
        raise ValueError(f"{state.name} has no task {subject}")
    facility = task.responsible_facility or state.custodian_facility
    if task.kind is RehabilitationTaskKind.FOLLOW_UP:
        return (FollowUpMissed(task=task.id, due_on=task.due_on, due_at=task.due_at, facility=facility),)
    return (
        TaskMissed(
            task=task.id,
            kind=task.kind,
            description=task.description,
            due_on=task.due_on,
            due_at=task.due_at,
            facility=facility,
        ),
    )


def _review_overdue(decision: Decision[MeetDeadline], _: str) -> tuple[Event, ...]:
    return review_overdue(decision.state)


def _offer(state: Referral, name: str) -> Offer:
    offer = offer_named(state, name)
    if offer is None:
        raise ValueError(f"{state.name} has no {name}")
    return offer


_MET: dict[Due, Callable[[Decision[MeetDeadline], str], tuple[Event, ...]]] = {
    Due.ACKNOWLEDGE: _overdue,
    Due.DECIDE: _lapsed,
    Due.EXPIRE: _expired,
    Due.CANCELLATION: _cancelled,
    Due.OUTCOME_REPORT: _report_overdue,
    Due.RECORD: record_overdue,
    Due.TASK: _task_missed,
    Due.REVIEW: _review_overdue,
    Due.ERROR_MARK: error_mark_lapsed,
}

#: A step after acceptance that is late: told as often as the site says.
_LATE: dict[Due, Callable[[Decision[MeetDeadline], datetime], tuple[Event, ...]]] = {
    Due.DEPARTURE: steps.departure_overdue,
    Due.ARRIVAL: steps.arrival_overdue,
    Due.NO_SHOW: steps.no_show_unresolved,
    Due.TREATMENT_START: steps.treatment_start_overdue,
    Due.TREATMENT: steps.treatment_overdue,
    Due.BED_ANSWER: steps.bed_answer_overdue,
}
