"""The state machines of the services as plain values, read from the tables in their domains.

The referral's domain documents itself (`services/referral/domain/state_documentation.py`). The others have
tables of a simpler shape; the alert has none, so its arrows are found by giving each command in each state.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from services.bed.domain import commands as bed_commands
from services.bed.domain import texts as bed_texts
from services.bed.domain.transitions import TRANSITIONS as BED_TABLE
from services.notification.domain import alert as alerts
from services.notification.domain import commands as alert_commands
from services.notification.domain.alert_state import Alert
from services.notification.domain.values import (
    AlertState,
    CodedReason,
    EscalationStep,
    Recipient,
    Severity,
)
from services.operator.texts import text
from services.referral.domain import consultation_texts, episode_texts, standing_texts
from services.referral.domain.consultation_transitions import TABLE as CONSULTATION_TABLE
from services.referral.domain.consultation_transitions import Party
from services.referral.domain.episode_transitions import TABLE as EPISODE_TABLE
from services.referral.domain.standing_transitions import TABLE as STANDING_TABLE
from services.referral.domain.standing_transitions import Party as StandingParty
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.refusals import Refused
from services.shared.kernel.text import BilingualText


@dataclass(frozen=True, kw_only=True)
class Arrow:
    """A command that may be given in a state, and where it leads."""

    #: empty before the thing exists
    source: str
    command: str
    event: str
    target: str
    #: given by the platform: a due deadline, or another service's event
    by_platform: bool


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One kind of thing that has states."""

    title: BilingualText
    #: where its table is, for who wants to change it
    source: str
    states: Mapping[str, BilingualText]
    arrows: tuple[Arrow, ...]


def consultation() -> Machine:
    """From `consultation_transitions.TABLE`."""
    return Machine(
        title=BilingualText(zh="会诊", en="Consultation"),
        source="services/referral/domain/consultation_transitions.py",
        states={state.value: label for state, label in consultation_texts._STATES.items()},
        arrows=tuple(
            Arrow(
                source=row.source or "",
                command=row.command.__name__,
                event=row.event.__name__,
                target=row.target or row.source or "",
                by_platform=row.by is Party.DEADLINE,
            )
            for row in CONSULTATION_TABLE
        ),
    )


def episode() -> Machine:
    """From `episode_transitions.TABLE`."""
    return Machine(
        title=BilingualText(zh="诊疗过程", en="Episode"),
        source="services/referral/domain/episode_transitions.py",
        states={state.value: label for state, label in episode_texts._STATES.items()},
        arrows=tuple(
            Arrow(
                source=row.source or "",
                command=row.command.__name__,
                event=row.event.__name__,
                target=row.target or row.source or "",
                by_platform=row.internal,
            )
            for row in EPISODE_TABLE
        ),
    )


def standing() -> Machine:
    """From `standing_transitions.TABLE`."""
    return Machine(
        title=BilingualText(zh="长期就诊计划", en="Standing order"),
        source="services/referral/domain/standing_transitions.py",
        states={state.value: label for state, label in standing_texts.STATES.items()},
        arrows=tuple(
            Arrow(
                source=row.source or "",
                command=row.command.__name__,
                event=row.event.__name__,
                target=row.target or row.source or "",
                by_platform=row.by is StandingParty.SYSTEM,
            )
            for row in STANDING_TABLE
        ),
    )


def bed() -> Machine:
    """From `TRANSITIONS`."""
    return Machine(
        title=BilingualText(zh="床位", en="Bed"),
        source="services/bed/domain/transitions.py",
        states={state.value: label for state, label in bed_texts._BED_STATES.items()},
        arrows=tuple(
            Arrow(
                source=row.source,
                command=row.command.__name__,
                event=row.event.__name__,
                target=row.target,
                by_platform=row.command in bed_commands.REACTIONS,
            )
            for row in BED_TABLE
        ),
    )


def alert() -> Machine:
    """By giving each command in each state that can be reached."""
    return Machine(
        title=BilingualText(zh="提醒", en="Alert"),
        source="services/notification/domain/alert.py",
        states={state.value: text(f"alert.{state.value}") for state in AlertState},
        arrows=tuple(_alert_arrows()),
    )


_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_NOTHING = BilingualText(zh="", en="")
_PERSON = Actor(user="person", name="", facility="", roles=(Role.OPERATOR,))
_PLATFORM = Actor(user="platform", name="", facility="", roles=(Role.SYSTEM,))


def _trigger(cause: int) -> alert_commands.TriggerAlert:
    step = EscalationStep(
        duty="duty",
        facility="here",
        recipients=(Recipient(user="person", name=""),),
        repeat_s=60,
        rounds=9,
    )
    return alert_commands.TriggerAlert(
        rule="RULE",
        dedup_key="RULE/subject",
        severity=Severity.HIGH,
        facility="here",
        role="clinician",
        pathway=None,
        urgency=None,
        subject="subject",
        episode="",
        title=_NOTHING,
        body=_NOTHING,
        action="",
        act_by=None,
        escalation=(step,),
        cause_event_id=str(cause),
    )


def _alert_arrows() -> Iterator[Arrow]:
    waiting: list[Alert | None] = [None]
    seen: set[str] = set()
    while waiting:
        state = waiting.pop(0)
        source = "" if state is None else state.state.value
        if source in seen:
            continue
        seen.add(source)
        for command, actor in _alert_attempts(0 if state is None else state.version):
            for event, after in _steps(state, command, actor):
                waiting.append(after)
                yield Arrow(
                    source=source,
                    command=type(command).__name__,
                    event=event,
                    target=after.state.value,
                    by_platform=actor is _PLATFORM,
                )


def _alert_attempts(version: int) -> tuple[tuple[alerts.AlertCommand, Actor], ...]:
    reason = CodedReason(code="REASON", text="")
    return (
        (_trigger(version), _PLATFORM),
        (alert_commands.AcknowledgeAlert(), _PERSON),
        (alert_commands.ResolveAlert(reason=reason), _PERSON),
        (alert_commands.SettleAlert(resolution="Event", cause_event_id="other"), _PLATFORM),
        (alert_commands.MeetDeadline(key=alerts.ESCALATE), _PLATFORM),
    )


def _steps(state: Alert | None, command: alerts.AlertCommand, actor: Actor) -> Iterator[tuple[str, Alert]]:
    version = 0 if state is None else state.version
    at = _EPOCH + timedelta(hours=version)
    context = CommandContext(request_id="", actor=actor, occurred_at=at, recorded_at=at)
    try:
        events = alerts.decide(state, command, context)
    except Refused:
        return
    for event in events:
        version += 1
        metadata = EventMetadata(
            event_id=str(version),
            aggregate_id="alert",
            version=version,
            type=type(event).__name__,
            occurred_at=at,
            recorded_at=at,
            actor=actor,
            request_id="",
        )
        state = alerts.evolve(state, Recorded(event=event, metadata=metadata))
        yield metadata.type, state
