"""Decisions on the record: what a referral begins with, its completion, and the passing of its limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.referral.domain.commands import CompleteRecord, CreateReferral, MeetDeadline
from services.referral.domain.decision import Decision
from services.referral.domain.events import Event, RecordCompleted, RecordLeftIncomplete, RecordOverdue
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.record_contents import (
    absent,
    completed_record,
    completed_summary,
    missing_elements,
    replaced_elements,
)
from services.referral.domain.record_faults import Today, fault, record_faults
from services.referral.domain.record_values import TransferRecord
from services.referral.domain.referral_state import Referral
from services.referral.domain.referral_values import ClinicalSummary
from services.referral.domain.values import Direction, Pathway, Urgency
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FieldViolation


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordStart:
    """How complete a record is when its referral begins."""

    missing_elements: tuple[str, ...]
    #: for a record that begins incomplete and has a limit
    record_due_at: datetime | None


def record_start(
    *,
    record: TransferRecord | None,
    summary: ClinicalSummary,
    direction: Direction,
    urgency: Urgency,
    pathway: Pathway,
    recorded_at: datetime,
    policy: ReferralPolicy,
) -> RecordStart:
    """The limit counts from receipt: nobody is late for what the platform did not know of."""
    missing = missing_elements(record, summary, direction, policy.record)
    limit_s = policy.record_limit_s(urgency, pathway)
    if not missing or limit_s is None:
        return RecordStart(missing_elements=missing, record_due_at=None)
    return RecordStart(missing_elements=missing, record_due_at=recorded_at + timedelta(seconds=limit_s))


def creation_faults(
    command: CreateReferral, context: CommandContext, policy: ReferralPolicy
) -> list[FieldViolation]:
    """What is wrong in the record of a new referral, and what it cannot be created without."""
    summary = command.clinical_summary
    found = record_faults(command.record, summary, _today(context, policy), policy.record)
    required = policy.record.required(command.urgency)
    return found + _required(absent(required, command.record, summary))


def _required(elements: Sequence[str]) -> list[FieldViolation]:
    needed = "is needed to create a referral of this urgency"
    return [fault(element, "REQUIRED", needed) for element in elements]


def completion_faults(decision: Decision[CompleteRecord]) -> list[FieldViolation]:
    """What would be wrong in the record after it; and, but for the origin, what would be replaced."""
    state, command = decision.state, decision.command
    today = _today(decision.context, decision.policy)
    after = completed_record(state.record, command.record)
    summary = completed_summary(state.clinical_summary, command.clinical_summary)
    found = record_faults(after, summary, today, decision.policy.record)
    if decision.facility != state.origin_facility:
        replaced = replaced_elements(
            state.record, state.clinical_summary, command.record, command.clinical_summary
        )
        kept = "is recorded, and the origin's to change"
        found += [fault(path, "RECORDED_BY_ORIGIN", kept) for path in replaced]
    return found


def complete_record(decision: Decision[CompleteRecord]) -> tuple[Event, ...]:
    """Late is what is received after the limit. Nothing follows when nothing is new."""
    state, command = decision.state, decision.command
    record = completed_record(state.record, command.record)
    summary = completed_summary(state.clinical_summary, command.clinical_summary)
    if record == state.record and summary == state.clinical_summary:
        return ()
    due_at = state.record_due_at
    return (
        RecordCompleted(
            facility=decision.facility,
            record=record,
            clinical_summary=summary,
            missing_elements=missing_elements(record, summary, state.direction, decision.policy.record),
            late=due_at is not None and decision.context.recorded_at > due_at,
        ),
    )


def record_overdue(decision: Decision[MeetDeadline], _: str) -> tuple[Event, ...]:
    """The origin is to complete it: it wrote the record."""
    state = decision.state
    return (RecordOverdue(facility=state.origin_facility, missing_elements=state.missing_elements),)


def left_incomplete(state: Referral) -> tuple[Event, ...]:
    """What goes before the end of a referral whose record was to be completed: nobody can do it any more."""
    if state.record_due_at is None or not state.missing_elements:
        return ()
    return (RecordLeftIncomplete(facility=state.origin_facility, missing_elements=state.missing_elements),)


def _today(context: CommandContext, policy: ReferralPolicy) -> Today:
    now = max(context.occurred_at, context.recorded_at)
    return Today(now=now, day=policy.day_of(now))
