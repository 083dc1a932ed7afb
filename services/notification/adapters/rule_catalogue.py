"""Reads the site's rules file into the values that the domain matches events with."""

from pathlib import Path
from typing import TypeVar

import msgspec
import yaml

from services.notification.domain.rules import (
    ActWithin,
    Condition,
    EscalationTiming,
    Fallback,
    Rule,
    RuleCatalogue,
    Scalar,
    SettledBy,
    defects,
)
from services.notification.domain.values import DutyStep, Pathway, Recipient, Severity, Urgency
from services.shared.kernel.text import BilingualText

#: The file that is used where the site names none.
DEFAULT_RULES = Path(__file__).resolve().parent.parent / "config" / "rules.yaml"

#: libyaml where it is there: ten times as fast, and as safe.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

V = TypeVar("V")

_Conditions = dict[str, tuple[Scalar, ...]]


class RulesFileError(ValueError):
    """The rules file cannot be used; the message names every mistake that was found."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the file; a misspelt key is a mistake, never silence."""


class _SettledByEntry(_Entry, frozen=True, kw_only=True):
    event: str
    aggregate: str = ""
    exact: bool = False
    subject: str = ""
    when: _Conditions = {}


class _RuleEntry(_Entry, frozen=True, kw_only=True):
    code: str
    aggregate: str
    events: tuple[str, ...]
    facility: str
    role: str | dict[Urgency, str]
    severity: str | dict[Urgency, Severity]
    title: BilingualText
    body: BilingualText
    dedup: str
    settled_by: tuple[str | _SettledByEntry, ...]
    action: str = ""
    each: str = ""
    when: _Conditions = {}
    unless: _Conditions = {}
    first_step: DutyStep = DutyStep.DUTY
    subject: str = ""
    act_by: str = ""
    act_within: ActWithin | None = None


class _UnstaffedEntry(_Entry, frozen=True, kw_only=True):
    title: BilingualText
    body: BilingualText


class _RecipientEntry(_Entry, frozen=True, kw_only=True):
    user: str
    name: str
    channels: tuple[str, ...] = ()


class _FallbackEntry(_Entry, frozen=True, kw_only=True):
    facility: str
    recipients: tuple[_RecipientEntry, ...]


class _RulesFile(_Entry, frozen=True, kw_only=True):
    utc_offset_minutes: int
    centres: dict[Pathway, str]
    escalation: dict[Severity, EscalationTiming]
    fallback: _FallbackEntry
    unstaffed: _UnstaffedEntry
    settle_all: dict[str, tuple[str, ...]]
    rules: tuple[_RuleEntry, ...]


def load_rules(path: Path = DEFAULT_RULES) -> RuleCatalogue:
    """The catalogue of a rules file. Raises RulesFileError when it cannot be read or is not sound."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise RulesFileError(f"{path}: {error.strerror}") from error
    return parse_rules(text, source=str(path))


def parse_rules(text: str, *, source: str) -> RuleCatalogue:
    """The catalogue that `text` describes. Raises RulesFileError, which begins with `source`."""
    try:
        content = msgspec.convert(yaml.load(text, Loader=_LOADER), _RulesFile)
        catalogue = _catalogue(content)
    except (yaml.YAMLError, ValueError) as error:
        raise RulesFileError(f"{source}: {error}") from error
    found = defects(catalogue)
    if found:
        raise RulesFileError("\n  ".join((f"{source}:", *found)))
    return catalogue


def _catalogue(content: _RulesFile) -> RuleCatalogue:
    return RuleCatalogue(
        rules=tuple(_rule(entry) for entry in content.rules),
        settle_all=content.settle_all,
        centres=content.centres,
        escalation=content.escalation,
        fallback=Fallback(
            facility=content.fallback.facility,
            recipients=tuple(
                Recipient(user=entry.user, name=entry.name, channels=entry.channels)
                for entry in content.fallback.recipients
            ),
        ),
        unstaffed_title=content.unstaffed.title,
        unstaffed_body=content.unstaffed.body,
        utc_offset_minutes=content.utc_offset_minutes,
    )


def _rule(entry: _RuleEntry) -> Rule:
    severity = entry.severity
    return Rule(
        code=entry.code,
        aggregate=entry.aggregate,
        events=entry.events,
        each=entry.each,
        when=_conditions(entry.when),
        unless=_conditions(entry.unless),
        facility=entry.facility,
        role=_by_urgency(entry.role) if isinstance(entry.role, str) else entry.role,
        severity=_by_urgency(Severity(severity)) if isinstance(severity, str) else severity,
        first_step=entry.first_step,
        subject=entry.subject,
        title=entry.title,
        body=entry.body,
        action=entry.action,
        act_by=entry.act_by,
        act_within=entry.act_within,
        dedup=entry.dedup,
        settled_by=tuple(_settled_by(item, entry.aggregate) for item in entry.settled_by),
    )


def _by_urgency(value: V) -> dict[Urgency, V]:
    return dict.fromkeys(Urgency, value)


def _conditions(entries: _Conditions) -> tuple[Condition, ...]:
    return tuple(Condition(path=path, values=values) for path, values in entries.items())


def _settled_by(entry: str | _SettledByEntry, aggregate: str) -> SettledBy:
    if isinstance(entry, str):
        return SettledBy(event=entry, aggregate=aggregate)
    return SettledBy(
        event=entry.event,
        aggregate=entry.aggregate or aggregate,
        exact=entry.exact,
        subject=entry.subject,
        when=_conditions(entry.when),
    )
