"""The steps after acceptance: until when each is due, who is late for it, and another time of arrival.

Sources: the limits are the site's (`policy.yaml`); that a silence leads somewhere, and that after departure
nothing cancels or expires by itself, is the network's rule. Where it is silent:
- what waits for people counts from receipt: what is entered late is not born overdue;
- an emergency departs within its limit, whatever arrival is expected: only transport that was arranged for a
  later departure puts that off;
- where a bed is held for the whole day of the visit, the patient may set out until that day is over;
- people are reminded at equal distances, and so often as the site says: whoever has not heard three alerts is
  not helped by a thousandth. The list of what is overdue keeps it.
"""

from datetime import datetime, timedelta
from typing import Any

from services.referral.domain.commands import MeetDeadline, UpdateArrivalEstimate
from services.referral.domain.decision import Decision
from services.referral.domain.events import (
    ArrivalEstimateChanged,
    ArrivalOverdue,
    BedAnswerOverdue,
    DepartureOverdue,
    Event,
    NoShowUnresolved,
    TreatmentOverdue,
    TreatmentStartOverdue,
)
from services.referral.domain.offering import hold_until
from services.referral.domain.offers_found import the_accepted
from services.referral.domain.referral_values import ReferralState as S
from services.referral.domain.values import Urgency


def within(decision: Decision[Any], limit_s: int) -> datetime:
    """So long from receipt."""
    return decision.context.recorded_at + timedelta(seconds=limit_s)


def departure_due(
    decision: Decision[Any], *, arrival: datetime | None, travel_minutes: int | None, planned: datetime | None
) -> datetime:
    """Until when the patient departs: as planned, as the expected arrival asks for, or by the limit."""
    terms = decision.terms
    starts = planned or (arrival and arrival - decision.policy.travel(travel_minutes))
    if starts is None:
        return within(decision, terms.departure_s)
    margin = timedelta(seconds=terms.departure_margin_s)
    late = decision.policy.end_of_day(arrival or starts) if terms.hold_whole_day else starts + margin
    late = max(late, decision.context.recorded_at + margin)
    if planned is None and decision.state.urgency is Urgency.EMERGENCY:
        return min(late, within(decision, terms.departure_s))
    return late


def arrival_due(decision: Decision[Any], arrival: datetime) -> datetime:
    """Until when the patient arrives."""
    margin = timedelta(seconds=decision.terms.arrival_margin_s)
    return max(arrival, decision.context.recorded_at) + margin


def bed_answer_due(decision: Decision[Any]) -> datetime | None:
    """Until when the bed service answers; None when no bed is asked for."""
    return None if decision.state.bed_type is None else within(decision, decision.terms.bed_answer_s)


def update_arrival(decision: Decision[UpdateArrivalEstimate]) -> tuple[Event, ...]:
    """Nothing when it is expected then already."""
    state, arrival = decision.state, decision.command.estimated_arrival_time
    if arrival == state.estimated_arrival_time:
        return ()
    offer = the_accepted(state)
    due = arrival_due(decision, arrival)
    if state.state is S.TRANSPORT_ARRANGED:
        # The plan was for another arrival: that it still holds, nobody has said.
        starts = arrival - decision.policy.travel(offer.travel_minutes)
        due = departure_due(decision, arrival=arrival, travel_minutes=offer.travel_minutes, planned=starts)
    return (
        ArrivalEstimateChanged(
            facility=offer.facility,
            previous_arrival_time=state.estimated_arrival_time,
            estimated_arrival_time=arrival,
            hold_until=hold_until(decision, arrival, offer.travel_minutes),
            next_due_at=due,
        ),
    )


def _next(decision: Decision[MeetDeadline], every_s: int) -> datetime | None:
    """When people are reminded again; None when that was the last time."""
    last = decision.state.next_step_reminders + 1 >= decision.policy.overdue_reminders_max
    return None if last else within(decision, every_s)


def _again(decision: Decision[MeetDeadline]) -> bool:
    return decision.state.next_step_reminders > 0


def departure_overdue(decision: Decision[MeetDeadline], due_at: datetime) -> tuple[Event, ...]:
    return (
        DepartureOverdue(
            facility=decision.state.origin_facility,
            due_at=due_at,
            again=_again(decision),
            next_due_at=_next(decision, decision.terms.departure_s),
        ),
    )


def arrival_overdue(decision: Decision[MeetDeadline], due_at: datetime) -> tuple[Event, ...]:
    state = decision.state
    expected = state.estimated_arrival_time
    if expected is None:
        raise ValueError(f"{state.name} is on the road and not expected")
    return (
        ArrivalOverdue(
            facility=the_accepted(state).facility,
            estimated_arrival_time=expected,
            due_at=due_at,
            again=_again(decision),
            next_due_at=_next(decision, decision.terms.arrival_margin_s),
        ),
    )


def no_show_unresolved(decision: Decision[MeetDeadline], due_at: datetime) -> tuple[Event, ...]:
    return (
        NoShowUnresolved(
            facility=decision.state.origin_facility,
            due_at=due_at,
            again=_again(decision),
            next_due_at=_next(decision, decision.terms.no_show_s),
        ),
    )


def treatment_start_overdue(decision: Decision[MeetDeadline], due_at: datetime) -> tuple[Event, ...]:
    return (
        TreatmentStartOverdue(
            facility=decision.state.custodian_facility,
            due_at=due_at,
            again=_again(decision),
            next_due_at=_next(decision, decision.terms.treatment_start_s),
        ),
    )


def treatment_overdue(decision: Decision[MeetDeadline], due_at: datetime) -> tuple[Event, ...]:
    return (
        TreatmentOverdue(
            facility=decision.state.custodian_facility,
            due_at=due_at,
            again=_again(decision),
            next_due_at=_next(decision, decision.terms.treatment_s),
        ),
    )


def bed_answer_overdue(decision: Decision[MeetDeadline], due_at: datetime) -> tuple[Event, ...]:
    state = decision.state
    return (BedAnswerOverdue(facility=the_accepted(state).facility, due_at=due_at, bed_type=state.bed_type),)
