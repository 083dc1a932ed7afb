"""An idempotent producer, and how to be rid of one that has failed."""

import asyncio
from dataclasses import dataclass
from typing import Literal

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProducerSettings:
    """How records are sent. Always idempotent, acknowledged by all in-sync replicas."""

    client_id: str
    #: how long a record waits for others; batches that the caller builds wait for nothing
    linger_ms: int = 0
    #: largest batch of one partition, before compression
    batch_bytes_max: int = 256 * 1024
    #: `lz4` needs the package cramjam
    compression: Literal["none", "lz4"] = "none"
    request_timeout_ms: int = 10_000


async def start_producer(
    kafka: KafkaAddress, settings: ProducerSettings, *, timeout_s: float = 10.0
) -> AIOKafkaProducer:
    """A connected producer with a producer id of its own. Raises DependencyDown when Kafka is away."""
    producer = AIOKafkaProducer(
        **kafka.client_options(settings.client_id),
        enable_idempotence=True,
        acks="all",
        linger_ms=settings.linger_ms,
        max_batch_size=settings.batch_bytes_max,
        compression_type=None if settings.compression == "none" else settings.compression,
        request_timeout_ms=settings.request_timeout_ms,
    )
    try:
        # Without a bound it asks for its producer id for as long as no broker answers.
        await asyncio.wait_for(producer.start(), timeout_s)
    except (KafkaError, OSError) as error:
        await abandon_producer(producer)
        raise DependencyDown("kafka", f"no producer: {error!r}") from error
    except BaseException:
        await abandon_producer(producer)
        raise
    return producer


async def abandon_producer(producer: AIOKafkaProducer, *, timeout_s: float = 3.0) -> None:
    """Closes a producer without sending what it still holds; its waiters fail with ProducerClosed.

    `AIOKafkaProducer.stop` alone flushes first: an idempotent one waits for ever when Kafka is away, and one
    that has failed would send what stood behind the failure.
    """
    # Partly private, for want of a public way; aiokafka's range is pinned, and a test does it without Kafka.
    sender = producer._sender.sender_task
    try:
        # The connections first: requests under way then end at once.
        await asyncio.wait_for(producer.client.close(), timeout_s)
        if sender is not None:
            sender.cancel()
            await asyncio.wait((sender,), timeout=timeout_s / 2)
            # It waits for its requests when it is cancelled once, and they for metadata that never come.
            sender.cancel()
            await asyncio.wait((sender,), timeout=timeout_s / 2)
        _fail_held(producer)
        await asyncio.wait_for(producer.stop(), timeout_s)
    except (KafkaError, OSError) as error:
        _log.warning("producer_closed_with_force", error=repr(error))


def _fail_held(producer: AIOKafkaProducer) -> None:
    accumulator = producer._message_accumulator
    held = [batch for batches in accumulator._batches.values() for batch in batches]
    held.extend(accumulator._pending_batches)
    # One that was to be tried again is not pending, and its end would take it from those that are.
    accumulator._pending_batches.update(held)
    accumulator.fail_all(ProducerClosed())
    for batch in held:
        for waited in (batch.future, batch._drain_waiter):
            if waited.done():
                # Nobody may wait for it any more, and asyncio reports exceptions that nobody looked at.
                waited.exception()
