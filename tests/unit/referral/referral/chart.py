"""Given events, when a command, then events or a refusal: the tests' small language.

Every event that a chart takes in goes through the stored bytes, and every state through its snapshot, so
that no history of any test can differ between memory and store.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from services.referral.domain import commands as c
from services.referral.domain import referral
from services.referral.domain.directory_state import Directory
from services.referral.domain.events import Event
from services.referral.domain.free_beds import WardBeds
from services.referral.domain.policy import DEFAULT_POLICY, ReferralPolicy
from services.referral.domain.referral import Referral
from services.referral.domain.referral_values import ReferralState
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import CommandContext, EventMetadata, Recorded
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import InvalidInput, NotAllowed, Refused
from services.shared.protocodec.event_codec import EventCodec
from tests.unit.referral.referral.network import DIRECTORY, START, SYSTEM
from tierlink.referral.v1 import referral_events_pb2
from tierlink.type.v1 import type_pb2

CODEC: EventCodec[Any] = EventCodec(
    referral_events_pb2.ReferralEvent,
    type_pb2.EventMetadata,
    referral.EVENTS,
    referral.ReferralEnvelope,
)


@dataclass
class Chart:
    """One referral under test, with the clock and the facts around it."""

    name: str = "referrals/5d9f7c5e-0000-4000-8000-000000000001"
    directory: Directory = DIRECTORY
    policy: ReferralPolicy = DEFAULT_POLICY
    state: Referral | None = None
    events: list[Event] = field(default_factory=list)
    stored: list[bytes] = field(default_factory=list)
    now: datetime = START
    #: facts of the next commands
    live: tuple[str, ...] = ()
    child: Referral | None = None
    episode_patient: str | None = None
    wards: tuple[WardBeds, ...] = ()
    given: int = 0

    @property
    def referral(self) -> Referral:
        if self.state is None:
            raise AssertionError("there is no referral yet")
        return self.state

    def later(self, **duration: float) -> "Chart":
        """Lets time pass."""
        self.now += timedelta(**duration)
        return self

    def context(self, actor: Actor, occurred_at: datetime | None = None) -> CommandContext:
        return CommandContext(
            request_id=derive_id("test", self.name, str(self.given)),
            actor=actor,
            occurred_at=occurred_at or self.now,
            recorded_at=self.now,
        )

    def decide(
        self, command: c.Command, actor: Actor, occurred_at: datetime | None = None
    ) -> tuple[Event, ...]:
        """The events of a command, which are not taken in."""
        self.given += 1
        return referral.decide(
            self.state,
            command,
            self.context(actor, occurred_at),
            directory=self.directory,
            policy=self.policy,
            live_referrals=self.live,
            child=self.child,
            episode_patient=self.episode_patient,
            wards=self.wards,
        )

    def when(
        self, command: c.Command, actor: Actor, occurred_at: datetime | None = None
    ) -> tuple[Event, ...]:
        """Carries a command out and returns its events."""
        found = self.decide(command, actor, occurred_at)
        self.take(found, self.context(actor, occurred_at))
        return found

    def take(self, events: Iterable[Event], context: CommandContext) -> None:
        """Folds events as the store does: from the bytes that are kept."""
        for event in events:
            version = len(self.stored) + 1
            metadata = EventMetadata(
                event_id=derive_id("event", self.name, str(version)),
                aggregate_id=self.name,
                version=version,
                type=type(event).__name__,
                occurred_at=context.occurred_at,
                recorded_at=context.recorded_at,
                actor=context.actor,
                request_id=context.request_id,
            )
            recorded = Recorded(event=event, metadata=metadata)
            after = referral.evolve(self.state, recorded)
            stored = CODEC.encode(metadata, event, referral.envelope(after))
            if CODEC.decode(stored) != recorded:
                raise AssertionError(f"{event} is not what was stored")
            snapshot = msgspec.msgpack.encode(after)
            again = msgspec.msgpack.decode(snapshot, type=Referral)
            if again != after or msgspec.msgpack.encode(again) != snapshot:
                raise AssertionError("the snapshot is not the state")
            self.state = again
            self.stored.append(stored)
            self.events.append(event)

    def due(self, prefix: str = "") -> tuple[Event, ...]:
        """Meets the first open deadline whose key begins with `prefix`, at its time."""
        for deadline in referral.deadlines(self.referral):
            if deadline.key.startswith(prefix):
                self.now = max(self.now, deadline.due_at)
                found = self.when(c.MeetDeadline(key=deadline.key), SYSTEM)
                if any(each.key == deadline.key for each in referral.deadlines(self.referral)):
                    raise AssertionError(f"{deadline.key} is open after it was met")
                return found
        raise AssertionError(f"no deadline {prefix} in {self.keys()}")

    def keys(self) -> list[str]:
        """What the open deadlines are about."""
        return [deadline.key.partition(":")[0] for deadline in referral.deadlines(self.referral)]

    def refused(
        self, command: c.Command, actor: Actor, *codes: str, occurred_at: datetime | None = None
    ) -> Refused:
        """The refusal of a command; with `codes`, of exactly these rules or field reasons."""
        try:
            found = self.decide(command, actor, occurred_at)
        except Refused as refusal:
            if codes and refused_codes(refusal) != list(codes):
                raise AssertionError(f"{refused_codes(refusal)} is not {list(codes)}") from refusal
            return refusal
        raise AssertionError(f"{type(command).__name__} was not refused: {found}")

    def fact(self, **changes: Any) -> "Chart":
        """The same history beside other facts."""
        return replace(self, events=list(self.events), stored=list(self.stored), **changes)

    def copy(self) -> "Chart":
        return self.fact()


def refused_codes(refusal: Refused) -> list[str]:
    if isinstance(refusal, NotAllowed):
        return [rule.code for rule in refusal.failed_rules]
    if isinstance(refusal, InvalidInput):
        return [violation.reason for violation in refusal.violations]
    return [getattr(refusal, "reason", type(refusal).__name__)]


def names(events: Iterable[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def where(chart: Chart) -> ReferralState:
    """The state, each time anew (a type checker would remember the last answer of an attribute)."""
    return chart.referral.state
