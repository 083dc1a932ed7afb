"""What two records must have in common to be the same."""

from datetime import UTC, datetime, timedelta
from hashlib import blake2b, sha256

from services.operator.events.record import EventRecord
from services.operator.replay.marks import unmarked

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BYTES = 16


def of_record(record: EventRecord) -> bytes:
    """Of key, value and every header but the marks of replays."""
    found = blake2b(digest_size=_BYTES)
    for part in (record.key, None if record.is_tombstone else record.value):
        _put(found, part)
    for name, value in sorted(unmarked(record.headers)):
        _put(found, name.encode())
        _put(found, value)
    return found.digest()


def of_event(*, event_id: str, type_: str, recorded_at: datetime, payload_sha256: bytes) -> bytes:
    """Of what a store and a topic both have of an event."""
    found = blake2b(digest_size=_BYTES)
    at_us = (recorded_at - _EPOCH) // timedelta(microseconds=1)
    for part in (event_id.encode(), type_.encode(), str(at_us).encode(), payload_sha256):
        _put(found, part)
    return found.digest()


def of_published(record: EventRecord) -> bytes:
    """As `of_event`, of the event as it was published."""
    return of_event(
        event_id=record.event_id,
        type_=record.type,
        recorded_at=record.time,
        payload_sha256=sha256(record.value).digest(),
    )


def _put(found: blake2b, part: bytes | None) -> None:
    """With its length before it, so that two parts are never taken for others that read the same in a row."""
    found.update(b"-" if part is None else b"%d:" % len(part))
    found.update(part or b"")
