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

#: Events read at a time.
_STEP = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelineEvent:
    """One stored event and what it says of itself."""

    kind: str
    stored: StoredEvent
    metadata: EventMetadata
    event: object


@dataclass(frozen=True, kw_only=True, slots=True)
class TimelinePage:
    """Some of a trail, in its order; and the event to go on after, None when there is no more."""

    events: tuple[TimelineEvent, ...]
    next_after: "Mark | None"


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """An event of a trail."""

    aggregate: str
    version: int


class TimelineReader:
    """Reads trails, whole or in pages. Raises DependencyDown when the store is away."""

    def __init__(self, store: EventStore, runner: CommandRunner, kinds: Aggregates) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds

    async def of_referral(
        self, referral: Referral, as_of: datetime | None = None, *, after: Mark | None = None, limit: int
    ) -> TimelinePage:
        """Its own events by version; with `as_of` those that were recorded by then.

        Raises LookupError for a mark that is none of its events.
        """
        if after is not None and after.aggregate != referral.name:
            raise LookupError(f"{after.aggregate} is not {referral.name}")
        events = await self._events(referral.name, as_of)
        rest = [event for event in events if after is None or event.metadata.version > after.version]
        return _page(rest, limit)

    async def of_episode(
        self,
        episode: Episode,
        members: Sequence[str],
        as_of: datetime | None = None,
        *,
        after: Mark | None = None,
        limit: int,
    ) -> TimelinePage:
        """The episode's events and those of these members, in clinical order.

        What is entered late, with a clinical time that an earlier page is past, is on no later one. Raises
        LookupError for a mark that is no event of theirs.
        """
        names = (episode.name, *members)
        passed = None if after is None else await self._order_of(after, names)
        found: list[TimelineEvent] = []
        for name in names:
            events = await self._events(name, as_of)
            found += [event for event in events if passed is None or _clinical_order(event.metadata) > passed]
            # No more than a page and one aggregate at a time, however long the trail is.
            found.sort(key=lambda event: _clinical_order(event.metadata))
            del found[limit + 1 :]
        return _page(found, limit)

    async def state_at(self, referral: Referral, as_of: datetime | None) -> Referral | None:
        """The referral as it was known at `as_of`; None when nothing was known of it."""
        if as_of is None:
            return referral
        events = await self._events(referral.name, as_of)
        if not events:
            return None
        return await self._runner.state_at(self._kinds.referral, referral.name, events[-1].metadata.version)

    async def _order_of(self, mark: Mark, names: Sequence[str]) -> "_Order":
        if mark.aggregate not in names:
            raise LookupError(f"{mark.aggregate} is not of this episode")
        recorded = await self._runner.event_at(self._kinds.of(mark.aggregate), mark.aggregate, mark.version)
        return _clinical_order(recorded.metadata)

    async def _events(self, name: str, as_of: datetime | None) -> tuple[TimelineEvent, ...]:
        kind = self._kinds.of(name)
        stored: list[StoredEvent] = []
        while True:
            page = await self._store.read_events(name, after_version=len(stored), limit=_STEP)
            stored.extend(page)
            if len(page) < _STEP:
                break
        found: list[TimelineEvent] = []
        for event in stored[: _known_count(stored, as_of)]:
            recorded = kind.decode_event(event.payload)
            found.append(
                TimelineEvent(kind=kind.name, stored=event, metadata=recorded.metadata, event=recorded.event)
            )
        return tuple(found)


def _page(events: Sequence[TimelineEvent], limit: int) -> TimelinePage:
    shown = tuple(events[:limit])
    if len(events) <= limit:
        return TimelinePage(events=shown, next_after=None)
    last = shown[-1].metadata
    return TimelinePage(events=shown, next_after=Mark(aggregate=last.aggregate_id, version=last.version))


def _known_count(stored: Sequence[StoredEvent], as_of: datetime | None) -> int:
    """How many of an aggregate's first events were known then.

    Up to the last one recorded by then: processes' clocks differ, and no event is known without those before.
    """
    if as_of is None:
        return len(stored)
    known = [position for position, event in enumerate(stored, start=1) if event.recorded_at <= as_of]
    return known[-1] if known else 0


_Order = tuple[datetime, datetime, str, int]


def _clinical_order(metadata: EventMetadata) -> _Order:
    return metadata.occurred_at, metadata.recorded_at, metadata.aggregate_id, metadata.version
