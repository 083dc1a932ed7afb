"""The relay: publishes a database's outbox, together with the relays of other processes.

Shards are divided among the relays by leases. A relay works its shards in two lanes: while one lane waits for
Kafka, the other fetches, and within a lane nothing of a shard is fetched before what was fetched earlier is
deleted. So a shard's order is kept without remembering what is under way.
"""

import asyncio
import os
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from uuid import uuid4

import structlog

from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import SHARDS
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.backoff import Backoff
from services.shared.kafka.producer import ProducerSettings
from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.stopping import Stopping, comes_within
from services.shared.outbox.floors import Floors
from services.shared.outbox.leases import Leases
from services.shared.outbox.metrics import RelayMetrics
from services.shared.outbox.publisher import Published, Publisher
from services.shared.outbox.table import FetchBound, OutboxTable
from services.shared.telemetry.tracer import Tracer

_log = structlog.get_logger(__name__)

ALL_SHARDS = frozenset(range(SHARDS))

#: Messages of one shard that are counted: what a gauge must tell is that there are many, and for how long.
_COUNTED_MAX = 2_000

#: What each message of a round adds to the time until the next one, and the most that it comes to.
_GATHERING_MESSAGE_S = 0.004
_GATHERING_MAX_S = 0.1


@dataclass(frozen=True, kw_only=True, slots=True)
class RelaySettings:
    """How a relay works; the defaults suit a service."""

    #: `source` of the CloudEvents, a URI reference such as `/tierlink/referral`
    source: str
    #: how long the shards of a relay that died stay its own
    lease_s: float = 3.0
    #: how often it looks without having been woken
    poll_s: float = 1.0
    #: how long it waits for Kafka's acknowledgement before it sends again with a new producer
    ack_timeout_s: float = 10.0
    backoff_max_s: float = 2.0
    #: how often depth and age of the outbox are measured
    measure_s: float = 5.0
    #: how often it is asked from where on messages are to be looked for
    floors_s: float = 0.25
    stop_timeout_s: float = 5.0
    lanes: int = 2
    bound: FetchBound = field(default_factory=partial(FetchBound, rows_max=256))
    producer: ProducerSettings = field(default_factory=partial(ProducerSettings, client_id="tierlink-relay"))


class _Lane:
    """Some of the shards, and the producer that sends them."""

    def __init__(self, shards: frozenset[int], publisher: Publisher) -> None:
        self.shards = shards
        self.publisher = publisher
        self.woken = asyncio.Event()
        #: shards of the round under way: their leases are not given up meanwhile
        self.busy: frozenset[int] = frozenset()


class Relay:
    """Publishes the outbox of `database`, which should be opened with `RELAY_SESSION`."""

    def __init__(
        self,
        database: Database,
        kafka: KafkaAddress,
        settings: RelaySettings,
        metrics: RelayMetrics,
        tracer: Tracer | None = None,
    ) -> None:
        """Without a `tracer` nothing of what is published is recorded."""
        self._database = database
        self._settings = settings
        self._metrics = metrics
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._leases = Leases(database, owner=owner, lease_s=settings.lease_s)
        self._table = OutboxTable(database)
        self._floors = Floors(self._table, probe_s=settings.floors_s / 2)
        self._lanes = tuple(
            _Lane(
                frozenset(range(number, SHARDS, settings.lanes)),
                Publisher(
                    kafka,
                    settings.producer,
                    source=settings.source,
                    ack_timeout_s=settings.ack_timeout_s,
                    tracer=tracer,
                ),
            )
            for number in range(settings.lanes)
        )
        self._next_measure_s = 0.0
        self._leases_woken = asyncio.Event()
        self._stopping = Stopping()

    @property
    def held(self) -> frozenset[int]:
        """Shards that this relay holds the lease of."""
        return self._leases.held

    def wake(self, shards: Iterable[int] = ALL_SHARDS) -> frozenset[int]:
        """Says that there are messages in `shards`; returns those that this relay does not hold."""
        wanted = frozenset(shards)
        for lane in self._lanes:
            if not wanted.isdisjoint(lane.shards):
                lane.woken.set()
        return wanted - self._leases.held

    def wake_leases(self) -> None:
        """Says that there may be leases to be taken."""
        self._leases_woken.set()

    async def run(self) -> None:
        """Publishes until stopped or cancelled; outlives outages of both Kafka and PostgreSQL."""
        with self._stopping.running():
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._keep_leases(), name="relay-leases")
                    group.create_task(self._keep_floors(), name="relay-floors")
                    for lane in self._lanes:
                        group.create_task(self._work(lane), name="relay-lane")
            finally:
                await self._leave()

    async def stop(self) -> None:
        """Lets the round under way end, within a bound, and gives the leases up."""
        self._leases_woken.set()
        for lane in self._lanes:
            lane.woken.set()
        await self._stopping.end(within_s=self._settings.stop_timeout_s)

    async def _leave(self) -> None:
        for lane in self._lanes:
            await lane.publisher.close()
        try:
            await asyncio.wait_for(self._leases.depart(), self._settings.stop_timeout_s)
        except (DependencyDown, TimeoutError):
            _log.warning("relay_leases_left_to_expire", owner=self._leases.owner)

    async def _keep_leases(self) -> None:
        backoff = Backoff(first_s=0.1, last_s=self._settings.lease_s / 3)
        while not self._stopping.told.is_set():
            self._leases_woken.clear()
            pause_s = self._settings.lease_s / 3
            try:
                busy = frozenset(shard for lane in self._lanes for shard in lane.busy)
                self.wake(await self._leases.tick(busy))
                await self._measure()
                backoff.reset()
            except DependencyDown as error:
                pause_s = backoff.next_s()
                self._failed(error)
            except Exception:
                pause_s = backoff.next_s()
                _log.exception("relay_leases_failed", owner=self._leases.owner)
            self._metrics.shards_held.set(len(self._leases.held))
            await comes_within(self._leases_woken, pause_s)

    async def _keep_floors(self) -> None:
        while not self._stopping.told.is_set():
            try:
                await self._floors.advance()
            except DependencyDown as error:
                self._failed(error)
            except Exception:
                _log.exception("relay_floors_failed", owner=self._leases.owner)
            await self._stopping.pause(self._settings.floors_s)

    async def _measure(self) -> None:
        if time.monotonic() < self._next_measure_s:
            return
        self._next_measure_s = time.monotonic() + self._settings.measure_s
        aim = self._floors.aim(self._leases.held)
        depth = await self._table.depth(aim.floors, count_max=_COUNTED_MAX)
        self._metrics.depth.set(depth.messages)
        self._metrics.oldest_s.set(depth.oldest_s)

    async def _work(self, lane: _Lane) -> None:
        backoff = Backoff(first_s=0.05, last_s=self._settings.backoff_max_s)
        while not self._stopping.told.is_set():
            # Before the fetch: what comes during it is not missed.
            lane.woken.clear()
            begun_s = time.monotonic()
            try:
                sent, more = await self._round(lane)
            except DependencyDown as error:
                self._failed(error)
                await self._stopping.pause(backoff.next_s())
                continue
            except Exception:
                self._metrics.failures.labels("relay").inc()
                _log.exception("relay_round_failed", owner=self._leases.owner)
                await self._stopping.pause(backoff.next_s())
                continue
            finally:
                lane.busy = frozenset()
            backoff.reset()
            if not more:
                await comes_within(lane.woken, self._settings.poll_s)
                gathering_s = begun_s + self._gathering_s(sent) - time.monotonic()
                if gathering_s > 0:
                    await self._stopping.pause(gathering_s)

    def _gathering_s(self, sent: int) -> float:
        """How long after its beginning a round that sent so much is followed by the next one.

        A round costs as much as twenty messages, so where many come they wait for each other, and where one
        comes now and then it goes at once.
        """
        return min(sent * _GATHERING_MESSAGE_S, _GATHERING_MAX_S)

    async def _round(self, lane: _Lane) -> tuple[int, bool]:
        """Fetches, publishes and deletes once; returns how many went, and whether there may be more."""
        shards = self._leases.usable(lane.shards)
        lane.busy = frozenset(shards)
        if not shards:
            return 0, False
        aim = self._floors.aim(shards)
        rows = await self._table.fetch(aim.floors, self._settings.bound)
        firsts: dict[int, int] = {}
        for row in rows:
            firsts.setdefault(row["shard"], row["seq"])
        self._floors.learn(aim, firsts)
        # The last look before the send: the fetch may have taken what was left of a lease.
        epochs = {shard: e for shard, e in self._leases.usable(shards).items() if shards[shard] == e}
        sendable = rows if len(epochs) == len(shards) else [row for row in rows if row["shard"] in epochs]
        if not sendable:
            return 0, False
        published = await lane.publisher.publish(sendable)
        await self._delete(epochs, published)
        if published.failure is not None:
            raise DependencyDown("kafka", repr(published.failure)) from published.failure
        if published.absent_topics:
            self._metrics.failures.labels("topic").inc()
            if not published.sequences:
                return 0, False
        bound = self._settings.bound
        more = len(rows) >= bound.rows_max or sum(len(row["value"]) for row in rows) >= bound.bytes_max
        return len(published.sequences), more

    async def _delete(self, epochs: dict[int, int], published: Published) -> None:
        sequences = published.sequences
        if not sequences:
            return
        for topic, of_topic in published.acknowledged.items():
            self._metrics.published.labels(topic).inc(len(of_topic))
        lost = epochs.keys() - await self._table.delete(self._leases.owner, epochs, sequences)
        if lost:
            self._leases.lose(lost)
            self._metrics.leases_lost.inc(len(lost))
            _log.warning("relay_leases_lost", owner=self._leases.owner, shards=sorted(lost))

    def _failed(self, error: DependencyDown) -> None:
        self._metrics.failures.labels(error.dependency).inc()
        if error.dependency == "postgresql":
            self._floors.forget()
        _log.warning("relay_waits", owner=self._leases.owner, dependency=error.dependency, error=str(error))
