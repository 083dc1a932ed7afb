"""Attributes of spans about Kafka, by the names of OpenTelemetry's conventions for messaging."""

from services.shared.telemetry.tracing import Attributes


def sent(*, topic: str, partition: int, key: str, event_id: str, type_: str) -> Attributes:
    """Of a record that was published."""
    return (
        ("messaging.operation.name", "send"),
        ("messaging.operation.type", "send"),
        *_record(topic, partition, key, event_id, type_),
    )


def consumed(
    *,
    operation: str = "process",
    topic: str,
    partition: int,
    offset: int,
    key: str,
    event_id: str,
    type_: str,
) -> Attributes:
    """Of a record that is handled."""
    return (
        ("messaging.operation.name", operation),
        ("messaging.operation.type", "process"),
        *_record(topic, partition, key, event_id, type_),
        ("messaging.kafka.offset", offset),
    )


def sent_together(messages: int) -> Attributes:
    """Of records that were published in one go."""
    return (
        ("messaging.operation.name", "send"),
        ("messaging.operation.type", "send"),
        ("messaging.system", "kafka"),
        ("messaging.batch.message_count", messages),
    )


def _record(topic: str, partition: int, key: str, event_id: str, type_: str) -> Attributes:
    return (
        ("messaging.system", "kafka"),
        ("messaging.destination.name", topic),
        ("messaging.destination.partition.id", str(partition)),
        ("messaging.kafka.message.key", key),
        ("messaging.message.id", event_id),
        ("tierlink.event.type", type_),
    )
