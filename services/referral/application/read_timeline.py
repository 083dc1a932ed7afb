"""The trail of one referral, or of its whole episode, as it is stored."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.referral.application.aggregates import Aggregates
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

    async def of_referral(self, referral: Referral) -> tuple[TimelineEvent, ...]:
        """Its own events, by version."""
        return await self._events(referral.name)

    async def of_episode(self, episode_name: str) -> tuple[TimelineEvent, ...]:
        """The episode's, its referrals' and its consultations' events, in clinical order."""
        episode = await self._runner.read(self._kinds.episode, episode_name)
        members = () if episode.state is None else episode.state.members[:MEMBERS_MAX]
        found = list(await self._events(episode_name))
        for member in members:
            found.extend(await self._events(member))
        found.sort(key=_clinical_order)
        return tuple(found)

    async def _events(self, name: str) -> tuple[TimelineEvent, ...]:
        kind = self._kinds.of(name)
        stored: Sequence[StoredEvent] = await self._store.read_events(name, limit=EVENTS_MAX)
        found: list[TimelineEvent] = []
        for event in stored:
            recorded = kind.decode_event(event.payload)
            found.append(
                TimelineEvent(kind=kind.name, stored=event, metadata=recorded.metadata, event=recorded.event)
            )
        return tuple(found)


def _clinical_order(event: TimelineEvent) -> tuple[object, ...]:
    metadata = event.metadata
    return metadata.occurred_at, metadata.recorded_at, metadata.aggregate_id, metadata.version
