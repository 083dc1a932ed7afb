"""One data class, one message type, two compiled functions."""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Generic, TypeVar, get_type_hints

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from services.shared.protocodec.shapes import (
    CodecMismatch,
    Shape,
    datetime_to_timestamp,
    enum_tables,
    shape_of,
    timestamp_to_datetime,
)

D = TypeVar("D")
M = TypeVar("M", bound=Message)

Writer = Callable[[Any, Any], None]
Reader = Callable[[Any], Any]

_TIMESTAMP = "google.protobuf.Timestamp"


class MessageCodec(Generic[D, M]):
    """Converts `dataclass_type` to `message_type` and back.

    Every field of the data class must have a field of that name in the message, unless it is in
    `internal`; fields of the message that the data class lacks are left alone.
    Raises CodecMismatch when the two do not fit.
    """

    def __init__(
        self, dataclass_type: type[D], message_type: type[M], *, internal: frozenset[str] = frozenset()
    ) -> None:
        self._message_type = message_type
        descriptor: Any = message_type.DESCRIPTOR
        source: Any = dataclass_type
        self._write = _writer(source, descriptor, internal)
        self._read = _reader(source, descriptor, internal)

    def to_message(self, value: D) -> M:
        message = self._message_type()
        self._write(value, message)
        return message

    def from_message(self, message: M) -> D:
        """Raises ValueError when the message lacks what the data class cannot do without."""
        result: D = self._read(message)
        return result

    def write(self, value: D, message: Message) -> None:
        """Writes into a message that is already part of another."""
        self._write(value, message)


def _mapped(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> list[Field[Any]]:
    if not is_dataclass(dataclass_type):
        raise CodecMismatch(f"{dataclass_type.__name__} is not a data class")
    chosen = [field for field in fields(dataclass_type) if field.name not in internal]
    unknown = [field.name for field in chosen if field.name not in descriptor.fields_by_name]
    if unknown:
        raise CodecMismatch(f"{descriptor.full_name} has no fields {unknown} of {dataclass_type.__name__}")
    return chosen


@cache
def _hints(dataclass_type: type) -> dict[str, Any]:
    return get_type_hints(dataclass_type)


@cache
def _writer(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> Writer:
    hints = _hints(dataclass_type)
    steps: list[tuple[str, Writer]] = []
    for field in _mapped(dataclass_type, descriptor, internal):
        target = descriptor.fields_by_name[field.name]
        steps.append((field.name, _field_writer(shape_of(hints[field.name]), target)))

    def write(value: Any, message: Any) -> None:
        for name, step in steps:
            item = getattr(value, name)
            if item is not None:
                step(item, message)

    return write


def _field_writer(shape: Shape, target: FieldDescriptor) -> Writer:
    name = target.name
    if shape.container == "dict":
        return lambda item, message: getattr(message, name).update(item)
    repeated = shape.container == "tuple"
    if repeated != target.is_repeated:
        raise CodecMismatch(f"{target.full_name}: repeated on one side only")
    if target.message_type is not None:
        if target.message_type.full_name == _TIMESTAMP:
            _expect(shape.type is datetime, target, shape)
            return (
                _repeat(name, datetime_to_timestamp) if repeated else _submessage(name, datetime_to_timestamp)
            )
        inner = _writer(shape.type, target.message_type, frozenset())
        return _repeat(name, inner) if repeated else _submessage(name, inner)
    if target.enum_type is not None:
        numbers, _ = enum_tables(shape.type, target.enum_type)
        if repeated:
            return lambda item, message: getattr(message, name).extend([numbers[member] for member in item])
        return lambda item, message: setattr(message, name, numbers[item])
    _expect_scalar(shape, target)
    if repeated:
        return lambda item, message: getattr(message, name).extend(item)
    return lambda item, message: setattr(message, name, item)


def _submessage(name: str, inner: Writer) -> Writer:
    def write(item: Any, message: Any) -> None:
        child = getattr(message, name)
        child.SetInParent()
        inner(item, child)

    return write


def _repeat(name: str, inner: Writer) -> Writer:
    def write(item: Any, message: Any) -> None:
        children = getattr(message, name)
        for element in item:
            inner(element, children.add())

    return write


@cache
def _reader(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> Reader:
    hints = _hints(dataclass_type)
    steps: list[tuple[str, Reader]] = []
    for field in _mapped(dataclass_type, descriptor, internal):
        target = descriptor.fields_by_name[field.name]
        default = MISSING if field.default is MISSING else field.default
        steps.append((field.name, _field_reader(shape_of(hints[field.name]), target, default)))

    def read(message: Any) -> Any:
        return dataclass_type(**{name: step(message) for name, step in steps})

    return read


def _field_reader(shape: Shape, target: FieldDescriptor, default: Any) -> Reader:
    name = target.name
    if shape.container == "dict":
        return lambda message: dict(getattr(message, name))
    if shape.container == "tuple":
        return _repeated_reader(shape, target)
    if target.message_type is not None:
        is_time = target.message_type.full_name == _TIMESTAMP
        inner = timestamp_to_datetime if is_time else _reader(shape.type, target.message_type, frozenset())

        def read_message(message: Any) -> Any:
            if message.HasField(name):
                return inner(getattr(message, name))
            return _absent(shape, target, default)

        return read_message
    if target.enum_type is not None:
        _, members = enum_tables(shape.type, target.enum_type)

        def read_enum(message: Any) -> Any:
            member = members.get(getattr(message, name))
            return _absent(shape, target, default) if member is None else member

        return read_enum
    if shape.optional and target.has_presence:
        return lambda message: getattr(message, name) if message.HasField(name) else None
    return lambda message: getattr(message, name)


def _repeated_reader(shape: Shape, target: FieldDescriptor) -> Reader:
    name = target.name
    if target.message_type is not None:
        is_time = target.message_type.full_name == _TIMESTAMP
        inner = timestamp_to_datetime if is_time else _reader(shape.type, target.message_type, frozenset())
        return lambda message: tuple([inner(item) for item in getattr(message, name)])
    if target.enum_type is not None:
        _, members = enum_tables(shape.type, target.enum_type)
        return lambda message: tuple([members[number] for number in getattr(message, name)])
    if shape.type is not str and issubclass(shape.type, str):
        return lambda message: tuple([shape.type(item) for item in getattr(message, name)])
    return lambda message: tuple(getattr(message, name))


def _absent(shape: Shape, target: FieldDescriptor, default: Any) -> Any:
    if default is not MISSING:
        return default
    if shape.optional:
        return None
    raise ValueError(f"{target.full_name} is not set")


def _expect(holds: bool, target: FieldDescriptor, shape: Shape) -> None:
    if not holds:
        raise CodecMismatch(f"{target.full_name} does not fit {shape.type.__name__}")


def _expect_scalar(shape: Shape, target: FieldDescriptor) -> None:
    wanted: type = {
        FieldDescriptor.CPPTYPE_STRING: bytes if target.type == FieldDescriptor.TYPE_BYTES else str,
        FieldDescriptor.CPPTYPE_BOOL: bool,
        FieldDescriptor.CPPTYPE_DOUBLE: float,
        FieldDescriptor.CPPTYPE_FLOAT: float,
    }.get(target.cpp_type, int)
    _expect(issubclass(shape.type, wanted), target, shape)
