"""An alert's state and what follows from it alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.domain.values import (
    Acknowledgement,
    AcknowledgementPolicy,
    AlertState,
    CodedReason,
    Delivery,
    EscalationStep,
    Pathway,
    Severity,
    Urgency,
)
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import Deadline
from services.shared.kernel.ids import resource_name
from services.shared.kernel.text import BilingualText

#: Key of an alert's only deadline. It is open again, later, after each call, until the policy is exhausted.
ESCALATE = "escalate"

#: Fields of the state that the resource does not show.
INTERNAL_FIELDS = frozenset({"called_facilities"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Alert:
    """Something a named person must act on, escalated until somebody does. 提醒"""

    #: `alerts/{uuid}`
    name: str
    version: int
    state: AlertState
    #: code of the rule that triggered it
    rule: str
    dedup_key: str
    severity: Severity
    #: facility whose people must act
    facility: str
    role: str
    pathway: Pathway | None
    urgency: Urgency | None
    #: the referral, consultation or ward that it is about
    subject: str
    episode: str
    title: BilingualText
    body: BilingualText
    #: command that settles it; empty when it is only to be known
    action: str
    act_by: datetime | None
    #: clinical time of the event that triggered it
    occurred_at: datetime
    triggered_at: datetime
    acknowledged_at: datetime | None = None
    acknowledged_by: Actor | None = None
    #: clinical time of the acknowledgement
    acknowledge_time: datetime | None = None
    resolved_at: datetime | None = None
    #: an event's name, or the code of a person's reason
    resolution: str = ""
    resolution_reason: CodedReason | None = None
    #: fixed when it was triggered
    escalation: tuple[EscalationStep, ...] = ()
    #: step that is calling now, from 0
    escalation_step: int = 0
    #: calls made in this step
    escalation_round: int = 0
    #: None when nobody is called any more
    next_call_at: datetime | None = None
    #: every step was called in vain
    escalation_exhausted: bool = False
    deliveries: tuple[Delivery, ...] = ()
    #: event that triggered it last
    cause_event_id: str = ""
    #: facilities whose rosters named somebody who was called, in the order of their first call
    called_facilities: tuple[str, ...] = ()
    #: escalations so far: one more each time that it is triggered again
    escalation_run: int = 1
    #: a test: silent, and nobody beyond board and duty is called
    drill: bool = False
    #: no board of the facility was live when it was triggered last
    without_board: bool = False
    #: fixed when it was triggered; None is anybody
    acknowledgement_policy: AcknowledgementPolicy | None = None
    #: since it was last triggered
    acknowledgements: tuple[Acknowledgement, ...] = ()
    #: roles of which nobody has acknowledged yet, though each must
    missing_roles: tuple[str, ...] = ()
    #: how many more must acknowledge, whoever they are
    missing_count: int = 1


def alert_name(dedup_key: str, latest: Alert | None) -> str:
    """The name under which an alert with this key is to be triggered now.

    `latest` is the latest alert with the key, or None when there was none. A live one keeps its name; after
    a resolved one the new name follows from the old, so that the same history always gives the same names
    and at most one alert with a key is open.
    """
    if latest is None:
        return resource_name("alerts", dedup_key)
    if latest.state is AlertState.RESOLVED:
        return resource_name("alerts", dedup_key, latest.name)
    return latest.name


def allowed_commands(state: Alert) -> tuple[str, ...]:
    """What a person may do with it now."""
    match state.state:
        case AlertState.TRIGGERED:
            return ("AcknowledgeAlert", "ResolveAlert")
        case AlertState.ACKNOWLEDGED:
            return ("ResolveAlert",)
        case AlertState.RESOLVED:
            return ()


def deadlines(state: Alert) -> tuple[Deadline, ...]:
    """The next call, while nobody has answered."""
    if state.state is not AlertState.TRIGGERED or state.next_call_at is None:
        return ()
    return (Deadline(key=ESCALATE, due_at=state.next_call_at),)


def parties(state: Alert) -> tuple[str, ...]:
    """Facilities that may read it: its own, and those whose people were called."""
    return tuple(dict.fromkeys((state.facility, *state.called_facilities)))


def facets(state: Alert) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {
        "parties": list(parties(state)),
        "live": state.state is not AlertState.RESOLVED,
        "state": state.state.value,
        "severity": state.severity.value,
        "rule": state.rule,
        "dedup_key": state.dedup_key,
        "facility": state.facility,
        "role": state.role,
        "subject": state.subject,
        "episode": state.episode,
    }


def response_time(state: Alert) -> timedelta | None:
    """From the clinical time of what happened to that of the acknowledgement; None while there is none.

    Never negative: where two facilities' clocks disagree by more than the answer took, it is zero.
    """
    if state.acknowledge_time is None:
        return None
    return max(state.acknowledge_time - state.occurred_at, timedelta(0))
