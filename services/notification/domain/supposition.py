"""Which alerts an event would ask for that is only supposed: what nobody has said of it is said with them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from services.notification.domain.directory import Directory
from services.notification.domain.matching import AlertIntent, Facts, called_role, centre_facility
from services.notification.domain.occurrence import Occurrence
from services.notification.domain.rules import (
    PATHWAY_CENTRE_FACILITY,
    Condition,
    Rule,
    RuleCatalogue,
    Scalar,
)
from services.notification.domain.subject_state import OpenOffer, SubjectState
from services.notification.domain.values import Pathway, Urgency
from services.notification.domain.wording import Wording


@dataclass(frozen=True, kw_only=True, slots=True)
class Supposition:
    """An event that is supposed to happen."""

    #: its name, such as `ReferralRequested`
    event: str
    #: where the event says nothing of a facility, it is this one
    facility: str
    pathway: Pathway | None
    urgency: Urgency | None
    #: the moment at which it happens: who is on duty then is called
    at: datetime
    #: what is known of a real referral, consultation or ward; None of one that is made up
    subject: SubjectState | None = None
    #: fields of the event by path, as text
    details: Mapping[str, str] | None = None


def rules_of(event: str, subject: SubjectState | None, catalogue: RuleCatalogue) -> tuple[Rule, ...]:
    """The rules that an event may trigger."""
    return tuple(
        rule
        for rule in catalogue.rules
        if event in rule.events and (subject is None or subject.kind == rule.aggregate)
    )


def supposed(
    rule: Rule, supposition: Supposition, catalogue: RuleCatalogue, directory: Directory
) -> tuple[tuple[AlertIntent, tuple[str, ...]], ...]:
    """The alerts that a rule would ask for, each with what is assumed; none where the rule does not match."""
    assumed: list[str] = []
    for conditions, wanted in ((rule.when, True), (rule.unless, False)):
        for condition in conditions:
            holds = _holds(condition, supposition)
            if holds is None:
                assumed.append(_said(condition, wanted=wanted))
            elif holds is not wanted:
                return ()
    intents = (
        _intent(rule, supposition, offer, catalogue, directory) for offer in _offers(rule, supposition)
    )
    return tuple((intent, tuple(assumed)) for intent in intents if intent is not None)


def _holds(condition: Condition, supposition: Supposition) -> bool | None:
    """Whether a condition is met; None when nobody has said."""
    root, _, rest = condition.path.partition(".")
    if root == "event":
        told = (supposition.details or {}).get(rest)
        return None if told is None else told in {_text(value) for value in condition.values}
    if root == "subject":
        subject = _subject(supposition, "")
        found = getattr(subject, rest)
        if found is None or found == "":
            return None if supposition.subject is None else "" in condition.values
        return found in condition.values
    return None


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said(condition: Condition, *, wanted: bool) -> str:
    values = ", ".join(_text(value) or '""' for value in condition.values)
    return f"{condition.path} {'=' if wanted else '≠'} {values}"


def _offers(rule: Rule, supposition: Supposition) -> Iterator[OpenOffer | None]:
    """The open offers of a real referral where the rule is about each; otherwise one that nobody knows."""
    real = supposition.subject.open_offers if rule.each and supposition.subject else ()
    yield from real or (None,)


def _intent(
    rule: Rule,
    supposition: Supposition,
    offer: OpenOffer | None,
    catalogue: RuleCatalogue,
    directory: Directory,
) -> AlertIntent | None:
    subject = _subject(supposition, rule.aggregate)
    # Of a subject whose urgency is not known the worst is assumed.
    urgency = subject.urgency or Urgency.EMERGENCY
    facility = _facility(rule, supposition, offer, Facts(subject=subject, directory=directory), catalogue)
    role = called_role(rule.role[urgency], subject, catalogue)
    reached = rule.only.covers(
        event=supposition.event, pathway=subject.pathway, urgency=urgency, facility=facility, role=role
    )
    if not facility or not reached:
        return None
    wording = Wording(
        occurrence=_occurrence(supposition, subject),
        subject=subject,
        directory=directory,
        about=subject.name,
        facility=facility,
        act_by=None,
        utc_offset_minutes=catalogue.utc_offset_minutes,
    )
    key = _Known({"rule": rule.code, "facility": facility, **({"offer": offer.name} if offer else {})})
    if supposition.subject is not None and not rule.subject:
        key["subject"] = subject.name
    return AlertIntent(
        rule=rule.code,
        event_type=supposition.event,
        dedup_key=rule.dedup.format_map(key),
        severity=rule.severity[urgency],
        facility=facility,
        role=role,
        first_step=rule.first_step,
        pathway=subject.pathway,
        urgency=subject.urgency,
        subject=subject.name,
        episode=subject.episode,
        title=wording.render(rule.title),
        body=wording.render(rule.body),
        action=rule.action,
        act_by=None,
        cause_event_id="",
        occurred_at=supposition.at,
    )


class _Known(dict[str, str]):
    """What is not known stays as it stands in the rule: `{offer}`."""

    def __missing__(self, key: str) -> str:
        return f"{{{key}}}"


def _facility(
    rule: Rule,
    supposition: Supposition,
    offer: OpenOffer | None,
    facts: Facts,
    catalogue: RuleCatalogue,
) -> str:
    if rule.facility == PATHWAY_CENTRE_FACILITY:
        return centre_facility(facts, catalogue)
    root, _, rest = rule.facility.partition(".")
    if root == "each" and offer is not None:
        return offer.facility
    if root == "subject" and supposition.subject is not None:
        found = getattr(facts.subject, rest)
        return found if isinstance(found, str) else ""
    return (supposition.details or {}).get(rest) or supposition.facility


def _subject(supposition: Supposition, kind: str) -> SubjectState:
    """What the rules see of the subject: what is supposed of it comes before what is known."""
    known = supposition.subject
    if known is None:
        facility = supposition.facility
        known = SubjectState(
            name="",
            kind=kind,
            version=0,
            origin_facility=facility,
            destination_facility=facility,
            requesting_facility=facility,
            facility=facility,
        )
    return replace(
        known,
        pathway=supposition.pathway or known.pathway,
        urgency=supposition.urgency or known.urgency,
    )


def _occurrence(supposition: Supposition, subject: SubjectState) -> Occurrence:
    return Occurrence(
        event_id="",
        event_type=supposition.event,
        aggregate_kind=subject.kind,
        aggregate_id=subject.name,
        version=subject.version,
        episode=subject.episode,
        occurred_at=supposition.at,
        recorded_at=supposition.at,
        pathway=subject.pathway,
        urgency=subject.urgency,
        fields={},
        envelope={},
    )
