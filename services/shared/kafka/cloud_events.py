"""Kafka records as CloudEvents 1.0 in binary mode: attributes in headers, the event's bytes as the value.

The headers are written and read by hand: this is the hottest path of relay and consumers. A contract test
reads our records with the `cloudevents` package.

Beside the attributes of the core, `sequence` (the extension of that name) is the aggregate's version: a
consumer finds it without decoding the value. The extension wants strings that sort like the numbers they
stand for, hence the leading zeros.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

CONTENT_TYPE = "application/protobuf"

Headers = Sequence[tuple[str, bytes]]

_SPECVERSION = ("ce_specversion", b"1.0")
_CONTENT_TYPE = ("content-type", CONTENT_TYPE.encode())
_CONSTANT = (_SPECVERSION, _CONTENT_TYPE)
_SEQUENCE_DIGITS = 19
_VERSION_MAX = 2**63 - 1


class Undecodable(Exception):
    """A record that is not one of our CloudEvents; says what is wrong with it, without its content."""


class ReceivedRecord(Protocol):
    """What aiokafka's ConsumerRecord has."""

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Headers: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsumedEvent:
    """One event of another aggregate, as it stands in Kafka."""

    topic: str
    partition: int
    offset: int
    #: id of the aggregate
    key: str
    #: version of the aggregate after this event
    version: int
    #: such as `ReferralAccepted`
    type: str
    event_id: str
    value: bytes
    recorded_at: datetime
    #: W3C trace context, empty when there is none
    traceparent: str


def event_headers(
    *,
    source: bytes,
    event_id: str,
    type_: str,
    subject: bytes,
    recorded_at: datetime,
    version: int,
    traceparent: str,
) -> list[tuple[str, bytes]]:
    """The headers of one record. `subject` is the record's key, `source` a URI reference."""
    headers = [
        _SPECVERSION,
        ("ce_id", event_id.encode()),
        ("ce_type", type_.encode()),
        ("ce_source", source),
        ("ce_subject", subject),
        ("ce_time", recorded_at.isoformat().encode()),
        ("ce_sequence", b"%0*d" % (_SEQUENCE_DIGITS, version)),
        _CONTENT_TYPE,
    ]
    if traceparent:
        headers.append(("traceparent", traceparent.encode()))
    return headers


class Attributes(NamedTuple):
    """What the headers and the key of a record say."""

    key: str
    version: int
    type: str
    event_id: str
    recorded_at: datetime
    traceparent: str


def decode(record: ReceivedRecord) -> ConsumedEvent:
    """Reads a record's attributes, not its value. Raises Undecodable."""
    found = read_attributes(record)
    assert record.value is not None, "it was looked at"
    return ConsumedEvent(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        value=record.value,
        key=found.key,
        version=found.version,
        type=found.type,
        event_id=found.event_id,
        recorded_at=found.recorded_at,
        traceparent=found.traceparent,
    )


def read_attributes(record: ReceivedRecord) -> Attributes:
    """The attributes alone, for who keeps the record beside them. Raises Undecodable."""
    headers = dict(record.headers)
    if not record.key:
        raise Undecodable("no key")
    if record.value is None:
        raise Undecodable("no value")
    for name, value in _CONSTANT:
        if headers.get(name) != value:
            raise Undecodable(f"{name} is not {value.decode()}" if headers.get(name) else f"no header {name}")
    try:
        key, traceparent = record.key.decode(), headers.get("traceparent", b"").decode()
        type_, event_id = headers["ce_type"].decode(), headers["ce_id"].decode()
        sequence, time = headers["ce_sequence"], headers["ce_time"].decode()
    except KeyError as error:
        raise Undecodable(f"no header {error.args[0]}") from error
    except UnicodeDecodeError as error:
        raise Undecodable(f"{_name_of(error.object, record.key, headers)} is not UTF-8") from error
    if not (type_ and event_id):
        raise Undecodable(f"no header {'ce_id' if type_ else 'ce_type'}")
    if "\x00" in f"{key}{type_}{event_id}{traceparent}":
        # PostgreSQL's text cannot hold it, so an inbox or a dead letter could not be written.
        found = next(text for text in (key, type_, event_id, traceparent) if "\x00" in text)
        raise Undecodable(f"{_name_of(found.encode(), record.key, headers)} contains NUL")
    return Attributes(key, _version(sequence), type_, event_id, _time(time), traceparent)


def _name_of(value: bytes, key: bytes, headers: dict[str, bytes]) -> str:
    return "key" if value == key else next(name for name, each in headers.items() if each == value)


def _version(digits: bytes) -> int:
    # Of ASCII alone, as bytes see it; `int` would take others' digits too.
    if not (digits.isdigit() and len(digits) <= _SEQUENCE_DIGITS):
        raise Undecodable("ce_sequence is not a number")
    version = int(digits)
    if not 1 <= version <= _VERSION_MAX:
        raise Undecodable("ce_sequence is out of range")
    return version


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise Undecodable("ce_time is not a time") from error
    if time.tzinfo is None:
        raise Undecodable("ce_time has no offset from UTC")
    return time
