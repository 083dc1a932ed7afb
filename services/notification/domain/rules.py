"""Rules as data: which event is whose to act on. The site's rules file is read into these values."""

from collections.abc import Mapping
from dataclasses import dataclass

from services.notification.domain.values import (
    AcknowledgementPolicy,
    DutyStep,
    Pathway,
    Recipient,
    Severity,
    Urgency,
)
from services.shared.kernel.text import BilingualText

#: Role expressions that depend on the case; every other role is called as it stands.
PATHWAY_CENTRE = "pathway_centre"
CONSULTATION_CENTRE = "consultation_centre"

#: Facility expression for where the requester finds the pathway's centre; the others are paths.
PATHWAY_CENTRE_FACILITY = "pathway_centre"

#: In a policy: the role that the rule calls.
RULE_ROLE = "role"

#: What a dedup key may be made of. It begins with rule and subject, so that two patients never share one.
DEDUP_PLACEHOLDERS = frozenset({"rule", "subject", "offer", "hold", "task", "bed", "facility"})
DEDUP_BEGINNING = "{rule}/{subject}"

#: What a text may be made of: nothing of it can name a patient.
TEXT_PLACEHOLDERS = frozenset(
    {
        *("case", "pathway", "urgency", "kind"),
        *("facility", "origin", "destination", "requesting", "centre", "sender"),
        *("occurred", "eta", "act_by", "due"),
        *("reason", "ward", "bed"),
    }
)

#: What the text of the alert that nobody is on duty may be made of.
UNSTAFFED_PLACEHOLDERS = frozenset({"case", "pathway", "urgency", "facility", "role"})

Scalar = str | bool | int


@dataclass(frozen=True, kw_only=True, slots=True)
class Condition:
    """Holds when what lies at `path` is one of `values`; what is unset counts as false, and as empty."""

    #: rooted in `event`, `subject` or `each`
    path: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SettledBy:
    """An event that makes a rule's alerts moot."""

    #: such as `ReferralAccepted`
    event: str
    #: kind of the aggregate that the event is of
    aggregate: str
    #: only the alert whose dedup key the event gives; otherwise each of the rule and subject
    exact: bool = False
    #: path to the alert's subject in the event; empty when it is that of the rule
    subject: str = ""
    when: tuple[Condition, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class ActWithin:
    """When the act is due, where the event does not say."""

    seconds: int
    #: where the number comes from, and how sure that is: A, B or C (docs/facts.md)
    source: str
    confidence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """Which alerts something is for; what is empty is for all."""

    events: tuple[str, ...] = ()
    pathways: tuple[Pathway, ...] = ()
    urgencies: tuple[Urgency, ...] = ()
    #: ids of those whose people must act
    facilities: tuple[str, ...] = ()
    #: as they are called: a centre by its capability, such as STROKE
    roles: tuple[str, ...] = ()

    def covers(
        self, *, event: str, pathway: Pathway | None, urgency: Urgency, facility: str, role: str
    ) -> bool:
        """Whether an alert is one of them."""
        return (
            (not self.events or event in self.events)
            and (not self.pathways or pathway in self.pathways)
            and (not self.urgencies or urgency in self.urgencies)
            and (not self.facilities or facility in self.facilities)
            and (not self.roles or role in self.roles)
        )


EVERYWHERE = Reach()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One event, one kind of alert."""

    #: such as OFFER
    code: str
    aggregate: str
    #: names of the events that trigger it
    events: tuple[str, ...]
    #: path to a repeated field: one alert for each element; empty for one alert
    each: str
    when: tuple[Condition, ...]
    #: none of these may hold
    unless: tuple[Condition, ...]
    #: which of the alerts that it asks for are triggered
    only: Reach
    #: path to the facility whose people must act, or PATHWAY_CENTRE_FACILITY
    facility: str
    role: Mapping[Urgency, str]
    severity: Mapping[Urgency, Severity]
    #: whom to call first
    first_step: DutyStep
    #: path to what the alert is about; empty for the event's aggregate
    subject: str
    title: BilingualText
    body: BilingualText
    #: command that settles it; empty when it is only to be known
    action: str
    #: path to the time until which to act; empty when there is none
    act_by: str
    act_within: ActWithin | None
    dedup: str
    settled_by: tuple[SettledBy, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class EscalationTiming:
    """An escalation policy: whom to call in which order, how often, and who must acknowledge."""

    #: in order; a rule may begin later
    steps: tuple[DutyStep, ...]
    #: seconds between two calls; 0 calls the first step that has somebody once
    repeat_s: int
    #: calls before the next step
    rounds: int
    #: nobody on duty is itself an alert
    must_be_staffed: bool
    #: None: anybody of those who may; RULE_ROLE stands for the role that the rule calls
    acknowledgements: AcknowledgementPolicy | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyRow:
    """Which alerts are escalated by a named policy, instead of by that of their severity."""

    policy: str
    #: codes; empty for every rule
    rules: tuple[str, ...] = ()
    reach: Reach = EVERYWHERE


@dataclass(frozen=True, kw_only=True, slots=True)
class Fallback:
    """Who is called when nobody else is left."""

    #: empty when they are of no facility
    facility: str
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RuleCatalogue:
    """The site's rules file."""

    rules: tuple[Rule, ...]
    #: events that settle every alert of their aggregate, by kind of aggregate
    settle_all: Mapping[str, tuple[str, ...]]
    #: capability of each pathway's centre, which is also the role that is called there
    centres: Mapping[Pathway, str]
    escalation: Mapping[Severity, EscalationTiming]
    fallback: Fallback
    #: texts of the alert that nobody is on duty
    unstaffed_title: BilingualText
    unstaffed_body: BilingualText
    #: of the local time in texts
    utc_offset_minutes: int
    #: beside those of the severities, by name
    policies: Mapping[str, EscalationTiming]
    #: the first that covers an alert says its policy
    policy_rows: tuple[PolicyRow, ...]
