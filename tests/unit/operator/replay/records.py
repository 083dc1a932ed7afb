"""Records as Kafka gives them, for tests of what is made of them."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from services.operator.events.record import EventRecord, read_record
from services.operator.events.topics import EVENT_TOPICS
from services.shared.kafka.cloud_events import event_headers
from tierlink.referral.v1 import referral_events_pb2

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TOPIC = EVENT_TOPICS[0]


def record(
    aggregate: str = "referrals/1",
    version: int = 1,
    *,
    partition: int = 0,
    offset: int = 0,
    after_s: float = 0,
    extra: tuple[tuple[str, bytes], ...] = (),
    **changes: Any,
) -> EventRecord:
    """One event of a referral, recorded `after_s` seconds after NOW."""
    recorded_at = NOW + timedelta(seconds=after_s)
    event = referral_events_pb2.ReferralEvent(metadata={"aggregate_id": aggregate, "version": version})
    found: dict[str, Any] = {
        "partition": partition,
        "offset": offset,
        "timestamp": int(recorded_at.timestamp() * 1000),
        "topic": TOPIC.name,
        "key": aggregate.encode(),
        "value": event.SerializeToString(),
        "headers": [
            *event_headers(
                source=b"/tierlink/referral",
                event_id=f"{aggregate}-{version}",
                type_="ReferralAccepted",
                subject=aggregate.encode(),
                recorded_at=recorded_at,
                version=version,
                traceparent="",
            ),
            *extra,
        ],
    }
    return read_record(TOPIC, SimpleNamespace(**{**found, **changes}))
