"""Asks Kafka how it is. Reads only: nobody's place in a topic moves by it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import GroupCoordinatorNotAvailableError

from services.operator.doctor.kafka_lines import GroupSeen, KafkaSeen, PartitionSeen, TopicSeen
from services.shared.kafka.address import KafkaAddress

_REQUEST_MS = 5_000
#: What waits is looked at twice, so that a group that works is told from one that stands still. Longer than
#: the pause between two commits of offsets.
_SECOND_LOOK_S = 3.0

Offsets = Mapping[TopicPartition, int]


async def read_kafka(
    kafka: KafkaAddress,
    topics: Sequence[str],
    groups: Mapping[str, Sequence[str]],
    *,
    generations: Mapping[str, Sequence[str]],
    second_look_s: float = _SECOND_LOOK_S,
) -> KafkaSeen:
    """The cluster with these topics, as far as they exist, and these groups.

    Of `generations`, by the beginning of their names, the latest is among the groups, where there is any.
    Raises KafkaError or OSError. Whoever calls bounds the time.
    """
    admin = AIOKafkaAdminClient(**kafka.client_options("tierlink-doctor"), request_timeout_ms=_REQUEST_MS)
    consumer = AIOKafkaConsumer(
        **kafka.client_options("tierlink-doctor"), group_id=None, request_timeout_ms=_REQUEST_MS
    )
    try:
        await admin.start()
        await consumer.start()
        cluster = await admin.describe_cluster()
        known = set(await admin.list_topics())
        groups = {**groups, **latest(await _group_names(admin), generations)}
        read = {name for names in groups.values() for name in names}
        there = [name for name in dict.fromkeys((*topics, *sorted(read))) if name in known]
        described = await _topics(admin, there)
        lag = _Lag(admin, consumer, described)
        before = await lag.read(groups)
        stuck: Mapping[str, bool] = dict.fromkeys(groups, False)
        if any(sum(waiting.values()) for waiting, _ in before.values()):
            await asyncio.sleep(second_look_s)
            after = await lag.read(groups)
            stuck = {name: _is_stuck(before[name], after[name]) for name in groups}
            before = after
        members = await _members(admin, groups)
    finally:
        await consumer.stop()
        await admin.close()
    return KafkaSeen(
        brokers_count=len(cluster["brokers"]),
        topics=described,
        groups={
            name: GroupSeen(
                members_count=members.get(name, 0),
                lag=sum(before[name][0].values()),
                is_stuck=stuck[name],
            )
            for name in groups
        },
    )


def latest(known: Iterable[str], generations: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """The group of the highest number of each kind, with what it reads; the first has none."""
    found = {}
    for beginning, topics in generations.items():
        numbers = {1: beginning} if beginning in known else {}
        for name in known:
            number = name.removeprefix(f"{beginning}-")
            if number != name and number.isdecimal():
                numbers[int(number)] = name
        if numbers:
            found[numbers[max(numbers)]] = topics
    return found


async def _group_names(admin: AIOKafkaAdminClient) -> frozenset[str]:
    try:
        return frozenset(name for name, *_ in await admin.list_consumer_groups())
    except GroupCoordinatorNotAvailableError:
        return frozenset()


def _is_stuck(before: "_Reading", after: "_Reading") -> bool:
    """Whether a partition had something to be read at both looks, and was not read from meanwhile."""
    return any(
        waiting and after[0].get(partition, 0) and after[1][partition] == before[1][partition]
        for partition, waiting in before[0].items()
    )


#: Of one group: what waits in each partition, and where the group is.
_Reading = tuple[Offsets, Offsets]


class _Lag:
    """How far groups are behind."""

    def __init__(
        self, admin: AIOKafkaAdminClient, consumer: AIOKafkaConsumer, topics: Mapping[str, TopicSeen]
    ) -> None:
        self._admin = admin
        self._consumer = consumer
        self._topics = topics

    async def read(self, groups: Mapping[str, Sequence[str]]) -> Mapping[str, _Reading]:
        return {name: await self._group(name, topics) for name, topics in groups.items()}

    async def _group(self, name: str, topics: Iterable[str]) -> _Reading:
        partitions = [
            TopicPartition(topic, number)
            for topic in topics
            if topic in self._topics
            for number in range(len(self._topics[topic].partitions))
        ]
        if not partitions:
            return {}, {}
        committed: Mapping[TopicPartition, Any] = {}
        # A cluster where no group has ever been has nobody to ask about them.
        with suppress(GroupCoordinatorNotAvailableError):
            committed = await self._admin.list_consumer_group_offsets(name, partitions=partitions)
        # Where a group has no place yet it begins at the beginning.
        begins = await self._consumer.beginning_offsets(partitions)
        ends = await self._consumer.end_offsets(partitions)
        places = {
            each: max(begins[each], committed[each].offset if each in committed else 0) for each in partitions
        }
        return {each: max(0, ends[each] - places[each]) for each in partitions}, places


async def _topics(admin: AIOKafkaAdminClient, names: Sequence[str]) -> dict[str, TopicSeen]:
    if not names:
        return {}
    settings: dict[str, dict[str, str]] = {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    for response in await admin.describe_configs(resources):
        for _code, _message, _kind, name, entries in response.resources:
            settings[name] = {entry[0]: entry[1] for entry in entries if entry[1] is not None}
    return {
        topic["topic"]: TopicSeen(
            partitions=[
                PartitionSeen(
                    has_leader=each["leader"] >= 0,
                    replicas_count=len(each["replicas"]),
                    in_sync_count=len(each["isr"]),
                )
                for each in topic["partitions"]
            ],
            settings=settings.get(topic["topic"], {}),
        )
        for topic in await admin.describe_topics(list(names))
    }


async def _members(admin: AIOKafkaAdminClient, groups: Iterable[str]) -> dict[str, int]:
    """How many read in each group. One a request: aiokafka 0.14 cannot decode an answer about several."""
    found: dict[str, int] = {}
    for name in groups:
        with suppress(GroupCoordinatorNotAvailableError):
            for response in await admin.describe_consumer_groups([name]):
                for group in response.groups:
                    # error, group, state, protocol type, protocol, members, …
                    found[name] = len(group[5])
    return found
