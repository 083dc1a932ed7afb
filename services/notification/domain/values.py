"""What alerts and rosters are made of, with the names and fields of `tierlink.notification.v1`."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.shared.kernel.actor import Actor

#: The channel that is built in: board and gRPC stream show an alert at once, whatever else calls.
STREAM_CHANNEL = "stream"


class Urgency(StrEnum):
    """急诊, 紧急, 常规."""

    EMERGENCY = "EMERGENCY"
    URGENT = "URGENT"
    ROUTINE = "ROUTINE"


class Pathway(StrEnum):
    """The clinical pathway that a referral or consultation follows."""

    GENERAL = "GENERAL"
    STROKE = "STROKE"
    CHEST_PAIN = "CHEST_PAIN"
    TRAUMA = "TRAUMA"
    MATERNAL = "MATERNAL"
    NEONATAL = "NEONATAL"
    CRITICAL_CARE = "CRITICAL_CARE"
    HEMODIALYSIS = "HEMODIALYSIS"
    REHABILITATION = "REHABILITATION"
    DAY_SURGERY = "DAY_SURGERY"


class AlertState(StrEnum):
    """Where an alert stands (docs/domain.md, Alerts)."""

    #: nobody has answered: those on duty are called
    TRIGGERED = "TRIGGERED"
    #: somebody acts; no more calls, still on the board
    ACKNOWLEDGED = "ACKNOWLEDGED"
    #: moot, by an event or by a person's reason
    RESOLVED = "RESOLVED"


class Severity(StrEnum):
    """How loud an alert is."""

    #: seconds count: red and loud
    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    #: to be known; nobody is called twice
    INFORMATION = "INFORMATION"


class DeliveryOutcome(StrEnum):
    """How far one attempt to reach one recipient came."""

    SENT = "SENT"
    DELIVERED = "DELIVERED"
    SEEN = "SEEN"
    ACTED = "ACTED"
    FAILED = "FAILED"


class DutyStep(StrEnum):
    """Whom an escalation calls, in this order. Rosters name all but the fallback."""

    DUTY = "duty"
    BACKUP = "backup"
    LEAD = "lead"
    COORDINATOR = "coordinator"
    FALLBACK = "fallback"


@dataclass(frozen=True, kw_only=True, slots=True)
class CodedReason:
    """A reason by the site's code, with the words of the person who gave it."""

    code: str
    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AcknowledgementPolicy:
    """Whose acknowledgements stop an escalation: so many people, or one of each role."""

    #: different people; 0 where roles are named
    count: int = 1
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledgement:
    """That one person acts on it."""

    actor: Actor
    acknowledged_at: datetime
    #: clinical time
    acknowledge_time: datetime
    #: roles for which they answer, of those that were missing
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """A person who is called."""

    user: str
    name: str
    #: channels to call by; the board and the stream always show the alert
    channels: tuple[str, ...] = ()
    #: roles for which they are called
    roles: tuple[str, ...] = ()
    #: facility whose roster names them; empty for a fallback that is of none
    facility: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class EscalationStep:
    """Whom to call, how often, and how long before the next step."""

    #: a DutyStep
    duty: str
    #: facility whose roster names them; empty for a fallback that is of none
    facility: str
    recipients: tuple[Recipient, ...]
    #: seconds between two calls; 0 calls once and waits for nobody
    repeat_s: int
    #: calls before the next step
    rounds: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One attempt to reach one recipient."""

    #: the recipient's user
    recipient: str
    channel: str
    outcome: DeliveryOutcome
    attempted_at: datetime
    #: step of the escalation, from 0
    step: int
    #: call within the step, from 1
    round: int
    detail: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertCall:
    """That one person is to be called now, by these channels."""

    #: UUID; the same however often it is worked out
    id: str
    #: their user
    recipient: str
    name: str
    channels: tuple[str, ...]
    #: escalation that is running, from 1
    run: int
    #: from 0
    step: int
    #: from 1
    round: int
    #: a DutyStep
    duty: str
    #: facility whose roster names them; empty for a fallback that is of none
    facility: str
    roles: tuple[str, ...]
    called_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Duty:
    """Who is on duty for a role of a facility."""

    facility: str
    #: role or centre that is called, such as STROKE or bed_desk; `*` for every role that names nobody
    role: str
    #: a DutyStep, but not the fallback
    step: str
    user: str
    name: str
    #: inclusive; None for no beginning
    starts_at: datetime | None = None
    #: exclusive; None for no end
    ends_at: datetime | None = None
    channels: tuple[str, ...] = ()
    #: None for every pathway that has no duty of its own
    pathway: Pathway | None = None
    #: place among several people of a step, from 1, for shifts over rotations; 0 for plain duties
    seat: int = 0
