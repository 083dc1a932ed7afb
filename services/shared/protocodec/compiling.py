"""What reading and writing of messages have in common while their functions are made."""

from dataclasses import Field, fields, is_dataclass
from functools import cache
from typing import Any, get_type_hints

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.shared.protocodec.shapes import CodecMismatch, Shape

TIMESTAMP = "google.protobuf.Timestamp"


def mapped_fields(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> list[Field[Any]]:
    """The fields that go into the message. Raises CodecMismatch when it lacks one."""
    if not is_dataclass(dataclass_type):
        raise CodecMismatch(f"{dataclass_type.__name__} is not a data class")
    chosen = [field for field in fields(dataclass_type) if field.name not in internal]
    unknown = [field.name for field in chosen if field.name not in descriptor.fields_by_name]
    if unknown:
        raise CodecMismatch(f"{descriptor.full_name} has no fields {unknown} of {dataclass_type.__name__}")
    return chosen


@cache
def hints_of(dataclass_type: type) -> dict[str, Any]:
    """The annotations of a data class, resolved."""
    return get_type_hints(dataclass_type)


def is_time(target: FieldDescriptor) -> bool:
    """Whether the field is a Timestamp."""
    return target.message_type is not None and target.message_type.full_name == TIMESTAMP


def expect(holds: bool, target: FieldDescriptor, shape: Shape) -> None:
    """Raises CodecMismatch unless `holds`."""
    if not holds:
        raise CodecMismatch(f"{target.full_name} does not fit {shape.type.__name__}")
