"""Decisions on a referral that is called an error: one word, two, and the first taken back or lapsed."""

from datetime import timedelta

from services.referral.domain.commands import MarkEnteredInError, MeetDeadline, WithdrawErrorMark
from services.referral.domain.decision import Decision
from services.referral.domain.events import (
    EnteredInError,
    ErrorMarkLapsed,
    ErrorMarkRequested,
    ErrorMarkWithdrawn,
    Event,
)
from services.referral.domain.guard_conditions import standing_mark


def mark_entered_in_error(decision: Decision[MarkEnteredInError]) -> tuple[Event, ...]:
    """Once it was accepted, it takes two persons: the origin's word, and another's that confirms it."""
    state, context = decision.state, decision.context
    if not state.was_accepted:
        return (EnteredInError(reason=decision.command.reason),)
    mark = standing_mark(state, context.recorded_at)
    if mark is not None:
        return (EnteredInError(reason=mark.reason, second_approver=context.actor.user),)
    return (
        ErrorMarkRequested(
            reason=decision.command.reason,
            requested_by=context.actor.user,
            facility=context.actor.facility,
            confirm_by=context.recorded_at + timedelta(seconds=decision.policy.error_mark_s),
            destination_facility=state.destination_facility,
        ),
    )


def withdraw_error_mark(decision: Decision[WithdrawErrorMark]) -> tuple[Event, ...]:
    """Raises ValueError without a word that stands: the table's guard asks for one."""
    state, context = decision.state, decision.context
    mark = standing_mark(state, context.recorded_at)
    if mark is None:
        raise ValueError(f"nobody calls {state.name} an error")
    return (
        ErrorMarkWithdrawn(
            facility=context.actor.facility,
            requested_by=mark.requested_by,
            destination_facility=state.destination_facility,
        ),
    )


def error_mark_lapsed(decision: Decision[MeetDeadline], _: str) -> tuple[Event, ...]:
    """Raises ValueError where nobody calls it an error: the deadline comes of the word."""
    state = decision.state
    mark = state.error_mark
    if mark is None:
        raise ValueError(f"nobody calls {state.name} an error")
    return (
        ErrorMarkLapsed(
            facility=mark.facility,
            requested_by=mark.requested_by,
            destination_facility=state.destination_facility,
        ),
    )
