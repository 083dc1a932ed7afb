"""Sends what is selected, round by round: the next round begins when all of the last is acknowledged.

So the number of records in flight is bounded, each partition of the target gets its records in the order in
which they were read, and a key keeps its order whatever fails: a batch goes out when the one before it has
been acknowledged.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

from aiokafka import TopicPartition

from services.operator.events.record import EventRecord
from services.operator.events.source import TopicSource
from services.operator.replay.arrived import TargetTopics
from services.operator.replay.marks import marked
from services.operator.replay.pacing import Pacer
from services.operator.replay.state_file import ReplayState, places
from services.shared.kafka.partitions import partition_of
from services.shared.kernel.refusals import DependencyDown
from services.shared.outbox.publisher import Chain

_ROUND_RECORDS = 1_000
_ROUND_BYTES = 8 * 1024 * 1024
_ACK_TIMEOUT_S = 30.0
_SAVE_S = 0.5

Save = Callable[[ReplayState], None]


class Sending:
    """One attempt at what is left of a replay."""

    def __init__(
        self,
        state: ReplayState,
        *,
        source: TopicSource,
        target: TargetTopics,
        producer: Any,
        pacer: Pacer,
        save: Save,
        on_sent: Callable[[int], None],
    ) -> None:
        """`save` keeps a state for good; `on_sent` is told how many records were acknowledged in all."""
        self._state = state
        self._source = source
        self._target = target
        self._producer = producer
        self._pacer = pacer
        self._save = save
        self._on_sent = on_sent
        self._done = {each: offsets.start for each, offsets in state.left().items()}
        self._sent_before = places(state.sent_before)
        self._sent = state.sent
        self._saved_s = 0.0

    async def run(self, arrived: Mapping[TopicPartition, set[int]]) -> ReplayState:
        """Sends everything but what has `arrived`; returns the complete state.

        Raises DependencyDown when Kafka does not acknowledge in time, KafkaError, OSError when the state
        cannot be kept. Whatever it raises, what was kept is true.
        """
        self._sent += sum(offset >= self._done[each] for each in arrived for offset in arrived[each])
        try:
            async for records, reached in self._rounds(arrived):
                await self._send(records)
                self._sent += len(records)
                self._done.update(reached)
                self._on_sent(self._sent)
                if time.monotonic() - self._saved_s >= _SAVE_S:
                    # Nothing is in flight: what will be sent and not counted stands after these ends.
                    self._sent_before = await self._target.ends()
                    self._keep()
        except BaseException:
            # A round that was cut stands in part in the target, after the ends that were taken last.
            self._keep()
            raise
        self._state = replace(self._state, is_complete=True)
        self._keep()
        return self._state

    def _keep(self) -> None:
        self._saved_s = time.monotonic()
        self._state = self._state.moved(done=self._done, sent_before=self._sent_before, sent=self._sent)
        self._save(self._state)

    async def _rounds(
        self, arrived: Mapping[TopicPartition, set[int]]
    ) -> AsyncIterator[tuple[list[EventRecord], dict[TopicPartition, int]]]:
        """What is to be sent together, and how far the source was read with it."""
        selection = self._state.assignment.selection
        records: list[EventRecord] = []
        reached: dict[TopicPartition, int] = {}
        size = 0
        async for page in self._source.merged():
            for record in page:
                place = TopicPartition(record.topic.name, record.partition)
                if not selection.wants(record) or record.offset in arrived.get(place, ()):
                    reached[place] = record.offset + 1
                    continue
                wait_s = self._pacer.wait_s(record.time)
                is_full = len(records) >= _ROUND_RECORDS or size >= _ROUND_BYTES
                if records and (wait_s > 0 or is_full):
                    yield records, reached
                    records, reached, size = [], {}, 0
                await self._pacer.wait(record.time)
                self._pacer.taken()
                records.append(record)
                reached[place] = record.offset + 1
                size += len(record.value)
        yield records, reached

    async def _send(self, records: list[EventRecord]) -> None:
        chains: dict[TopicPartition, Chain] = {}
        now_ms = time.time_ns() // 1_000_000
        assignment = self._state.assignment
        for position, record in enumerate(records):
            topic = assignment.topics[record.topic.name]
            count = self._target.partitions(topic)
            # Without a key there is no order to keep but that of its partition.
            partition = record.partition % count if record.key is None else partition_of(record.key, count)
            chain = chains.setdefault(TopicPartition(topic, partition), Chain(topic, partition))
            chain.add(
                self._producer,
                position,
                timestamp=now_ms,
                key=record.key,
                value=None if record.is_tombstone else record.value,
                headers=marked(record, assignment.replay),
            )
        tasks = [asyncio.create_task(chain.send(self._producer)) for chain in chains.values()]
        if not tasks:
            return
        try:
            _, late = await asyncio.wait(tasks, timeout=_ACK_TIMEOUT_S, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        if late:
            raise DependencyDown("kafka", "no acknowledgement in time")
