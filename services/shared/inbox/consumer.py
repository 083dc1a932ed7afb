"""A group consumer: takes records from Kafka, has them handled, and commits offsets after the database."""

import asyncio
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from services.shared.database.pool import Database
from services.shared.inbox.handling import Handler
from services.shared.inbox.metrics import InboxMetrics
from services.shared.inbox.parking import AggregateKey, Parking, Received
from services.shared.inbox.succession import Succession
from services.shared.inbox.turns import Failed, Stopped, Turns
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.backoff import Backoff
from services.shared.kafka.cloud_events import Undecodable, decode
from services.shared.kafka.consumer import FetchBounds, start_consumer, stop_consumer
from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.stopping import Stopping, comes_within

_log = structlog.get_logger(__name__)

_METADATA_AGE_MS_MAX = 5_000

#: aiokafka that is cancelled while it connects leaves a connection open.
_CONNECTED_WITHIN_S = 1.0

#: A member learns from its next heartbeat that the group's partitions are dealt anew.
_HEARTBEAT_MS_MAX = 250


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumerSettings:
    """What is consumed, and within which bounds; the defaults suit a service."""

    group: str
    topics: tuple[str, ...]
    dlq_topic: str
    #: types that the handler is asked about; all when None. The others cost one statement a poll.
    relevant_types: frozenset[str] | None = None
    #: aggregates handled at the same time
    concurrency: int = 32
    records_max: int = 500
    #: tries of an event that fails for its own reason
    tries_max: int = 3
    commit_s: float = 1.0
    #: how often parked events are looked at that can be handled by now
    sweep_s: float = 2.0
    poll_ms: int = 250
    start_timeout_s: float = 30.0
    stop_timeout_s: float = 5.0
    session_timeout_ms: int = 6_000
    #: how long a consumer waits for its sign of life in the database before it joins without
    life_timeout_s: float = 2.0
    bounds: FetchBounds = field(default_factory=FetchBounds)


class EventConsumer:
    """Has every event of some topics handled at least once, and its effect written once.

    The partitions are dealt round: the sticky assignor of aiokafka keeps its state in the class, so that two
    groups in one process would disturb each other, and there is nothing here to stick to.
    """

    def __init__(
        self,
        database: Database,
        kafka: KafkaAddress,
        handler: Handler,
        settings: ConsumerSettings,
        metrics: InboxMetrics,
    ) -> None:
        self._database = database
        self._kafka = kafka
        self._settings = settings
        self._metrics = metrics
        self._stopping = Stopping()
        self._turns = Turns(
            Parking(database, dlq_topic=settings.dlq_topic),
            handler,
            metrics=metrics,
            stopping=self._stopping.told,
            relevant_types=settings.relevant_types,
            tries_max=settings.tries_max,
        )

    async def run(self) -> None:
        """Consumes until stopped or cancelled; outlives outages of both Kafka and PostgreSQL."""
        with self._stopping.running():
            succession = Succession(self._database, self._kafka, self._settings.group)
            beside = asyncio.create_task(succession.run(), name="succession")
            try:
                await self._sessions(succession)
            finally:
                beside.cancel()
                await asyncio.wait((beside,))

    async def stop(self) -> None:
        """Lets what is being handled end, within a bound, commits, and leaves the group."""
        await self._stopping.end(within_s=self._settings.stop_timeout_s)

    async def _sessions(self, succession: Succession) -> None:
        backoff = Backoff(first_s=0.2, last_s=5.0)
        while not self._stopping.told.is_set():
            try:
                await self._session(succession, backoff)
            except Stopped:
                break
            except (DependencyDown, KafkaError, OSError) as error:
                _log.warning("consumer_waits", group=self._settings.group, error=repr(error))
            except Exception:
                _log.exception("consumer_failed", group=self._settings.group)
            await self._stopping.pause(backoff.next_s())

    async def _session(self, succession: Succession, backoff: Backoff) -> None:
        """From joining the group to losing it."""
        settings = self._settings
        # Who joined first would be taken for dead. Without the database there is nothing to be handled, but
        # a member that waits for it keeps its partitions.
        await comes_within(succession.shows_life, settings.life_timeout_s)
        session = _Session(self._turns, settings, self._metrics)
        joining = start_consumer(
            self._kafka,
            client_id=succession.client_id,
            bounds=settings.bounds,
            timeout_s=settings.start_timeout_s,
            subscribe=settings.topics,
            listener=session,
            group_id=settings.group,
            auto_offset_reset="earliest",
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=min(settings.session_timeout_ms // 4, _HEARTBEAT_MS_MAX),
            max_poll_interval_ms=900_000,
            # A topic that another service makes a moment after we joined is read soon, not in five minutes.
            metadata_max_age_ms=_METADATA_AGE_MS_MAX,
        )
        # Of topics that are not there yet, or a broker that is away, nothing comes for half a minute.
        consumer = await self._stopping.unless_told(joining, grace_s=_CONNECTED_WITHIN_S)
        if consumer is None:
            return
        session.consumer = consumer
        try:
            while not self._stopping.told.is_set():
                await session.poll()
                backoff.reset()
        finally:
            try:
                await session.close()
            finally:
                await stop_consumer(consumer)


class _Session(ConsumerRebalanceListener):  # type: ignore[misc]
    """One membership of the group: what has been handled since, and what of it is committed."""

    def __init__(self, turns: Turns, settings: ConsumerSettings, metrics: InboxMetrics) -> None:
        self.consumer: Any = None
        self._turns = turns
        self._settings = settings
        self._metrics = metrics
        #: next offset of each partition: of all that was handled, and of what is not committed yet
        self._positions: dict[TopicPartition, int] = {}
        self._handled: dict[TopicPartition, int] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._new_partitions = True
        self._committing: asyncio.Task[None] | None = None
        self._next_commit_s = 0.0
        self._next_sweep_s = 0.0

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Commits what is handled before another member begins where this one ended."""
        # What takes longer is done twice, and the second time is a duplicate for the inbox.
        await comes_within(self._idle, self._settings.stop_timeout_s)
        await self.close()
        self._handled.clear()
        self._positions.clear()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """The former owner may have parked aggregates."""
        self._new_partitions = True

    async def poll(self) -> None:
        """Takes what there is, has it handled, and sweeps and commits when it is time."""
        batches = await self.consumer.getmany(
            timeout_ms=self._settings.poll_ms, max_records=self._settings.records_max
        )
        self._idle.clear()
        try:
            if self._new_partitions:
                self._new_partitions = False
                await self._turns.reload(self._settings.topics)
            if batches:
                await self._handle(batches)
                for partition, records in batches.items():
                    self._handled[partition] = self._positions[partition] = records[-1].offset + 1
            if time.monotonic() >= self._next_sweep_s:
                await self._turns.sweep([(tp.topic, tp.partition) for tp in self.consumer.assignment()])
                self._next_sweep_s = time.monotonic() + self._settings.sweep_s
        finally:
            self._idle.set()
        if self._handled and time.monotonic() >= self._next_commit_s and self._committing is None:
            # Beside the next poll: a commit takes longer than most polls.
            self._next_commit_s = time.monotonic() + self._settings.commit_s
            self._committing = asyncio.create_task(self._commit_quietly(), name="offsets-commit")

    async def close(self) -> None:
        """Commits what is handled; a failure is logged: it comes again, and is dropped as duplicates."""
        if self._committing is not None:
            await asyncio.wait((self._committing,))
        await self._commit_quietly()

    async def _commit_quietly(self) -> None:
        assigned = self.consumer.assignment() if self.consumer is not None else set()
        offsets = {partition: o for partition, o in self._handled.items() if partition in assigned}
        try:
            if offsets:
                await asyncio.wait_for(self.consumer.commit(offsets), 5.0)
        except (KafkaError, OSError) as error:
            # It is tried again after a later poll; at worst events come again, and are dropped.
            _log.warning("offsets_not_committed", group=self._settings.group, error=repr(error))
            return
        finally:
            self._committing = None
        for partition, offset in offsets.items():
            if self._handled.get(partition) == offset:
                del self._handled[partition]
        self._measure_lag(assigned)

    async def _handle(self, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        by_aggregate: dict[AggregateKey, list[Received]] = {}
        for records in batches.values():
            for record in records:
                try:
                    event = decode(record)
                except Undecodable as error:
                    await self._turns.bury(record, None, Failed(error=f"undecodable: {error}", attempts=1))
                    continue
                by_aggregate.setdefault((event.topic, event.key), []).append(
                    Received(record=record, event=event)
                )
        places = asyncio.Semaphore(self._settings.concurrency)

        async def take(items: list[Received]) -> list[Received]:
            async with places:
                return await self._turns.take(items)

        await self._turns.mark(await _all(take(items) for items in by_aggregate.values()))

    def _measure_lag(self, assigned: set[TopicPartition]) -> None:
        lags: dict[str, int] = dict.fromkeys(self._settings.topics, 0)
        for partition in assigned:
            end = self.consumer.highwater(partition)
            position = self._positions.get(partition)
            if end is not None and position is not None:
                lags[partition.topic] += max(0, end - position)
        for topic, lag in lags.items():
            self._metrics.lag.labels(topic).set(lag)


async def _all(turns: Iterable[Coroutine[Any, Any, list[Received]]]) -> list[list[Received]]:
    """Waits for all of them, even when one fails: none may go on after its poll. Raises the first failure."""
    results = await asyncio.gather(*turns, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
