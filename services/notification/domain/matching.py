"""Which alerts an event triggers, and which it settles, by the rules and what is known of its subject."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.notification.domain.alert_state import Alert
from services.notification.domain.directory import Directory
from services.notification.domain.occurrence import Occurrence, elements_at, value_at
from services.notification.domain.rules import (
    CONSULTATION_CENTRE,
    PATHWAY_CENTRE,
    PATHWAY_CENTRE_FACILITY,
    Condition,
    Rule,
    RuleCatalogue,
    SettledBy,
)
from services.notification.domain.subject_state import SubjectState
from services.notification.domain.values import DutyStep, Pathway, Severity, Urgency
from services.notification.domain.wording import Wording
from services.shared.kernel.text import BilingualText

#: Rule of the alert that nobody is on duty; its dedup key is this, then the key of the unanswered alert.
NOBODY_ON_DUTY = "NOBODY_ON_DUTY"

_NO_ELEMENT: Mapping[str, object] = {}
_READING_KINDS = ("ECG", "IMAGING", "LAB")


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the rules see beside the event."""

    #: after the event
    subject: SubjectState
    directory: Directory


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertIntent:
    """An alert that an event asks for; who is called is not fixed yet."""

    rule: str
    #: the event's name
    event_type: str
    dedup_key: str
    severity: Severity
    facility: str
    role: str
    first_step: DutyStep
    pathway: Pathway | None
    urgency: Urgency | None
    subject: str
    episode: str
    title: BilingualText
    body: BilingualText
    action: str
    act_by: datetime | None
    cause_event_id: str
    #: clinical time of the event
    occurred_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Settlement:
    """Alerts that an event makes moot: all of `subject`, or those of `rule`, or the one with `dedup_key`."""

    subject: str
    rule: str
    dedup_key: str
    #: the event's name
    resolution: str
    cause_event_id: str

    def covers(self, alert: Alert) -> bool:
        """Whether it makes `alert` moot; that nobody was on duty for an alert is moot with it."""
        key = alert.dedup_key
        if alert.rule == NOBODY_ON_DUTY:
            key = key.removeprefix(f"{NOBODY_ON_DUTY}/")
        if alert.subject != self.subject:
            return False
        if self.dedup_key:
            return key == self.dedup_key
        return not self.rule or key.startswith(f"{self.rule}/")


def triggered(occurrence: Occurrence, catalogue: RuleCatalogue, facts: Facts) -> tuple[AlertIntent, ...]:
    """The alerts that an event asks for, in the order of the rules; no dedup key twice."""
    intents: dict[str, AlertIntent] = {}
    for rule in catalogue.rules:
        if rule.aggregate != occurrence.aggregate_kind or occurrence.event_type not in rule.events:
            continue
        for element in elements_at(occurrence.fields, _rest(rule.each)) if rule.each else (_NO_ELEMENT,):
            scope = _Scope(occurrence=occurrence, subject=facts.subject, element=element)
            if scope.holds(rule.when, rule.unless):
                intent = _intent(rule, scope, facts, catalogue)
                if intent is not None:
                    intents.setdefault(intent.dedup_key, intent)
    return tuple(intents.values())


def settled(occurrence: Occurrence, catalogue: RuleCatalogue) -> tuple[Settlement, ...]:
    """What an event makes moot. To be carried out before what it triggers."""
    found: dict[Settlement, None] = {}
    if occurrence.event_type in catalogue.settle_all.get(occurrence.aggregate_kind, ()):
        found[_settlement(occurrence, subject=occurrence.aggregate_id)] = None
    for rule in catalogue.rules:
        for settled_by in rule.settled_by:
            settlement = _settles(occurrence, rule, settled_by)
            if settlement is not None:
                found[settlement] = None
    return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scope:
    """What a rule's paths are looked up in."""

    occurrence: Occurrence
    #: None where the event alone must say
    subject: SubjectState | None
    element: Mapping[str, object]

    def value(self, path: str) -> object:
        root, _, rest = path.partition(".")
        match root:
            case "event":
                return value_at(self.occurrence.fields, rest)
            case "each":
                return value_at(self.element, rest)
            case _:
                return getattr(self.subject, rest) if self.subject else None

    def text(self, path: str) -> str:
        found = self.value(path)
        return found if isinstance(found, str) else ""

    def holds(self, when: tuple[Condition, ...], unless: tuple[Condition, ...] = ()) -> bool:
        return all(map(self._meets, when)) and not any(map(self._meets, unless))

    def _meets(self, condition: Condition) -> bool:
        found = self.value(condition.path)
        if found is None:
            return any(value is False or value == "" for value in condition.values)
        return found in condition.values


def _intent(rule: Rule, scope: _Scope, facts: Facts, catalogue: RuleCatalogue) -> AlertIntent | None:
    """None when nobody knows whose it is to act, as the event names no such facility; and out of reach."""
    occurrence = scope.occurrence
    facility = _facility(rule, scope, facts, catalogue)
    if not facility:
        return None
    about = scope.text(rule.subject) if rule.subject else occurrence.aggregate_id
    # Of a subject whose urgency is not known the worst is assumed.
    urgency = facts.subject.urgency or Urgency.EMERGENCY
    act_by = _act_by(rule, scope)
    wording = Wording(
        occurrence=occurrence,
        subject=facts.subject,
        directory=facts.directory,
        about=about,
        facility=facility,
        act_by=act_by,
        utc_offset_minutes=catalogue.utc_offset_minutes,
    )
    role = called_role(rule.role[urgency], facts.subject, catalogue)
    if not rule.only.covers(
        event=occurrence.event_type,
        pathway=facts.subject.pathway,
        urgency=urgency,
        facility=facility,
        role=role,
    ):
        return None
    return AlertIntent(
        rule=rule.code,
        event_type=occurrence.event_type,
        dedup_key=_dedup_key(rule, scope, about, facility),
        severity=rule.severity[urgency],
        facility=facility,
        role=role,
        first_step=rule.first_step,
        pathway=facts.subject.pathway,
        urgency=facts.subject.urgency,
        subject=about,
        episode=facts.subject.episode,
        title=wording.render(rule.title),
        body=wording.render(rule.body),
        action=rule.action,
        act_by=act_by,
        cause_event_id=occurrence.event_id,
        occurred_at=occurrence.occurred_at,
    )


def _facility(rule: Rule, scope: _Scope, facts: Facts, catalogue: RuleCatalogue) -> str:
    if rule.facility != PATHWAY_CENTRE_FACILITY:
        return scope.text(rule.facility)
    return centre_facility(facts, catalogue)


def centre_facility(facts: Facts, catalogue: RuleCatalogue) -> str:
    """Where the requester finds the centre of the case's pathway."""
    subject = facts.subject
    capability = catalogue.centres[subject.pathway or Pathway.GENERAL]
    asking = subject.requesting_facility or subject.origin_facility
    return facts.directory.nearest_centre(asking, capability, preferred=subject.centre_facility)


def called_role(expression: str, subject: SubjectState, catalogue: RuleCatalogue) -> str:
    """The role of a roster that an expression means for a case."""
    if expression == CONSULTATION_CENTRE and subject.consultation_kind in _READING_KINDS:
        return subject.consultation_kind
    if expression in (PATHWAY_CENTRE, CONSULTATION_CENTRE):
        return catalogue.centres[subject.pathway or Pathway.GENERAL]
    return expression


def _act_by(rule: Rule, scope: _Scope) -> datetime | None:
    if rule.act_within is not None:
        # A record that is entered late leaves people as long as any other.
        return scope.occurrence.recorded_at + timedelta(seconds=rule.act_within.seconds)
    found = scope.value(rule.act_by) if rule.act_by else None
    return found if isinstance(found, datetime) else None


def _dedup_key(rule: Rule, scope: _Scope, about: str, facility: str) -> str:
    return rule.dedup.format_map(
        {
            "rule": rule.code,
            "subject": about,
            "facility": facility,
            "offer": scope.text("each.name") or scope.text("event.offer"),
            "hold": scope.text("event.hold.name"),
            "task": scope.text("event.task"),
            "bed": scope.text("event.bed"),
        }
    )


def _settles(occurrence: Occurrence, rule: Rule, settled_by: SettledBy) -> Settlement | None:
    if (settled_by.aggregate, settled_by.event) != (occurrence.aggregate_kind, occurrence.event_type):
        return None
    scope = _Scope(occurrence=occurrence, subject=None, element=_NO_ELEMENT)
    if not scope.holds(settled_by.when):
        return None
    path = settled_by.subject or (rule.subject if settled_by.aggregate == rule.aggregate else "")
    about = scope.text(path) if path else occurrence.aggregate_id
    if not about:
        return None
    key = _dedup_key(rule, scope, about, scope.text("event.facility")) if settled_by.exact else ""
    return _settlement(occurrence, subject=about, rule=rule.code, dedup_key=key)


def _settlement(occurrence: Occurrence, *, subject: str, rule: str = "", dedup_key: str = "") -> Settlement:
    return Settlement(
        subject=subject,
        rule=rule,
        dedup_key=dedup_key,
        resolution=occurrence.event_type,
        cause_event_id=occurrence.event_id,
    )


def _rest(path: str) -> str:
    return path.partition(".")[2]
