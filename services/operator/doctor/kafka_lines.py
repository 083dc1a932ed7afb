"""What is to be said of Kafka: from what was seen to lines, without asking anybody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.operator.doctor.verdict import Finding, Line
from services.shared.kafka.topics import MESSAGE_BYTES_MAX, Cleanup, TopicSpec

#: So many records are read in seconds; more is a group that does not keep up.
_LAG_LATE = 1_000


@dataclass(frozen=True, kw_only=True, slots=True)
class PartitionSeen:
    """One partition of a topic."""

    has_leader: bool
    replicas_count: int
    in_sync_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicSeen:
    """A topic as the brokers describe it."""

    partitions: Sequence[PartitionSeen]
    #: by Kafka's names
    settings: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupSeen:
    """A consumer group."""

    members_count: int
    #: records not read and committed yet
    lag: int
    #: a partition with such records did not move while we looked
    is_stuck: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaSeen:
    """The cluster."""

    brokers_count: int
    #: by name; those that exist
    topics: Mapping[str, TopicSeen]
    #: by name
    groups: Mapping[str, GroupSeen]


def kafka_lines(seen: KafkaSeen, expected: Sequence[TopicSpec], replicas: int) -> Iterator[Line]:
    """The verdicts on brokers, topics and groups; a topic has a line for each fault."""
    finding = Finding.KAFKA_REACHED if seen.brokers_count >= replicas else Finding.BROKERS_FEW
    yield Line(area="kafka", finding=finding, values={"brokers": seen.brokers_count, "wanted": replicas})
    for spec in expected:
        yield from _topic_lines(spec, seen.topics.get(spec.name))
    for name, group in seen.groups.items():
        yield _group_line(name, group)


def _topic_lines(spec: TopicSpec, seen: TopicSeen | None) -> Iterator[Line]:
    if seen is None:
        yield Line(area="kafka", subject=spec.name, finding=Finding.TOPIC_MISSING)
        return
    faults = [*_partition_faults(spec, seen), *_setting_faults(spec, seen.settings)]
    if not faults:
        yield Line(
            area="kafka",
            subject=spec.name,
            finding=Finding.TOPIC_GOOD,
            values={"partitions": len(seen.partitions)},
        )
    for finding, found, wanted in faults:
        yield Line(
            area="kafka", subject=spec.name, finding=finding, values={"found": found, "wanted": wanted}
        )


_Fault = tuple[Finding, str | int, str | int]


def _partition_faults(spec: TopicSpec, seen: TopicSeen) -> Iterator[_Fault]:
    if len(seen.partitions) != spec.partitions:
        yield Finding.TOPIC_PARTITIONS, len(seen.partitions), spec.partitions
    replicas = min((each.replicas_count for each in seen.partitions), default=0)
    if replicas < spec.replicas:
        yield Finding.TOPIC_REPLICAS, replicas, spec.replicas
    needed = _number(seen.settings.get("min.insync.replicas"), 1)
    silent = [each for each in seen.partitions if not each.has_leader or each.in_sync_count < needed]
    if silent:
        yield Finding.TOPIC_UNAVAILABLE, len(silent), 0
        return
    behind = [each for each in seen.partitions if each.in_sync_count < each.replicas_count]
    if behind:
        yield Finding.TOPIC_BEHIND, len(behind), 0


def _setting_faults(spec: TopicSpec, settings: Mapping[str, str]) -> Iterator[_Fault]:
    cleanup = settings.get("cleanup.policy", "")
    if cleanup != spec.cleanup.value:
        yield Finding.TOPIC_CLEANUP, cleanup, spec.cleanup.value
    if spec.cleanup is Cleanup.DELETE:
        for name, wanted in (("retention.ms", spec.retention_ms), ("retention.bytes", -1)):
            found = _number(settings.get(name), -1)
            if found != -1 and (wanted == -1 or found < wanted):
                yield Finding.TOPIC_RETENTION, f"{name}={found}", wanted
    size = _number(settings.get("max.message.bytes"), 0)
    if size < MESSAGE_BYTES_MAX:
        yield Finding.TOPIC_MESSAGE_BYTES, size, MESSAGE_BYTES_MAX
    in_sync, wanted_in_sync = _number(settings.get("min.insync.replicas"), 1), max(1, spec.replicas - 1)
    if in_sync < wanted_in_sync:
        yield Finding.TOPIC_MIN_ISR, in_sync, wanted_in_sync


def _number(setting: str | None, default: int) -> int:
    return default if setting is None else int(setting)


def _group_line(name: str, group: GroupSeen) -> Line:
    if group.members_count == 0:
        finding = Finding.GROUP_EMPTY
    elif group.is_stuck:
        finding = Finding.GROUP_STUCK
    elif group.lag > _LAG_LATE:
        finding = Finding.GROUP_LATE
    else:
        finding = Finding.GROUP_GOOD
    return Line(
        area="kafka", subject=name, finding=finding, values={"lag": group.lag, "members": group.members_count}
    )
