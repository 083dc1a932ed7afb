"""What the annotations of a data class and the fields of a message say of each other."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

from google.protobuf.descriptor import EnumDescriptor

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CodecMismatch(TypeError):
    """A data class and a message do not fit; raised when the codec is built, never while it works."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """An annotation taken apart: `tuple[Offer, ...]`, `datetime | None`, `dict[str, int]`, `str`."""

    type: type
    #: "tuple", "dict" or empty
    container: str
    optional: bool


def shape_of(annotation: Any) -> Shape:
    """Raises CodecMismatch for an annotation that the codec does not know."""
    origin = get_origin(annotation)
    if origin in (Union, UnionType):
        inner = [argument for argument in get_args(annotation) if argument is not NoneType]
        if len(inner) != 1:
            raise CodecMismatch(f"{annotation} is a union of several types")
        shape = shape_of(inner[0])
        return Shape(type=shape.type, container=shape.container, optional=True)
    if origin is tuple:
        arguments = get_args(annotation)
        if len(arguments) != 2 or arguments[1] is not Ellipsis:
            raise CodecMismatch(f"{annotation} is not a tuple of any length")
        return Shape(type=shape_of(arguments[0]).type, container="tuple", optional=False)
    if origin is dict:
        return Shape(type=shape_of(get_args(annotation)[1]).type, container="dict", optional=False)
    if not isinstance(annotation, type):
        raise CodecMismatch(f"{annotation} is not a type")
    return Shape(type=annotation, container="", optional=False)


@cache
def enum_tables(enum: type, descriptor: EnumDescriptor) -> tuple[dict[Any, int], dict[int, Any]]:
    """Member to number and back; the zero value stands for None and has no member."""
    if not issubclass(enum, StrEnum):
        raise CodecMismatch(f"{descriptor.full_name} does not fit {enum.__name__}")
    zero = descriptor.values_by_number[0].name
    prefix = zero.removesuffix("UNSPECIFIED")
    names = {value.name.removeprefix(prefix): value.number for value in descriptor.values if value.number}
    members = {member.value: member for member in enum}
    if names.keys() != members.keys():
        raise CodecMismatch(
            f"{descriptor.full_name} and {enum.__name__} differ: {names.keys() ^ members.keys()}"
        )
    return (
        {members[name]: number for name, number in names.items()},
        {number: members[name] for name, number in names.items()},
    )


def datetime_to_timestamp(moment: datetime, timestamp: Any) -> None:
    since = moment - EPOCH
    timestamp.seconds = since.days * 86400 + since.seconds
    timestamp.nanos = since.microseconds * 1000


def timestamp_to_datetime(timestamp: Any) -> datetime:
    """Microseconds are kept; what is finer is cut."""
    # By place: names take a third of the time, and an event has three of them.
    return EPOCH + timedelta(0, timestamp.seconds, timestamp.nanos // 1000)
