"""One record of a topic, as an operator reads it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message

from services.operator.events.topics import Topic
from services.shared.kafka.cloud_events import Headers, Undecodable, read_attributes

#: Names of the fields that carry a facility's id, alone or at the end of a longer name.
_FACILITY_FIELDS = ("facility", "facilities")


@dataclass(kw_only=True, slots=True)
class EventRecord:
    """A record, decoded as far as it can be. Not frozen: that costs as much again as all the decoding."""

    topic: Topic
    partition: int
    offset: int
    #: when Kafka took it, milliseconds since 1970
    taken_ms: int
    #: id of the aggregate; the key's bytes as text where it is none of ours
    aggregate: str
    #: 0 where it could not be read
    version: int
    #: such as `ReferralAccepted`
    type: str
    event_id: str
    #: None where it could not be read
    recorded_at: datetime | None
    #: as Kafka has it
    key: bytes | None
    #: empty for a record without one, see `is_tombstone`
    value: bytes
    is_tombstone: bool
    headers: Headers
    #: None where the value could not be read
    message: Message | None
    #: what is wrong with the record; empty when nothing is
    fault: str

    @property
    def taken_at(self) -> datetime:
        """When Kafka took it, UTC."""
        return datetime.fromtimestamp(self.taken_ms / 1000, UTC)

    @property
    def time(self) -> datetime:
        """When the platform recorded it, else when Kafka took it."""
        return self.recorded_at or self.taken_at

    @property
    def payload(self) -> Message | None:
        """The event itself, without its metadata; the whole message where it is not an event."""
        message: Any = self.message
        if message is None or "payload" not in message.DESCRIPTOR.oneofs_by_name:
            return self.message
        name = message.WhichOneof("payload")
        return None if name is None else getattr(message, name)

    def metadata(self) -> Any:
        """The event's metadata; None where there is none."""
        message: Any = self.message
        return getattr(message, "metadata", None) if message is not None else None

    def facilities(self) -> frozenset[str]:
        """Every facility that the record names, its actor's among them."""
        return frozenset(_texts(self.message, _FACILITY_FIELDS)) if self.message is not None else frozenset()

    def episodes(self) -> frozenset[str]:
        """Every episode that the record names; that of an episode's own event among them."""
        named = frozenset(_texts(self.message, ("episode",))) if self.message is not None else frozenset()
        return named | {self.aggregate} if self.aggregate.startswith("episodes/") else named

    def document(self) -> dict[str, Any]:
        """The record as JSON: times in RFC 3339, the message by the names of its fields."""
        return {
            "topic": self.topic.name,
            "partition": self.partition,
            "offset": self.offset,
            "taken_at": self.taken_at.isoformat(),
            "aggregate": self.aggregate,
            "version": self.version,
            "type": self.type,
            "event_id": self.event_id,
            "recorded_at": self.recorded_at.isoformat() if self.recorded_at else None,
            **({"fault": self.fault} if self.fault else {}),
            "message": None
            if self.message is None
            else MessageToDict(self.message, preserving_proto_field_name=True),
        }


def read_record(topic: Topic, record: Any) -> EventRecord:
    """Reads a record of aiokafka. Never raises: what cannot be read is said in `fault`."""
    try:
        found = read_attributes(record)
    except Undecodable as error:
        return _unread(topic, record, str(error))
    message, fault = _message(topic, found.type, record.value)
    return EventRecord(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        taken_ms=record.timestamp,
        aggregate=found.key,
        version=found.version,
        type=found.type,
        event_id=found.event_id,
        recorded_at=found.recorded_at,
        key=record.key,
        value=record.value,
        is_tombstone=False,
        headers=record.headers,
        message=message,
        fault=fault,
    )


def _unread(topic: Topic, record: Any, fault: str) -> EventRecord:
    return EventRecord(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        taken_ms=record.timestamp,
        aggregate=(record.key or b"").decode(errors="replace"),
        version=0,
        type="",
        event_id="",
        recorded_at=None,
        key=record.key,
        value=record.value or b"",
        is_tombstone=record.value is None,
        headers=record.headers,
        message=None,
        fault=fault,
    )


def _message(topic: Topic, type_: str, value: bytes) -> tuple[Message | None, str]:
    known = topic.value_of(type_)
    if known is None:
        return None, f"{type_} is not known here"
    try:
        return known.FromString(value), ""
    except DecodeError:
        return None, f"the value is no {known.DESCRIPTOR.name}"


def _texts(message: Message, names: tuple[str, ...]) -> Iterator[str]:
    """The texts of every field, at any depth, whose name is one of `names` or ends with one."""
    for field, value in message.ListFields():
        values = value if field.is_repeated else (value,)
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            # A map's values come by key: their messages have no name of their own.
            for each in values:
                if isinstance(each, Message):
                    yield from _texts(each, names)
        elif field.type == FieldDescriptor.TYPE_STRING and _is_named(field.name, names):
            yield from values


def _is_named(name: str, names: tuple[str, ...]) -> bool:
    return any(name == each or name.endswith(f"_{each}") for each in names)
