"""An operator who decides on dead letters: what the tests of it share."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer

from services.referral.entrypoints.bed_news import BED_TOPIC
from services.shared.kafka.cloud_events import event_headers
from services.shared.kernel.actor import Role
from tests.integration.hospital import COUNTY, Hospital, new_id
from tests.integration.messaging import until
from tests.integration.ward_news import say
from tierlink.inbox.v1 import dead_letter_service_pb2 as pb
from tierlink.inbox.v1 import dead_letter_service_pb2_grpc


@dataclass(frozen=True, kw_only=True)
class LetterDesk:
    """An operator's side of a service that reads the wards' events."""

    hospital: Hospital
    address: str
    kafka: str

    @property
    def stub(self) -> Any:
        return dead_letter_service_pb2_grpc.DeadLetterServiceStub(self.hospital.channel)  # type: ignore[no-untyped-call]

    @property
    def credentials(self) -> Any:
        return self.hospital.as_("", Role.OPERATOR)

    async def call(self, name: str, **fields: Any) -> Any:
        return await getattr(self.stub, name)(
            getattr(pb, f"{name}Request")(**fields), metadata=self.credentials
        )

    async def waits(self, ward: str) -> Any:
        """What waits of a ward; None when nothing does."""
        found = await self.call("SummarizeDeadLetters")
        return next((each for each in found.parked if each.aggregate == f"wards/{ward}"), None)

    async def poisoned(self) -> str:
        """A ward whose first event cannot be read, with a second one that waits behind it."""
        ward = f"poison-{new_id()[:8]}"
        key = f"wards/{ward}".encode()
        headers = event_headers(
            source=b"/tierlink/bed",
            event_id=new_id(),
            type_="BedHeld",
            subject=key,
            recorded_at=datetime.now(UTC),
            version=1,
            traceparent="",
        )
        producer = AIOKafkaProducer(bootstrap_servers=self.kafka)
        await producer.start()
        try:
            await producer.send_and_wait(BED_TOPIC, b"\xff\xff", key=key, headers=headers)
        finally:
            await producer.stop()
        await say(self.kafka, ward, 2, "ward_applied", facility=COUNTY)

        async def both_wait() -> bool:
            found = await self.waits(ward)
            return found is not None and (found.letters_count, found.parked_count) == (1, 1)

        await until(both_wait)
        return ward

    async def letter_of(self, ward: str) -> Any:
        found = await self.call("ListDeadLetters", page_size=1000)
        return next(each for each in found.letters if each.aggregate == f"wards/{ward}")
