"""Rules as data: which event is whose to act on. The site's rules file is read into these values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from string import Formatter

from services.notification.domain.subject_state import SubjectState
from services.notification.domain.values import DutyStep, Pathway, Recipient, Severity, Urgency
from services.shared.kernel.text import BilingualText

#: Role expressions that depend on the case; every other role is called as it stands.
PATHWAY_CENTRE = "pathway_centre"
CONSULTATION_CENTRE = "consultation_centre"

#: Facility expression for where the requester finds the pathway's centre; the others are paths.
PATHWAY_CENTRE_FACILITY = "pathway_centre"

#: What a dedup key may be made of. It begins with rule and subject, so that two patients never share one.
DEDUP_PLACEHOLDERS = frozenset({"rule", "subject", "offer", "hold", "task", "bed", "facility"})
_DEDUP_BEGINNING = "{rule}/{subject}"

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
    """How alerts of one severity are called."""

    #: in order; a rule may begin later
    steps: tuple[DutyStep, ...]
    #: seconds between two calls; 0 calls the first step that has somebody once
    repeat_s: int
    #: calls before the next step
    rounds: int
    #: nobody on duty is itself an alert
    must_be_staffed: bool


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


def defects(catalogue: RuleCatalogue) -> tuple[str, ...]:
    """Everything that is wrong with a catalogue, so that it is told at once; empty when it is sound."""
    found: list[str] = []
    codes = [rule.code for rule in catalogue.rules]
    found.extend(f"{code}: there are two rules of this code" for code in codes if codes.count(code) > 1)
    for rule in catalogue.rules:
        found.extend(f"{rule.code}: {defect}" for defect in _rule_defects(rule))
    for name, text in (("title", catalogue.unstaffed_title), ("body", catalogue.unstaffed_body)):
        found.extend(
            f"unstaffed: {defect}" for defect in _template_defects(name, text, UNSTAFFED_PLACEHOLDERS)
        )
    found.extend(f"centres: {pathway} is missing" for pathway in Pathway if pathway not in catalogue.centres)
    for severity in Severity:
        timing = catalogue.escalation.get(severity)
        if timing is None:
            found.append(f"escalation: {severity} is missing")
        elif not timing.steps or timing.rounds < 1 or timing.repeat_s < 0:
            found.append(f"escalation: {severity} needs steps, at least one round and no negative wait")
    if not catalogue.fallback.recipients:
        found.append("fallback: names nobody")
    return tuple(dict.fromkeys(found))


def _rule_defects(rule: Rule) -> Iterator[str]:
    if not rule.events:
        yield "is triggered by no event"
    conditions = (*rule.when, *rule.unless)
    paths = [condition.path for condition in conditions]
    paths += [rule.facility] if rule.facility != PATHWAY_CENTRE_FACILITY else []
    paths += [path for path in (rule.each, rule.subject, rule.act_by) if path]
    for path in paths:
        yield from _path_defects(path, roots=("event", "each") if rule.each else ("event",))
    for settled_by in rule.settled_by:
        settling = [condition.path for condition in settled_by.when]
        settling += [settled_by.subject] if settled_by.subject else []
        for path in settling:
            # The subject is not read when an alert is settled: the event alone must say.
            yield from _path_defects(path, roots=("event",), subject=False)
    for urgency in Urgency:
        if urgency not in rule.role or urgency not in rule.severity:
            yield f"says no role or severity for {urgency}"
    if rule.act_by and rule.act_within:
        yield "says twice until when to act"
    if not rule.dedup.startswith(_DEDUP_BEGINNING):
        yield f"dedup does not begin with {_DEDUP_BEGINNING}"
    yield from _placeholder_defects("dedup", rule.dedup, DEDUP_PLACEHOLDERS)
    yield from _template_defects("title", rule.title, TEXT_PLACEHOLDERS)
    yield from _template_defects("body", rule.body, TEXT_PLACEHOLDERS)


def _path_defects(path: str, *, roots: tuple[str, ...], subject: bool = True) -> Iterator[str]:
    root, _, rest = path.partition(".")
    if root == "subject" and subject:
        if rest not in {item.name for item in fields(SubjectState)}:
            yield f"{path}: a subject has no {rest}"
    elif root not in roots or not rest:
        yield f"{path} is not rooted in {' or '.join(roots)}"


def _template_defects(name: str, text: BilingualText, known: frozenset[str]) -> Iterator[str]:
    for language, template in (("zh", text.zh), ("en", text.en)):
        if not template:
            yield f"{name} is empty in {language}"
        yield from _placeholder_defects(f"{name} in {language}", template, known)


def _placeholder_defects(name: str, template: str, known: frozenset[str]) -> Iterator[str]:
    try:
        found = placeholders(template)
    except ValueError as error:
        yield f"{name}: {error}"
        return
    for unknown in sorted(found - known):
        yield f"{name}: {{{unknown}}} is not known"


def placeholders(template: str) -> frozenset[str]:
    """Names in braces. Raises ValueError when the braces do not pair."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)
