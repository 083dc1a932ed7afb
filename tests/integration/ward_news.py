"""Events of a ward on the bed service's topic, as its relay puts them there."""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from aiokafka import AIOKafkaProducer

from services.referral.domain.commands import FollowBed
from services.referral.domain.referral import Referral
from services.referral.entrypoints.bed_news import BED_TOPIC, read_bed_event
from services.shared.kafka.cloud_events import event_headers
from tests.integration.hospital import new_id
from tierlink.bed.v1 import bed_events_pb2

_WORDS = ("bed_held", "bed_held", "bed_hold_lapsed", "bed_released", "bed_unavailable")


async def say(kafka: str, ward: str, version: int, payload: str, **fields: Any) -> bytes:
    """Publishes one event of `wards/{ward}`; its bytes."""
    body = {payload: fields.pop(payload, {})}
    event = bed_events_pb2.BedEvent(metadata={"aggregate_id": f"wards/{ward}", "version": version}, **fields)
    event.metadata.recorded_at.FromDatetime(datetime.now(UTC))
    event.metadata.occurred_at.FromDatetime(datetime.now(UTC))
    getattr(event, payload).MergeFrom(type(getattr(event, payload))(**body[payload]))
    getattr(event, payload).SetInParent()
    key = f"wards/{ward}".encode()
    headers = event_headers(
        source=b"/tierlink/bed",
        event_id=new_id(),
        type_=payload,
        subject=key,
        recorded_at=datetime.now(UTC),
        version=version,
        traceparent="",
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await producer.start()
    try:
        await producer.send_and_wait(BED_TOPIC, event.SerializeToString(), key=key, headers=headers)
    finally:
        await producer.stop()
    return event.SerializeToString()


@dataclass(kw_only=True)
class WardBeside:
    """A ward of the destination, of which only words on the topic are known."""

    name: str
    kafka: str
    version: int = 0

    async def say(self, referral: Referral, chance: Random) -> FollowBed:
        """Puts a word on the topic; what it tells a referral."""
        self.version += 1
        payload = chance.choice(
            ("bed_held", "bed_held", "bed_hold_lapsed", "bed_released", "bed_unavailable")
        )
        if payload == "bed_unavailable":
            body: dict[str, Any] = {
                "referral": referral.name,
                "facility": referral.destination_facility,
                "reason": "FULL",
            }
        else:
            number = chance.randint(1, 2)
            body = {
                "hold": {
                    "name": f"holds/00000000-0000-4000-8000-00000000000{number}",
                    "referral": referral.name,
                    "facility": referral.destination_facility,
                    "ward": self.name,
                    "bed": f"bed-{number}",
                    "fencing_token": number,
                }
            }
        value = await say(self.kafka, self.name, self.version, payload, **{payload: body})
        news = read_bed_event(value).referral
        assert news is not None
        return news.command
