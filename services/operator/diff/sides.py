"""Reads the two sides: topics from Kafka, stores through the services that have them."""

from collections.abc import Callable
from datetime import UTC

import grpc

from services.operator.diff import fingerprints
from services.operator.diff.comparing import Side
from services.operator.events.record import EventRecord
from services.operator.events.selection import Selection
from services.operator.events.source import Reach, open_source
from services.operator.events.topics import Topic
from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.shared.kafka.address import KafkaAddress
from tierlink.audit.v1 import audit_service_pb2 as pb

_PATH = "/tierlink.audit.v1.AuditService/ExportEvents"

#: The service that stores the events of a topic, by the topic's short name.
STORED_BY = {
    "referral": "referral",
    "episode": "referral",
    "consultation": "referral",
    "standing": "referral",
    "bed": "bed",
    "notification": "notification",
}

Fingerprint = Callable[[EventRecord], bytes]


async def read_topic(
    kafka: KafkaAddress, topic: Topic, selection: Selection, fingerprint: Fingerprint
) -> Side:
    """The selected records of a topic. Raises DependencyDown when it is not there, KafkaError."""
    side = Side()
    async with open_source(kafka, (topic,)) as source:
        await source.seek(Reach(since=selection.since))
        async for page in source.read():
            for record in page:
                if selection.wants(record):
                    side.add(record.aggregate, record.version, fingerprint(record))
    return side


async def read_store(caller: Caller, token: str, topic: Topic, selection: Selection) -> Side:
    """What the service of a topic has stored; of the selection, aggregates and times count.

    Raises CallFailed, ConnectionError when the service ended in the middle.
    """
    side = Side()
    service = STORED_BY[topic.short]
    is_complete = False
    for aggregate in sorted(selection.aggregates) or [""]:
        request = pb.ExportEventsRequest(topic=topic.name, aggregate_id=aggregate)
        try:
            async for data in caller.stream(_PATH, service, request, token):
                found = pb.ExportEventsResponse.FromString(data)
                is_complete = found.complete
                for event in found.events:
                    _add(side, event, selection)
        except grpc.aio.AioRpcError as error:
            raise CallFailed(f"ExportEvents ({service})", error, 1) from error
        if not is_complete:
            raise ConnectionError(f"ExportEvents ({service}) ended before everything was read")
    return side


def _add(side: Side, event: pb.EventDigest, selection: Selection) -> None:
    recorded_at = event.recorded_at.ToDatetime(UTC)
    if selection.since is not None and recorded_at < selection.since:
        return
    if selection.until is not None and recorded_at >= selection.until:
        return
    fingerprint = fingerprints.of_event(
        event_id=event.event_id,
        type_=event.type,
        recorded_at=recorded_at,
        payload_sha256=event.payload_sha256,
    )
    side.add(event.aggregate_id, event.version, fingerprint)
