"""Handles the events of aggregates, each aggregate's in order, and keeps what cannot be handled."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import asyncpg
import structlog

from services.shared.eventstore.units import AppendStatus
from services.shared.inbox.handling import IGNORED, Answer, Handler
from services.shared.inbox.metrics import InboxMetrics
from services.shared.inbox.parking import AggregateKey, Parking, Received, Span
from services.shared.kafka.backoff import Backoff
from services.shared.kafka.cloud_events import ConsumedEvent, ReceivedRecord
from services.shared.kernel.refusals import DependencyDown, Overloaded
from services.shared.loops.stopping import comes_within
from services.shared.telemetry.privacy import without_private_text

_log = structlog.get_logger(__name__)
T = TypeVar("T")

#: Parked events read at once.
_PAGE = 100

#: What another try may cure, whatever the event.
_PASSING = (DependencyDown, Overloaded, asyncpg.DeadlockDetectedError, asyncpg.SerializationError)

#: What `CommandRunner.react` may return, and IGNORED.
_FINAL = (AppendStatus.APPENDED, AppendStatus.REPEATED, AppendStatus.SEEN, AppendStatus.GAP, IGNORED)


class Stopped(Exception):
    """The consumer is told to stop while it waits for a dependency; nothing of the event is done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """A handler gave an event up."""

    error: str
    attempts: int


class Turns:
    """The handling of one consumer. The turns of different aggregates may run at the same time.

    Every method raises Stopped when the consumer stops meanwhile: whatever was not finished comes again.
    """

    def __init__(
        self,
        parking: Parking,
        handler: Handler,
        *,
        metrics: InboxMetrics,
        stopping: asyncio.Event,
        relevant_types: frozenset[str] | None = None,
        tries_max: int = 3,
    ) -> None:
        self._parking = parking
        self._handler = handler
        self._metrics = metrics
        self._stopping = stopping
        self._relevant_types = relevant_types
        self._tries_max = tries_max
        #: as far as this process knows; what it does not know, the inbox finds as a gap
        self._parked: set[AggregateKey] = set()

    async def reload(self, topics: Sequence[str]) -> None:
        """Learns which aggregates are parked: another process may have had the partitions before."""
        self._parked = set(await self._persist(lambda: self._parking.parked_aggregates(topics)))
        self._metrics.parked.set(len(self._parked))

    async def take(self, items: Sequence[Received]) -> list[Received]:
        """Handles one aggregate's events of a poll; returns those without effect, for `mark`."""
        aggregate = _aggregate(items[0].event)
        ignored: list[Received] = []
        for item in items:
            if aggregate not in self._parked:
                ignored = await self._take_one(aggregate, item, ignored)
            else:
                await self._park(item, "parked")
        if aggregate not in self._parked:
            return ignored
        await self.mark([ignored])
        await self.drain(aggregate)
        return []

    async def mark(self, runs: Sequence[Sequence[Received]]) -> None:
        """Moves the inbox past events without effect: each run is one aggregate's, without a gap in it."""
        by_aggregate = {_aggregate(run[0].event): run for run in runs if run}
        spans = {
            aggregate: Span(first=run[0].event.version, last=run[-1].event.version)
            for aggregate, run in by_aggregate.items()
        }
        behind_gaps = await self._persist(lambda: self._parking.mark_ignored(spans))
        for aggregate, run in by_aggregate.items():
            for item in run:
                if aggregate in behind_gaps:
                    await self._park(item, "gap")
                else:
                    self._count(item.event.topic, "ignored")

    async def drain(self, aggregate: AggregateKey) -> None:
        """Handles what is parked of an aggregate, in order, as far as it goes."""
        while True:
            waiting = await self._persist(lambda: self._parking.waiting(aggregate, limit=_PAGE))
            done = await self._handle_waiting(waiting.events, waiting.handled_version)
            if done:
                await self._persist(lambda: self._parking.remove(aggregate, done))  # noqa: B023
            if len(done) < _PAGE:
                break
        if not await self._persist(lambda: self._parking.is_parked(aggregate)):
            self._parked.discard(aggregate)
            _log.info("inbox_unparked", topic=aggregate[0], aggregate=aggregate[1])
        self._metrics.parked.set(len(self._parked))

    async def sweep(self, partitions: Sequence[tuple[str, int]]) -> None:
        """Takes up what is parked and can be handled by now, such as a dead letter that was redriven."""
        ready = await self._persist(lambda: self._parking.ready(partitions, limit=_PAGE))
        for aggregate in ready:
            await self.drain(aggregate)

    async def bury(self, record: ReceivedRecord, event: ConsumedEvent | None, failed: Failed) -> None:
        """Makes a record a dead letter; its aggregate is parked from then on."""
        await self._persist(
            lambda: self._parking.bury(record, event, error=failed.error, attempts=failed.attempts)
        )
        if event is not None:
            self._parked.add(_aggregate(event))
            self._metrics.parked.set(len(self._parked))
        self._count(record.topic, "dead_letter")
        _log.error(
            "inbox_dead_letter",
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            aggregate=None if event is None else event.key,
            version=None if event is None else event.version,
            error=failed.error,
        )

    async def _take_one(
        self, aggregate: AggregateKey, item: Received, ignored: list[Received]
    ) -> list[Received]:
        event = item.event
        if ignored and self._relevant_types is not None and event.type in self._relevant_types:
            await self.mark([ignored])
            ignored = []
            if aggregate in self._parked:
                await self._park(item, "gap")
                return ignored
        answer = await self._ask(event)
        follows = bool(ignored) and event.version == ignored[-1].event.version + 1
        if ignored and (answer is AppendStatus.GAP or isinstance(answer, Failed) or not follows):
            # It may only be a gap because the events in front of it are not marked yet.
            await self.mark([ignored])
            ignored = []
            if aggregate in self._parked:
                await self._park(item, "gap")
                return ignored
            if answer is AppendStatus.GAP:
                answer = await self._ask(event)
        if answer is IGNORED:
            ignored.append(item)
        elif isinstance(answer, Failed):
            await self.bury(item.record, event, answer)
        elif answer is AppendStatus.GAP:
            await self._park(item, "gap")
        else:
            self._count(event.topic, "duplicate" if answer is AppendStatus.SEEN else "applied")
        return ignored

    async def _handle_waiting(self, items: Sequence[Received], handled_version: int) -> list[int]:
        """Handles parked events up to the next gap or failure; returns the versions that wait no more."""
        done: list[int] = []
        for item in items:
            event = item.event
            if event.version > handled_version + 1:
                break
            if event.version == handled_version + 1:
                answer = await self._ask(event)
                if answer is IGNORED:
                    await self.mark([[item]])
                elif isinstance(answer, Failed):
                    await self.bury(item.record, event, answer)
                    return [*done, event.version]
                elif answer is AppendStatus.GAP:
                    break
                else:
                    self._count(event.topic, "duplicate" if answer is AppendStatus.SEEN else "applied")
                handled_version = event.version
            done.append(event.version)
        return done

    async def _ask(self, event: ConsumedEvent) -> Answer | Failed:
        """The handler's answer, after as many tries as it takes or is worth."""
        if self._relevant_types is not None and event.type not in self._relevant_types:
            return IGNORED
        backoff = Backoff(first_s=0.05, last_s=5.0)
        attempts = 0
        while True:
            try:
                answer = await self._handler(event)
            except _PASSING as error:
                _log.warning("inbox_waits", topic=event.topic, aggregate=event.key, error=str(error))
            except Exception as error:
                attempts += 1
                _log.exception(
                    "inbox_handler_failed",
                    topic=event.topic,
                    aggregate=event.key,
                    version=event.version,
                    attempt=attempts,
                )
                if attempts >= self._tries_max:
                    return Failed(error=_told(error), attempts=attempts)
            else:
                if answer not in _FINAL:
                    return Failed(error=f"the handler answered {answer}", attempts=1)
                return answer
            self._metrics.retries.labels(event.topic).inc()
            await self._pause(backoff)

    async def _park(self, item: Received, why: str) -> None:
        event = item.event
        await self._persist(lambda: self._parking.park(item))
        self._count(event.topic, why)
        self._parked.add(_aggregate(event))
        self._metrics.parked.set(len(self._parked))
        log = _log.error if why == "gap" else _log.warning
        log(f"inbox_{why}", topic=event.topic, aggregate=event.key, version=event.version)

    async def _persist(self, action: Callable[[], Awaitable[T]]) -> T:
        """Does what must be done before anything else may be, however long the database is away."""
        backoff = Backoff(first_s=0.05, last_s=5.0)
        while True:
            try:
                return await action()
            except _PASSING as error:
                _log.warning("inbox_waits", error=str(error))
                await self._pause(backoff)

    async def _pause(self, backoff: Backoff) -> None:
        if await comes_within(self._stopping, backoff.next_s()):
            raise Stopped

    def _count(self, topic: str, outcome: str) -> None:
        self._metrics.events.labels(topic, outcome).inc()


def _aggregate(event: ConsumedEvent) -> AggregateKey:
    return event.topic, event.key


def _told(error: Exception) -> str:
    return without_private_text(f"{type(error).__name__}: {error}")
