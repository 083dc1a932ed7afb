"""From a message to a data class."""

from collections.abc import Callable
from dataclasses import MISSING
from functools import cache
from typing import Any, NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.shared.protocodec.compiling import FunctionSource, hints_of, is_time, mapped_fields
from services.shared.protocodec.shapes import Shape, enum_tables, shape_of, timestamp_to_datetime

Reader = Callable[[Any], Any]


@cache
def compile_reader(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> Reader:
    """A function that makes a value of a message. Raises CodecMismatch."""
    hints = hints_of(dataclass_type)
    source = FunctionSource("def read(message):")
    made: list[str] = []
    for field in mapped_fields(dataclass_type, descriptor, internal):
        target = descriptor.fields_by_name[field.name]
        made.append(f"{field.name}={_expression(source, shape_of(hints[field.name]), target, field.default)}")
    source.add(f"return {source.bind('make', dataclass_type)}({', '.join(made)})")
    reader: Reader = source.build(f"reader of {descriptor.full_name}")
    return reader


def _expression(source: FunctionSource, shape: Shape, target: FieldDescriptor, default: Any) -> str:
    value = f"message.{target.name}"
    if shape.container == "dict":
        return f"dict({value})"
    if shape.container == "tuple":
        return _repeated(source, shape, target)
    if target.message_type is not None:
        read = _message_reader(source, shape, target)
        absent = _absent(source, shape, target, default)
        return f'{read}({value}) if message.HasField("{target.name}") else {absent}'
    if target.enum_type is not None:
        members = source.bind("members", enum_tables(shape.type, target.enum_type)[1])
        absent = _absent(source, shape, target, default)
        return f"{members}[{value}] if {value} in {members} else {absent}"
    if shape.optional and target.has_presence:
        return f'{value} if message.HasField("{target.name}") else None'
    return value


def _repeated(source: FunctionSource, shape: Shape, target: FieldDescriptor) -> str:
    items = f"message.{target.name}"
    if target.message_type is not None:
        read = _message_reader(source, shape, target)
        return f"tuple([{read}(item) for item in {items}])"
    if target.enum_type is not None:
        members = source.bind("members", enum_tables(shape.type, target.enum_type)[1])
        return f"tuple([{members}[number] for number in {items}])"
    if shape.type is not str and issubclass(shape.type, str):
        return f"tuple([{source.bind('make', shape.type)}(item) for item in {items}])"
    return f"tuple({items})"


def _message_reader(source: FunctionSource, shape: Shape, target: FieldDescriptor) -> str:
    if is_time(target):
        return source.bind("read", timestamp_to_datetime)
    return source.bind("read", compile_reader(shape.type, target.message_type, frozenset()))


def _absent(source: FunctionSource, shape: Shape, target: FieldDescriptor, default: Any) -> str:
    if default is not MISSING:
        return source.bind("default", default)
    if shape.optional:
        return "None"
    path = target.full_name

    def missing() -> NoReturn:
        raise ValueError(f"{path} is not set")

    return f"{source.bind('missing', missing)}()"
