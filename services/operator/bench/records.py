"""The records that the relay and the bare producer send: the same ones, made up from the seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from uuid import UUID

#: Events of one aggregate, one after the other; between them come those of the others.
_EVENTS_OF_ONE = 10
#: As large as the events of a referral's life: its first is large, the others are small.
_SIZES_BYTES = (1800, 500, 650, 500, 700, 450, 500, 500, 600, 500)
_TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxRecord:
    """One record to be sent."""

    key: str
    version: int
    value: bytes
    event_id: str
    type: str
    recorded_at: datetime
    traceparent: str


def outbox_records(count: int, seed: int) -> Iterator[OutboxRecord]:
    """Ten events each of so many aggregates as it takes, in an order that keeps each aggregate's own."""
    random = Random(f"records/{seed}")
    moment = datetime.now(UTC)
    aggregates = -(-count // _EVENTS_OF_ONE)
    names = [f"referrals/{UUID(int=random.getrandbits(128), version=4)}" for _ in range(aggregates)]
    for number in range(count):
        version, aggregate = divmod(number, aggregates)
        yield OutboxRecord(
            key=names[aggregate],
            version=version + 1,
            value=random.randbytes(_SIZES_BYTES[version % _EVENTS_OF_ONE]),
            event_id=str(UUID(int=random.getrandbits(128), version=4)),
            type="PatientDeparted",
            recorded_at=moment,
            traceparent=_TRACEPARENT,
        )
