"""The state table of a consultation: the only place that says what may follow what.

`decide` looks up its row here, `allowed_commands` and `deadlines` list rows, `evolve` takes the target.

A claim that lapses opens the question to others; it does not make a reading that is under way worthless.
Until somebody else claims, who had the claim may still report.
"""

from dataclasses import dataclass
from enum import StrEnum

from services.referral.domain import consultation_commands as commands
from services.referral.domain import consultation_events as events
from services.referral.domain.consultation_values import ConsultationState as State


class Party(StrEnum):
    """Who may take a row. All but DEADLINE are clinicians."""

    #: any clinician of the requesting facility
    REQUESTER = "REQUESTER"
    #: any clinician of the centre facility
    CENTRE = "CENTRE"
    #: any clinician of one of the two
    EITHER = "EITHER"
    #: the clinician of the centre who holds the claim, or whose claim was the last to lapse
    CLAIMER = "CLAIMER"
    #: the system, when a deadline is due
    DEADLINE = "DEADLINE"


class DeadlineKind(StrEnum):
    """What runs out."""

    #: the result is due
    RESULT = "result"
    #: the claim falls back
    CLAIM = "claim"
    #: the requester acknowledges a critical value
    CRITICAL_VALUE = "critical-value"
    #: the requester resubmits what was returned
    RESUBMISSION = "resubmission"
    #: the requester records that the expert came
    EXPERT_VISIT = "expert-visit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One line of the table."""

    #: None: nothing exists yet
    source: State | None
    command: type[commands.ConsultationCommand]
    by: Party
    event: type[events.ConsultationEvent]
    #: None: the state stays
    target: State | None
    #: which deadline takes the row, for rows taken by DEADLINE
    deadline: DeadlineKind | None = None
    #: there is such a row only after a claim has lapsed, until somebody claims again
    after_lapse: bool = False


TABLE: tuple[Row, ...] = (
    Row(
        source=None,
        command=commands.RequestConsultation,
        by=Party.REQUESTER,
        event=events.ConsultationRequested,
        target=State.REQUESTED,
    ),
    Row(
        source=State.REQUESTED,
        command=commands.ClaimConsultation,
        by=Party.CENTRE,
        event=events.ConsultationClaimed,
        target=State.CLAIMED,
    ),
    Row(
        source=State.CLAIMED,
        command=commands.ReleaseClaim,
        by=Party.CLAIMER,
        event=events.ClaimReleased,
        target=State.REQUESTED,
    ),
    Row(
        source=State.CLAIMED,
        command=commands.MeetDeadline,
        by=Party.DEADLINE,
        event=events.ClaimReleased,
        target=State.REQUESTED,
        deadline=DeadlineKind.CLAIM,
    ),
    Row(
        source=State.CLAIMED,
        command=commands.ReturnConsultation,
        by=Party.CLAIMER,
        event=events.ConsultationReturned,
        target=State.RETURNED,
    ),
    Row(
        source=State.RETURNED,
        command=commands.ResubmitConsultation,
        by=Party.REQUESTER,
        event=events.ConsultationResubmitted,
        target=State.REQUESTED,
    ),
    Row(
        source=State.CLAIMED,
        command=commands.ReportConsultation,
        by=Party.CLAIMER,
        event=events.ConsultationReported,
        target=State.REPORTED,
    ),
    Row(
        source=State.REQUESTED,
        command=commands.ReportConsultation,
        by=Party.CLAIMER,
        event=events.ConsultationReported,
        target=State.REPORTED,
        after_lapse=True,
    ),
    Row(
        source=State.REPORTED,
        command=commands.AmendReport,
        by=Party.CENTRE,
        event=events.ReportAmended,
        target=State.REPORTED,
    ),
    Row(
        source=State.REPORTED,
        command=commands.AcknowledgeCriticalValue,
        by=Party.REQUESTER,
        event=events.CriticalValueAcknowledged,
        target=None,
    ),
    Row(
        source=State.REPORTED,
        command=commands.ConfirmExpertVisit,
        by=Party.REQUESTER,
        event=events.ExpertVisitConfirmed,
        target=None,
    ),
    Row(
        source=State.REPORTED,
        command=commands.RecordExpertVisit,
        by=Party.REQUESTER,
        event=events.ExpertVisitHeld,
        target=None,
    ),
    Row(
        source=State.REPORTED,
        command=commands.CancelExpertVisit,
        by=Party.EITHER,
        event=events.ExpertVisitCancelled,
        target=None,
    ),
    Row(
        source=State.REPORTED,
        command=commands.MeetDeadline,
        by=Party.DEADLINE,
        event=events.CriticalValueOverdue,
        target=None,
        deadline=DeadlineKind.CRITICAL_VALUE,
    ),
    Row(
        source=State.REQUESTED,
        command=commands.CancelConsultation,
        by=Party.REQUESTER,
        event=events.ConsultationCancelled,
        target=State.CANCELLED,
    ),
    Row(
        source=State.RETURNED,
        command=commands.CancelConsultation,
        by=Party.REQUESTER,
        event=events.ConsultationCancelled,
        target=State.CANCELLED,
    ),
    # A returned question is the requester's to mend: the centre's promise starts anew with the resubmission.
    Row(
        source=State.RETURNED,
        command=commands.MeetDeadline,
        by=Party.DEADLINE,
        event=events.ResubmissionOverdue,
        target=None,
        deadline=DeadlineKind.RESUBMISSION,
    ),
    Row(
        source=State.REPORTED,
        command=commands.MeetDeadline,
        by=Party.DEADLINE,
        event=events.ExpertVisitOverdue,
        target=None,
        deadline=DeadlineKind.EXPERT_VISIT,
    ),
    Row(
        source=State.REQUESTED,
        command=commands.MeetDeadline,
        by=Party.DEADLINE,
        event=events.ConsultationOverdue,
        target=None,
        deadline=DeadlineKind.RESULT,
    ),
    Row(
        source=State.CLAIMED,
        command=commands.MeetDeadline,
        by=Party.DEADLINE,
        event=events.ConsultationOverdue,
        target=None,
        deadline=DeadlineKind.RESULT,
    ),
)

_TARGETS: dict[type, State | None] = {row.event: row.target for row in TABLE}
_PARTIES: dict[type, Party] = {row.command: row.by for row in TABLE}
_ROWS: dict[tuple[State | None, type], Row] = {
    (row.source, row.command): row for row in TABLE if row.by is not Party.DEADLINE
}
_DEADLINE_ROWS: dict[State, tuple[Row, ...]] = {
    state: tuple(row for row in TABLE if row.source is state and row.by is Party.DEADLINE) for state in State
}
_ALLOWED: dict[tuple[State | None, bool], tuple[str, ...]] = {
    (state, lapsed): tuple(
        row.command.__name__
        for row in TABLE
        if row.source is state and row.by is not Party.DEADLINE and (lapsed or not row.after_lapse)
    )
    for state in (None, *State)
    for lapsed in (False, True)
}

#: a question that still waits for somebody
LIVE: frozenset[State] = frozenset({State.REQUESTED, State.CLAIMED, State.RETURNED})


def row_for(source: State | None, command: type[commands.ConsultationCommand], *, lapsed: bool) -> Row | None:
    """The row that a person's command takes from `source`; None when the table has none.

    `lapsed`: a claim has lapsed, and nobody has claimed since.
    """
    row = _ROWS.get((source, command))
    return None if row is not None and row.after_lapse and not lapsed else row


def deadline_rows(source: State) -> tuple[Row, ...]:
    """The rows that deadlines take from `source`."""
    return _DEADLINE_ROWS[source]


def party_of(command: type[commands.ConsultationCommand]) -> Party:
    """Who may give the command, in whatever state."""
    return _PARTIES[command]


def next_state(source: State, event: type[events.ConsultationEvent]) -> State:
    """Where an event leads; the same for every row that gives it."""
    return _TARGETS[event] or source


def commands_allowed_in(source: State | None, *, lapsed: bool = False) -> tuple[str, ...]:
    """Names of the commands a person may give in `source`, in the order of the table."""
    return _ALLOWED[source, lapsed]
