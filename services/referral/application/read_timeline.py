"""The trail of one referral, or of its whole episode, as it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.referral.application.aggregates import Aggregates
from services.referral.domain.episode_state import Episode
from services.referral.domain.referral_state import Referral
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import StoredEvent
from services.shared.kernel.command import EventMetadata

#: An episode with more members, or a member with more events, is cut: nobody reads on.
MEMBERS_MAX = 200
EVENTS_MAX = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEvent:
    """One stored event and what it says of itself."""

    kind: str
    stored: StoredEvent
    metadata: EventMetadata
    event: object


class TimelineReader:
    """Reads trails. Raises DependencyDown when the store is away."""

    def __init__(self, store: EventStore, runner: CommandRunner, kinds: Aggregates) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds

    async def of_referral(
        self, referral: Referral, as_of: datetime | None = None
    ) -> tuple[TimelineEvent, ...]:
        """Its own events by version; with `as_of` those that were recorded by then."""
        return await self._events(referral.name, as_of)

    async def of_episode(
        self, episode: Episode, members: Sequence[str], as_of: datetime | None = None
    ) -> tuple[TimelineEvent, ...]:
        """The episode's events and those of these members, in clinical order."""
        found = list(await self._events(episode.name, as_of))
        for member in members[:MEMBERS_MAX]:
            found.extend(await self._events(member, as_of))
        found.sort(key=_clinical_order)
        return tuple(found)

    async def state_at(self, referral: Referral, as_of: datetime | None) -> Referral | None:
        """The referral as it was known at `as_of`; None when nothing was known of it."""
        if as_of is None:
            return referral
        events = await self._events(referral.name, as_of)
        if not events:
            return None
        return await self._runner.state_at(self._kinds.referral, referral.name, events[-1].metadata.version)

    async def _events(self, name: str, as_of: datetime | None) -> tuple[TimelineEvent, ...]:
        kind = self._kinds.of(name)
        stored: Sequence[StoredEvent] = await self._store.read_events(name, limit=EVENTS_MAX)
        found: list[TimelineEvent] = []
        for event in stored[: _known_count(stored, as_of)]:
            recorded = kind.decode_event(event.payload)
            found.append(
                TimelineEvent(kind=kind.name, stored=event, metadata=recorded.metadata, event=recorded.event)
            )
        return tuple(found)


def _known_count(stored: Sequence[StoredEvent], as_of: datetime | None) -> int:
    """How many of an aggregate's first events were known then.

    Up to the last one recorded by then: processes' clocks differ, and no event is known without those before.
    """
    if as_of is None:
        return len(stored)
    known = [position for position, event in enumerate(stored, start=1) if event.recorded_at <= as_of]
    return known[-1] if known else 0


def _clinical_order(event: TimelineEvent) -> tuple[object, ...]:
    metadata = event.metadata
    return metadata.occurred_at, metadata.recorded_at, metadata.aggregate_id, metadata.version
