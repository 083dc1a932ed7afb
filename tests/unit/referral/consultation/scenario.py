"""Given events, when a command, then events or a refusal: the consultation's stories."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import pytest

from services.referral.domain import consultation
from services.referral.domain.consultation import Consultation
from services.referral.domain.consultation_commands import ConsultationCommand
from services.referral.domain.consultation_events import (
    ConsultationCancelled,
    ConsultationEvent,
    ConsultationOverdue,
    ConsultationRequested,
    ConsultationResubmitted,
    CriticalValueAcknowledged,
    CriticalValueOverdue,
    ExpertVisitConfirmed,
    ExpertVisitHeld,
    ExpertVisitOverdue,
    ResubmissionOverdue,
)
from services.referral.domain.consultation_policy import ConsultationPolicy, ReturnReason, UrgencyLimit
from services.referral.domain.consultation_values import ConsultationKind
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused
from services.shared.kernel.text import BilingualText
from tests.unit.referral.consultation.events import BRANCH, EXPERT, NAME, SYSTEM, minute
from tests.unit.referral.referral.network import DIRECTORY

POLICY = ConsultationPolicy(
    result_due=UrgencyLimit(emergency_s=1800, otherwise_s=7200),
    claim_lease=UrgencyLimit(emergency_s=600, otherwise_s=1800),
    critical_value_notified=UrgencyLimit(emergency_s=600, otherwise_s=600),
    critical_value_acknowledged=UrgencyLimit(emergency_s=1800, otherwise_s=3600),
    resubmission_due=UrgencyLimit(emergency_s=900, otherwise_s=14400),
    expert_visit_recorded=UrgencyLimit(emergency_s=7200, otherwise_s=86400),
    return_reasons=(
        ReturnReason(
            code="IMAGE_QUALITY",
            label=BilingualText(zh="图像质量不合格", en="image quality"),
            kinds=(ConsultationKind.TELECONSULTATION, ConsultationKind.IMAGING),
        ),
        ReturnReason(
            code="MISSING_LEAD",
            label=BilingualText(zh="导联缺失", en="a lead is missing"),
            kinds=(ConsultationKind.ECG,),
        ),
        ReturnReason(code="OTHER", label=BilingualText(zh="其他", en="other"), needs_text=True),
    ),
    attachment_schemes=("dicom", "https"),
)


def context(by: Actor, at: float, occurred: float | None = None) -> CommandContext:
    return CommandContext(
        request_id=derive_id("request", by.user, str(at)),
        actor=by,
        occurred_at=minute(at if occurred is None else occurred),
        recorded_at=minute(at),
    )


def recorded(event: ConsultationEvent, version: int, by: Actor, at: datetime) -> Recorded[ConsultationEvent]:
    metadata = EventMetadata(
        event_id=derive_id("event", str(version)),
        aggregate_id=NAME,
        version=version,
        type=type(event).__name__,
        occurred_at=at,
        recorded_at=at,
        actor=by,
        request_id=derive_id("request", str(version)),
    )
    return Recorded(event=event, metadata=metadata)


_ACTORS: dict[type, Actor] = {
    ConsultationRequested: BRANCH,
    ConsultationResubmitted: BRANCH,
    ConsultationCancelled: BRANCH,
    ConsultationOverdue: SYSTEM,
    ResubmissionOverdue: SYSTEM,
    ExpertVisitOverdue: SYSTEM,
    CriticalValueAcknowledged: BRANCH,
    CriticalValueOverdue: SYSTEM,
    ExpertVisitConfirmed: BRANCH,
    ExpertVisitHeld: BRANCH,
}


def given(*events: ConsultationEvent) -> "Story":
    """The state after `events`, one a minute, each by the party that usually gives it."""
    state: Consultation | None = None
    for index, event in enumerate(events):
        actor = _ACTORS.get(type(event), EXPERT)
        state = consultation.evolve(state, recorded(event, index + 1, actor, minute(index)))
    return Story(state=state)


@dataclass(frozen=True, kw_only=True)
class Story:
    state: Consultation | None

    @property
    def here(self) -> Consultation:
        assert self.state is not None
        return self.state

    def when(
        self,
        command: ConsultationCommand,
        by: Actor,
        at: float = 5,
        *,
        occurred: float | None = None,
        policy: ConsultationPolicy = POLICY,
        capabilities: frozenset[str] = frozenset({"STROKE"}),
    ) -> "Outcome":
        def run() -> tuple[ConsultationEvent, ...]:
            return consultation.decide(
                self.state,
                command,
                context(by, at, occurred),
                policy=policy,
                directory=DIRECTORY,
                centre_capabilities=capabilities,
            )

        return Outcome(story=self, run=run, by=by, at=minute(at))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    story: Story
    run: Callable[[], tuple[ConsultationEvent, ...]]
    by: Actor
    at: datetime

    def then(self, *events: ConsultationEvent) -> Story:
        assert self.run() == events
        state = self.story.state
        for event in events:
            version = state.version + 1 if state else 1
            state = consultation.evolve(state, recorded(event, version, self.by, self.at))
        return Story(state=state)

    def refused(self, refusal: type[Refused], *codes: str) -> Refused:
        """`codes`: failed rules, wrong fields, or the reason of NotPermitted."""
        with pytest.raises(refusal) as caught:
            self.run()
        assert _codes(caught.value) == codes
        return caught.value


def _codes(refusal: Refused) -> tuple[str, ...]:
    match refusal:
        case NotAllowed():
            assert all(rule.text.zh and rule.text.en for rule in refusal.failed_rules)
            return tuple(rule.code for rule in refusal.failed_rules)
        case InvalidInput():
            return tuple(violation.field for violation in refusal.violations)
        case NotPermitted():
            return (refusal.reason,)
        case NotFound():
            return ()
    raise AssertionError(f"unexpected {refusal!r}")
