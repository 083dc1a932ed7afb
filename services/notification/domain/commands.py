"""Commands of alerts: a person's are named as their RPC, the others are the service's own."""

from dataclasses import dataclass
from datetime import datetime

from services.notification.domain.values import (
    AcknowledgementPolicy,
    CodedReason,
    Delivery,
    EscalationStep,
    Pathway,
    Severity,
    Urgency,
)
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class TriggerAlert:
    """A rule matched an event. Given by the service; the context has the event's clinical time."""

    rule: str
    dedup_key: str
    severity: Severity
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
    escalation: tuple[EscalationStep, ...]
    cause_event_id: str
    #: a test: silent, and nobody beyond board and duty is called
    drill: bool = False
    #: no board of the facility is live
    without_board: bool = False
    #: None: anybody of those who may acknowledge stops the escalation
    acknowledgement_policy: AcknowledgementPolicy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgeAlert:
    """A person acts on it: the escalation stops."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ResolveAlert:
    """A person says why it needs no act any more."""

    reason: CodedReason


@dataclass(frozen=True, kw_only=True, slots=True)
class SettleAlert:
    """An event made it moot. Given by the service."""

    #: the event's name
    resolution: str
    cause_event_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordDelivery:
    """A channel says how far an attempt came. Given by the service."""

    delivery: Delivery


@dataclass(frozen=True, kw_only=True, slots=True)
class GoOnWithoutBoard:
    """The last board of its facility went silent. Given by the service."""

    #: users of the alert who are reached otherwise
    reached: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class GoOnUnreached:
    """Nobody of the round that was called can be reached by anything. Given by the service."""

    #: escalation that was running, from 1
    run: int
    step: int
    round: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MeetDeadline:
    """A deadline is due. Given by the deadline worker."""

    key: str


#: What may be done with an alert.
AlertCommand = (
    TriggerAlert
    | AcknowledgeAlert
    | ResolveAlert
    | SettleAlert
    | RecordDelivery
    | GoOnWithoutBoard
    | GoOnUnreached
    | MeetDeadline
)
