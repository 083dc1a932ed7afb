"""Events as stored and published: metadata and one payload of a `oneof`."""

from dataclasses import fields
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from services.shared.kernel.command import EventMetadata, Recorded
from services.shared.protocodec.codec import MessageCodec
from services.shared.protocodec.shapes import CodecMismatch

E = TypeVar("E")


class EventCodec(Generic[E]):
    """Bytes of an event message such as `ReferralEvent` from a domain event, and back.

    `envelope_type` is a data class whose fields stand beside the payload in the message (a ward's counts).
    Raises CodecMismatch when an event has no payload of its name, or a payload no event.
    """

    def __init__(
        self,
        message_type: type[Message],
        metadata_type: type[Message],
        events: tuple[type[E], ...],
        envelope_type: type | None = None,
    ) -> None:
        self._message_type = message_type
        descriptor: Any = message_type.DESCRIPTOR
        payload = descriptor.oneofs_by_name["payload"]
        slots: dict[str, Any] = {field.message_type.name: field for field in payload.fields}
        names = {event.__name__ for event in events}
        if slots.keys() != names:
            raise CodecMismatch(
                f"{message_type.DESCRIPTOR.full_name}: {slots.keys() ^ names} on one side only"
            )
        self._metadata = MessageCodec(EventMetadata, metadata_type)
        self._slots: dict[type, tuple[str, MessageCodec[Any, Any]]] = {}
        self._by_slot: dict[str, MessageCodec[Any, Any]] = {}
        for event in events:
            slot = slots[event.__name__]
            codec: MessageCodec[Any, Any] = MessageCodec(event, slot.message_type._concrete_class)
            self._slots[event] = (slot.name, codec)
            self._by_slot[slot.name] = codec
        self._envelope: MessageCodec[Any, Any] | None = (
            MessageCodec(envelope_type, message_type) if envelope_type else None
        )
        if envelope_type and not fields(envelope_type):
            raise CodecMismatch(f"{envelope_type.__name__} has no fields")

    def encode(self, metadata: EventMetadata, event: E, envelope: object | None = None) -> bytes:
        message: Any = self._message_type()
        self._metadata.write(metadata, message.metadata)
        name, codec = self._slots[type(event)]
        slot = getattr(message, name)
        slot.SetInParent()
        codec.write(event, slot)
        if self._envelope is not None and envelope is not None:
            self._envelope.write(envelope, message)
        stored: bytes = message.SerializeToString()
        return stored

    def decode(self, stored: bytes) -> Recorded[E]:
        """Raises google.protobuf.message.DecodeError or ValueError when the bytes are not such an event."""
        message: Any = self._message_type.FromString(stored)
        name = message.WhichOneof("payload")
        if name is None:
            raise ValueError(f"{self._message_type.DESCRIPTOR.full_name} without a payload")
        event: E = self._by_slot[name].from_message(getattr(message, name))
        return Recorded(event=event, metadata=self._metadata.from_message(message.metadata))
