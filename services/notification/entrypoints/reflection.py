"""Any protobuf message as plain values, by reflection: what the alert rules look into."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from services.shared.protocodec.shapes import timestamp_to_datetime

_TIMESTAMP = "google.protobuf.Timestamp"


def plain(message: Message, *, leave_out: frozenset[str] = frozenset()) -> Mapping[str, object]:
    """Messages as mappings, repeated fields as lists, enums by name without prefix, times as datetimes.

    What is unset is left out, as are the top-level fields in `leave_out`.
    """
    return {
        field.name: _value(field, value)
        for field, value in message.ListFields()
        if field.name not in leave_out
    }


def _value(field: FieldDescriptor, value: Any) -> object:
    if field.is_repeated:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            return dict(value)
        return [_single(field, item) for item in value]
    return _single(field, value)


def _single(field: FieldDescriptor, value: Any) -> object:
    if field.message_type is not None:
        if field.message_type.full_name == _TIMESTAMP:
            return timestamp_to_datetime(value)
        return plain(value)
    if field.enum_type is not None:
        return _names(field.enum_type)[value]
    return value


@cache
def _names(enum: EnumDescriptor) -> dict[int, str]:
    """Numbers to names without the enum's prefix; the unspecified one is empty."""
    prefix = enum.values_by_number[0].name.removesuffix("UNSPECIFIED")
    return {value.number: value.name.removeprefix(prefix) if value.number else "" for value in enum.values}
