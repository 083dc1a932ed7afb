"""What of a replay stands in the target already: read from the marks, so that nothing is sent twice."""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.operator.replay.marks import mark_of
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.consumer import FetchBounds, pin_partitions, start_consumer, stop_consumer
from services.shared.kernel.refusals import DependencyDown

_START_TIMEOUT_S = 10.0
_POLL_MS = 200


class TargetTopics:
    """The target, as it is read: where it ends, and what this replay put there. Close it."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._partitions = pin_partitions(consumer)

    async def close(self) -> None:
        await stop_consumer(self._consumer)

    async def ends(self) -> dict[TopicPartition, int]:
        """Where each partition ends now. Raises KafkaError."""
        found: dict[TopicPartition, int] = await self._consumer.end_offsets(list(self._partitions))
        return found

    def partitions(self, topic: str) -> int:
        """How many partitions a topic has."""
        return sum(each.topic == topic for each in self._partitions)

    async def arrived(
        self, replay: str, since: Mapping[TopicPartition, int]
    ) -> dict[TopicPartition, set[int]]:
        """The source's offsets that stand in the target at or after `since`, by partition of the source.

        Raises KafkaError.
        """
        ends = await self.ends()
        firsts = await self._consumer.beginning_offsets(list(self._partitions))
        waiting = set()
        for each in self._partitions:
            start = max(firsts[each], since.get(each, 0))
            self._consumer.seek(each, start)
            if start < ends[each]:
                waiting.add(each)
        found: dict[TopicPartition, set[int]] = {}
        while waiting:
            batches = await self._consumer.getmany(*waiting, timeout_ms=_POLL_MS)
            for records in batches.values():
                for record in records:
                    mark = mark_of(record.headers)
                    if mark is not None and mark.replay == replay:
                        found.setdefault(TopicPartition(mark.topic, mark.partition), set()).add(mark.offset)
            for each in tuple(waiting):
                if await self._consumer.position(each) >= ends[each]:
                    waiting.discard(each)
        return found


async def open_target(kafka: KafkaAddress, topics: Sequence[str]) -> TargetTopics:
    """Raises DependencyDown when Kafka or a topic is not there."""
    consumer = await start_consumer(
        kafka,
        client_id="tierlink-replay-target",
        bounds=FetchBounds(),
        timeout_s=_START_TIMEOUT_S,
        subscribe=topics,
        group_id=None,
        auto_offset_reset="earliest",
    )
    target = TargetTopics(consumer)
    missing = [topic for topic in topics if not target.partitions(topic)]
    if missing:
        await target.close()
        raise DependencyDown("kafka", f"no topic {', '.join(missing)}")
    return target
