"""Topics are declared by those who need them, and made where they are missing."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    InvalidReplicationFactorError,
    KafkaError,
    NoError,
    TopicAlreadyExistsError,
    for_code,
)

from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.backoff import Backoff
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)

#: More than a request to any service may hold, so that no stored event is too large to be published.
MESSAGE_BYTES_MAX = 5 * 1024 * 1024


class Cleanup(StrEnum):
    """What Kafka does with old records."""

    DELETE = "delete"
    #: the last record of each key stays
    COMPACT = "compact"


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicSpec:
    """A topic as it is made. One that exists stays as it is: keys keep their order by their partition."""

    name: str
    partitions: int = 6
    #: copies of each partition; with three or more, a write needs all but one of them
    replicas: int = 1
    cleanup: Cleanup = Cleanup.DELETE
    #: milliseconds; -1 keeps for ever
    retention_ms: int = -1

    def configuration(self) -> dict[str, str]:
        """Settings of the topic, by Kafka's names."""
        settings = {
            "cleanup.policy": self.cleanup.value,
            "max.message.bytes": str(MESSAGE_BYTES_MAX),
            "min.insync.replicas": str(max(1, self.replicas - 1)),
        }
        if self.cleanup is Cleanup.DELETE:
            settings |= {"retention.ms": str(self.retention_ms), "retention.bytes": "-1"}
        return settings


class TopicRefused(Exception):
    """Kafka is there and will not make a topic so; trying again does not help."""


async def ensure_topics(kafka: KafkaAddress, specs: Iterable[TopicSpec], *, timeout_s: float = 30.0) -> None:
    """Makes the topics that are missing and waits until each partition has a leader.

    May be called by many at once. Raises DependencyDown when Kafka is not ready in time, TopicRefused when it
    will not make one of them.
    """
    wanted = {spec.name: spec for spec in specs}
    deadline_s = time.monotonic() + timeout_s
    backoff = Backoff(first_s=0.1, last_s=1.0)
    while True:
        try:
            missing = await asyncio.wait_for(
                _make_missing(kafka, wanted), max(0.1, deadline_s - time.monotonic())
            )
        except (KafkaError, OSError) as error:
            missing = repr(error)
        if not missing:
            return
        delay_s = backoff.next_s()
        if time.monotonic() + delay_s >= deadline_s:
            raise DependencyDown("kafka", f"topics are not ready: {missing}")
        _log.info("topics_not_ready", missing=missing)
        await asyncio.sleep(delay_s)


async def _make_missing(kafka: KafkaAddress, wanted: dict[str, TopicSpec]) -> str:
    """One try; says what is still missing, empty when nothing is."""
    admin = AIOKafkaAdminClient(**kafka.client_options("tierlink-topics"), request_timeout_ms=10_000)
    try:
        await admin.start()
        known = set(await admin.list_topics())
        new = [_new_topic(spec) for name, spec in wanted.items() if name not in known]
        if new:
            _judge(await admin.create_topics(new))
        described = await admin.describe_topics(list(wanted))
    finally:
        await admin.close()
    leaderless = set(wanted)
    for topic in described:
        name, partitions = topic["topic"], topic["partitions"]
        if partitions and all(partition["leader"] >= 0 for partition in partitions):
            leaderless.discard(name)
            if len(partitions) != wanted[name].partitions:
                _log.warning(
                    "topic_has_other_partitions",
                    topic=name,
                    partitions=len(partitions),
                    declared=wanted[name].partitions,
                )
    return ", ".join(sorted(leaderless))


def _new_topic(spec: TopicSpec) -> NewTopic:
    return NewTopic(spec.name, spec.partitions, spec.replicas, topic_configs=spec.configuration())


def _judge(response: object) -> None:
    """Raises the first error that trying again may cure as KafkaError, any other as TopicRefused."""
    for name, code, *message in response.topic_errors:  # type: ignore[attr-defined]
        error = for_code(code)
        if error is NoError or error is TopicAlreadyExistsError:
            continue
        # A broker that has just started may not have heard of the others yet.
        if error.retriable or error is InvalidReplicationFactorError:
            raise error(name)
        raise TopicRefused(f"{name}: {error.__name__} {' '.join(str(part) for part in message if part)}")
