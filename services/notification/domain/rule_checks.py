"""What is wrong with a catalogue of rules: everything at once, each fault with the key that it is of."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from string import Formatter

from services.notification.domain.rules import (
    DEDUP_BEGINNING,
    DEDUP_PLACEHOLDERS,
    PATHWAY_CENTRE_FACILITY,
    TEXT_PLACEHOLDERS,
    UNSTAFFED_PLACEHOLDERS,
    EscalationTiming,
    Rule,
    RuleCatalogue,
)
from services.notification.domain.subject_state import SubjectState
from services.notification.domain.values import AcknowledgementPolicy, Pathway, Severity, Urgency
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True, slots=True)
class Defect:
    """One fault of a catalogue."""

    #: keys from the top to what is wrong; a rule by its code
    place: tuple[str, ...]
    text: str


def defects(catalogue: RuleCatalogue) -> tuple[Defect, ...]:
    """Everything that is wrong with a catalogue, so that it is told at once; empty when it is sound."""
    return tuple(dict.fromkeys(_defects(catalogue)))


def _defects(catalogue: RuleCatalogue) -> Iterator[Defect]:
    for rule in catalogue.rules:
        for key, text in _rule_defects(rule):
            yield Defect(place=("rules", rule.code, *key.split(".")), text=f"{rule.code}: {text}")
    templates = (("title", catalogue.unstaffed_title), ("body", catalogue.unstaffed_body))
    for name, template in templates:
        for key, fault in _template_defects(name, template, UNSTAFFED_PLACEHOLDERS):
            yield Defect(place=("unstaffed", *key.split(".")), text=f"unstaffed: {fault}")
    yield from _gaps(catalogue)
    yield from _row_defects(catalogue)


def _gaps(catalogue: RuleCatalogue) -> Iterator[Defect]:
    for pathway in Pathway:
        if pathway not in catalogue.centres:
            yield Defect(place=("centres",), text=f"centres: {pathway} is missing")
    for severity in Severity:
        if severity not in catalogue.escalation:
            yield Defect(place=("escalation",), text=f"escalation: {severity} is missing")
    for name, timing in (*catalogue.escalation.items(), *catalogue.policies.items()):
        section = "escalation" if name in catalogue.escalation else "policies"
        for text in _timing_defects(timing):
            yield Defect(place=(section, name), text=f"{section}: {name} {text}")
    if not catalogue.fallback.recipients:
        yield Defect(place=("fallback", "recipients"), text="fallback: names nobody")


def _timing_defects(timing: EscalationTiming) -> Iterator[str]:
    if not timing.steps or timing.rounds < 1 or timing.repeat_s < 0:
        yield "needs steps, at least one round and no negative wait"
    if len(set(timing.steps)) < len(timing.steps):
        yield "has a step twice"
    acknowledgements = timing.acknowledgements
    if acknowledgements is not None and not _is_policy(acknowledgements):
        yield "says either how many people must acknowledge or which roles, each once"


def _is_policy(policy: AcknowledgementPolicy) -> bool:
    if policy.roles:
        return policy.count == 0 and len(set(policy.roles)) == len(policy.roles)
    return policy.count >= 1


def _row_defects(catalogue: RuleCatalogue) -> Iterator[Defect]:
    codes = {rule.code for rule in catalogue.rules}
    events = {event for rule in catalogue.rules for event in rule.events}
    for index, row in enumerate(catalogue.policy_rows):
        place = ("policy_for", str(index))
        if row.policy not in catalogue.policies and row.policy not in catalogue.escalation:
            yield Defect(place=(*place, "policy"), text=f"policy_for: there is no policy {row.policy}")
        for code in row.rules:
            if code not in codes:
                yield Defect(place=(*place, "rules"), text=f"policy_for: there is no rule {code}")
        for event in row.reach.events:
            if event not in events:
                yield Defect(place=(*place, "events"), text=f"policy_for: no rule is triggered by {event}")


def _rule_defects(rule: Rule) -> Iterator[tuple[str, str]]:
    if not rule.events:
        yield "events", "is triggered by no event"
    for event in rule.only.events:
        if event not in rule.events:
            yield "only.events", f"{event} does not trigger it"
    yield from _rule_paths(rule)
    for urgency in Urgency:
        for key, by_urgency in (("role", rule.role), ("severity", rule.severity)):
            if urgency not in by_urgency:
                yield key, f"says no role or severity for {urgency}"
    if rule.act_by and rule.act_within:
        yield "act_within", "says twice until when to act"
    if not rule.dedup.startswith(DEDUP_BEGINNING):
        yield "dedup", f"dedup does not begin with {DEDUP_BEGINNING}"
    yield from (("dedup", text) for text in _placeholder_defects("dedup", rule.dedup, DEDUP_PLACEHOLDERS))
    yield from _template_defects("title", rule.title, TEXT_PLACEHOLDERS)
    yield from _template_defects("body", rule.body, TEXT_PLACEHOLDERS)


def _rule_paths(rule: Rule) -> Iterator[tuple[str, str]]:
    paths = [(key, each.path) for key in ("when", "unless") for each in getattr(rule, key)]
    paths += [("facility", rule.facility)] if rule.facility != PATHWAY_CENTRE_FACILITY else []
    paths += [(key, path) for key in ("each", "subject", "act_by") if (path := getattr(rule, key))]
    for key, path in paths:
        for text in _path_defects(path, roots=("event", "each") if rule.each else ("event",)):
            yield key, text
    for settled_by in rule.settled_by:
        settling = [condition.path for condition in settled_by.when]
        settling += [settled_by.subject] if settled_by.subject else []
        for path in settling:
            # The subject is not read when an alert is settled: the event alone must say.
            for text in _path_defects(path, roots=("event",), subject=False):
                yield "settled_by", text


def _path_defects(path: str, *, roots: tuple[str, ...], subject: bool = True) -> Iterator[str]:
    root, _, rest = path.partition(".")
    if root == "subject" and subject:
        if rest not in {item.name for item in fields(SubjectState)}:
            yield f"{path}: a subject has no {rest}"
    elif root not in roots or not rest:
        yield f"{path} is not rooted in {' or '.join(roots)}"


def _template_defects(name: str, text: BilingualText, known: frozenset[str]) -> Iterator[tuple[str, str]]:
    for language, template in (("zh", text.zh), ("en", text.en)):
        key = f"{name}.{language}"
        if not template:
            yield key, f"{name} is empty in {language}"
        for fault in _placeholder_defects(f"{name} in {language}", template, known):
            yield key, fault


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
