"""Plain values and protobuf: enum values by their short names, times as RFC 3339, messages from mappings."""

from datetime import UTC, datetime
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp

TIMESTAMP = "google.protobuf.Timestamp"


def rfc3339(moment: datetime) -> str:
    """A moment as protobuf's JSON writes it."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def moment_of(value: Timestamp) -> datetime:
    """A protobuf time as an aware datetime."""
    return value.ToDatetime(tzinfo=UTC)


def is_map(field: FieldDescriptor) -> bool:
    """Whether the field is a map."""
    return field.message_type is not None and field.message_type.GetOptions().map_entry


def enum_value(enum: EnumDescriptor, name: str) -> str | None:
    """The full name of an enum's value given with or without its prefix; None when it has no such value."""
    for candidate in (name, f"{_prefix(enum)}{name}"):
        if candidate in enum.values_by_name:
            return candidate
    return None


def short_name(enum: EnumDescriptor, number: int) -> str:
    """An enum's value without its prefix; its number where this contract does not know it."""
    value = enum.values_by_number.get(number)
    return value.name.removeprefix(_prefix(enum)) if value else str(number)


def build_message(descriptor: Descriptor, values: dict[str, Any]) -> Message:
    """The message with these fields. Raises ValueError, saying what does not fit.

    A case file's literals were checked when it was read; what can still fail is the value of a variable.
    """
    try:
        return json_format.ParseDict(_full_names(descriptor, values), GetMessageClass(descriptor)())
    except json_format.ParseError as error:
        raise ValueError(str(error)) from error


def _prefix(enum: EnumDescriptor) -> str:
    # Every enum begins with …_UNSPECIFIED; what stands before it is the prefix.
    return enum.values[0].name.removesuffix("UNSPECIFIED")


def _full_names(descriptor: Descriptor, values: dict[str, Any]) -> dict[str, Any]:
    """The same values with the full names of enum values, as protobuf's JSON wants them."""
    return {name: _full_name(descriptor.fields_by_name.get(name), value) for name, value in values.items()}


def _full_name(field: FieldDescriptor | None, value: Any) -> Any:
    if field is None:
        return value  # ParseDict names it
    if isinstance(value, list):
        return [_full_name(field, each) for each in value]
    if field.enum_type is not None and isinstance(value, str):
        return enum_value(field.enum_type, value) or value
    if isinstance(value, dict) and field.message_type is not None and not is_map(field):
        return _full_names(field.message_type, value)
    return value
