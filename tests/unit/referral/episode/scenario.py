"""Given an episode's history, when a command, then events or a refusal. Times are minutes after START."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from services.referral.domain import episode
from services.referral.domain.clocks_targets import ClockTarget
from services.referral.domain.episode import Episode
from services.referral.domain.episode_commands import EpisodeCommand, RecordMilestone
from services.referral.domain.episode_events import (
    EpisodeClosed,
    EpisodeEvent,
    EpisodeJoined,
    EpisodeOpened,
    MilestoneRecorded,
)
from services.referral.domain.milestones import ArrivalMode, FirstStation, Milestone, MilestoneKind
from services.referral.domain.values import CodedReason, Pathway
from services.shared.kernel.actor import Actor, Role, system_actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.ids import derive_id, resource_name
from services.shared.kernel.refusals import InvalidInput, NotAllowed, NotFound, NotPermitted, Refused
from tests.unit.referral.referral.network import DIRECTORY

#: 09:00 in Xinjiang's local time
START = datetime(2024, 7, 15, 3, 0, tzinfo=UTC)
NAME = resource_name("episodes", "story")
CONSULTATION = resource_name("consultations", "story")
REFERRAL = resource_name("referrals", "story")
REFERRAL_BACK = resource_name("referrals", "story", "back")
BRANCH = "wucaiwan"
COUNTY = "jimsar-general"
TOWN = "jimsar-town"
PREFECTURE = "changji-prefecture"
MISTYPED = CodedReason(code="MISTYPED", text="输错时间")


def person(user: str, facility: str, *roles: Role) -> Actor:
    return Actor(user=user, name=user, facility=facility, roles=roles or (Role.CLINICIAN,))


PHYSICIAN = person("branch-physician", BRANCH)
EXPERT = person("stroke-expert", COUNTY)
STRANGER = person("stranger", PREFECTURE)
AMBULANCE = person("crew", BRANCH, Role.AMBULANCE)
BED_DESK = person("bed-desk", COUNTY, Role.BED_DESK)
COORDINATOR = person("coordinator", "jimsar-town", Role.COORDINATOR)
QITAI_COORDINATOR = person("coordinator", "qitai-people", Role.COORDINATOR)
OPERATOR = person("operator", "", Role.OPERATOR)
SYSTEM = system_actor("referral")


def minute(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def milestone(
    kind: MilestoneKind,
    facility: str,
    at: float,
    *,
    by: Actor = PHYSICIAN,
    recorded_at: float | None = None,
    offset_ms: int | None = None,
    arrived_by: ArrivalMode | None = None,
    taken_to: FirstStation | None = None,
) -> Milestone:
    """What RecordMilestone makes of these; its name follows from kind, facility and time."""
    return Milestone(
        name=resource_name("milestones", _request(kind, facility, at)),
        kind=kind,
        facility=facility,
        occurred_at=minute(at),
        recorded_by=by,
        recorded_at=minute(at if recorded_at is None else recorded_at),
        device_clock_offset_ms=offset_ms,
        arrived_by=arrived_by,
        taken_to=taken_to,
    )


def _request(kind: MilestoneKind, facility: str, at: float) -> str:
    return derive_id("milestone", kind.value, facility, str(at))


def opened(pathway: Pathway = Pathway.STROKE, facility: str = BRANCH) -> EpisodeOpened:
    return EpisodeOpened(patient="p-1", pathway=pathway, facility=facility)


def joined(*facilities: str, member: str = CONSULTATION, sending: str = "") -> EpisodeJoined:
    return EpisodeJoined(member=member, facilities=facilities, sending_facility=sending)


def context(by: Actor, occurred: float, received: float, request: str = "") -> CommandContext:
    return CommandContext(
        request_id=request or derive_id("request", by.user, str(occurred)),
        actor=by,
        occurred_at=minute(occurred),
        recorded_at=minute(received),
    )


def recorded(
    event: EpisodeEvent, version: int, by: Actor, occurred: datetime, received: datetime
) -> Recorded[EpisodeEvent]:
    metadata = EventMetadata(
        event_id=derive_id("event", str(version)),
        aggregate_id=NAME,
        version=version,
        type=type(event).__name__,
        occurred_at=occurred,
        recorded_at=received,
        actor=by,
        request_id=derive_id("request", str(version)),
    )
    return Recorded(event=event, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class Story:
    state: Episode | None = None

    @property
    def here(self) -> Episode:
        assert self.state is not None
        return self.state

    def given(self, *events: EpisodeEvent, at: float = 0) -> "Story":
        state = self.state
        for event in events:
            version = state.version + 1 if state else 1
            state = episode.evolve(state, recorded(event, version, PHYSICIAN, minute(at), minute(at)))
        return Story(state=state)

    def seen(self, *seen: tuple[MilestoneKind, str, float]) -> "Story":
        """Milestones as given events: nothing is checked."""
        return self.given(
            *(MilestoneRecorded(milestone=milestone(*entry), pathway=self.here.pathway) for entry in seen)
        )

    def closed(self) -> "Story":
        return self.given(EpisodeClosed())

    def records(
        self,
        kind: MilestoneKind,
        facility: str,
        at: float,
        *,
        by: Actor = PHYSICIAN,
        received: float | None = None,
        offset_ms: int | None = None,
    ) -> "Outcome":
        """`by` records what happened at `facility` at minute `at`; it is received then, or at `received`."""
        return self.when(
            RecordMilestone(kind=kind, facility=facility, device_clock_offset_ms=offset_ms),
            by,
            at,
            received=received,
            request=_request(kind, facility, at),
        )

    def when(
        self,
        command: EpisodeCommand,
        by: Actor,
        at: float = 0,
        *,
        received: float | None = None,
        request: str = "",
        live_members: tuple[str, ...] | None = None,
        targets: tuple[ClockTarget, ...] = (),
    ) -> "Outcome":
        received = at if received is None else received

        def run() -> tuple[EpisodeEvent, ...]:
            return episode.decide(
                self.state,
                command,
                context(by, at, received, request),
                directory=DIRECTORY,
                live_members=live_members,
                targets=targets,
            )

        return Outcome(story=self, run=run, by=by, at=minute(at), received=minute(received))


@dataclass(frozen=True, kw_only=True)
class Outcome:
    story: Story
    run: Callable[[], tuple[EpisodeEvent, ...]]
    by: Actor
    at: datetime
    received: datetime

    def holds(self) -> Story:
        """It is carried out, whatever its events are."""
        return self.then(*self.run())

    def then(self, *events: EpisodeEvent) -> Story:
        assert self.run() == events
        state = self.story.state
        for event in events:
            version = state.version + 1 if state else 1
            state = episode.evolve(state, recorded(event, version, self.by, self.at, self.received))
        return Story(state=state)

    def refused(self, refusal: type[Refused], *codes: str) -> Refused:
        """`codes`: failed rules, wrong fields, or the reason of NotPermitted."""
        with pytest.raises(refusal) as caught:
            self.run()
        assert _codes(caught.value) == codes
        return caught.value

    def texts_of_refusal(self) -> list[str]:
        with pytest.raises(NotAllowed) as caught:
            self.run()
        return [rule.text.en for rule in caught.value.failed_rules]


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


def an_episode(pathway: Pathway = Pathway.STROKE) -> Story:
    """Opened at the branch; the county takes part through a consultation."""
    return Story().given(opened(pathway), joined(BRANCH, COUNTY))


def corrected(former: Milestone, at: float, by: Actor, received: float) -> Milestone:
    return replace(
        former,
        occurred_at=minute(at),
        recorded_by=by,
        recorded_at=minute(received),
        device_clock_offset_ms=None,
        corrected=True,
    )
