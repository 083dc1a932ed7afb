"""Events of alerts, with the fields of `alert_events.proto`."""

from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.values import (
    AcknowledgementPolicy,
    AlertCall,
    CodedReason,
    Delivery,
    EscalationStep,
    Pathway,
    Severity,
    Urgency,
)
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertTriggered:
    """Somebody must act; the first step is being called."""

    rule: str
    dedup_key: str
    severity: Severity
    facility: str
    role: str
    pathway: Pathway | None
    urgency: Urgency | None
    subject: str
    episode: str
    title: BilingualText
    body: BilingualText
    action: str
    act_by: datetime | None
    escalation: tuple[EscalationStep, ...]
    #: None when nobody is called again
    next_call_at: datetime | None
    cause_event_id: str
    deliveries: tuple[Delivery, ...]
    #: whom to call now
    calls: tuple[AlertCall, ...] = ()
    #: a test: silent, and nobody beyond board and duty is called
    drill: bool = False
    #: no board of the facility was live
    without_board: bool = False
    #: None: anybody of those who may acknowledge stops the escalation
    acknowledgement_policy: AcknowledgementPolicy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertRetriggered:
    """The same thing again: the escalation starts over, with those who are on duty now."""

    cause_event_id: str
    next_call_at: datetime | None
    deliveries: tuple[Delivery, ...]
    title: BilingualText
    body: BilingualText
    act_by: datetime | None
    escalation: tuple[EscalationStep, ...]
    #: whom to call now
    calls: tuple[AlertCall, ...] = ()
    #: no board of the facility was live
    without_board: bool = False
    #: None: anybody of those who may acknowledge stops the escalation
    acknowledgement_policy: AcknowledgementPolicy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertEscalated:
    """A call went unanswered: the same step again, or the next one."""

    escalation_step: int
    escalation_round: int
    #: None when nobody is left to call
    next_call_at: datetime | None
    deliveries: tuple[Delivery, ...]
    #: nobody is left to call
    exhausted: bool = False
    #: whom to call now
    calls: tuple[AlertCall, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertAcknowledged:
    """Everybody who must acts; the metadata says who was the last, and when."""

    #: for which the last of them answers
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgementGiven:
    """One of several who must acknowledge has; the metadata says who and when."""

    #: for which they answer
    roles: tuple[str, ...]
    missing_roles: tuple[str, ...]
    #: how many more must, whoever they are
    missing_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertResolved:
    """It needs no act any more."""

    #: an event's name, or the code of a person's reason
    resolution: str
    #: None when an event settled it
    reason: CodedReason | None = None
    #: empty when a person resolved it
    cause_event_id: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeliveryRecorded:
    """An attempt came further, or one was made by a channel that is not built in."""

    delivery: Delivery
