"""What events change in the step after acceptance that is due next, and in who is late for it."""

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Any

from services.referral.domain import events as e
from services.referral.domain.fold_offers import Changes
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import ReferralState
from services.shared.kernel.actor import Role
from services.shared.kernel.command import EventMetadata

#: What the events say of the next step's limit.
_DUE: dict[type[e.Event], Callable[[Any], datetime | None]] = {
    e.ReferralAccepted: attrgetter("departure_due_at"),
    e.TransportArranged: attrgetter("departure_due_at"),
    e.PatientDeparted: attrgetter("arrival_due_at"),
    e.PatientDiverted: attrgetter("arrival_due_at"),
    e.ArrivalEstimateChanged: attrgetter("next_due_at"),
    e.PatientNoShow: attrgetter("follow_up_due_at"),
    e.PatientArrived: attrgetter("treatment_start_due_at"),
    e.TreatmentStarted: attrgetter("treatment_due_at"),
}


def next_step(state: Referral, event: e.Event, after: ReferralState) -> Changes:
    """The limit that begins with the event. One that is left behind with its state is over."""
    due = _DUE.get(type(event))
    if due is not None:
        return {"next_step_due_at": due(event), "next_step_reminders": 0}
    if isinstance(event, e.StepOverdue):
        return {
            "next_step_due_at": event.next_due_at,
            "next_step_reminders": state.next_step_reminders + 1,
        }
    return {} if after is state.state else {"next_step_due_at": None, "next_step_reminders": 0}


def carried_by(metadata: EventMetadata, named: str = "") -> Changes:
    """The ambulance service that is named, else the one that acts, takes part from then on."""
    actor = metadata.actor
    if named:
        return {"ambulance_facility": named}
    if actor.facility and actor.has_role(Role.AMBULANCE):
        return {"ambulance_facility": actor.facility}
    return {}


def _reminded(state: Referral, event: e.StepOverdue, _: EventMetadata) -> Changes:
    """`next_step` says it all."""
    return {}


def _arrival_overdue(state: Referral, event: e.ArrivalOverdue, _: EventMetadata) -> Changes:
    return {"arrival_overdue": True}


def _bed_answer_overdue(state: Referral, event: e.BedAnswerOverdue, _: EventMetadata) -> Changes:
    return {"bed_answer_overdue": True}


def _estimate_changed(state: Referral, event: e.ArrivalEstimateChanged, metadata: EventMetadata) -> Changes:
    return {
        "estimated_arrival_time": event.estimated_arrival_time,
        "hold_until": event.hold_until,
        "arrival_overdue": False,
        **carried_by(metadata),
    }


STEPS: dict[type[e.Event], Callable[[Referral, Any, EventMetadata], Changes]] = {
    e.DepartureOverdue: _reminded,
    e.ArrivalOverdue: _arrival_overdue,
    e.NoShowUnresolved: _reminded,
    e.TreatmentStartOverdue: _reminded,
    e.TreatmentOverdue: _reminded,
    e.BedAnswerOverdue: _bed_answer_overdue,
    e.ArrivalEstimateChanged: _estimate_changed,
}
