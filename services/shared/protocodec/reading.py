"""From a message to a data class."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import timedelta
from enum import StrEnum
from functools import cache
from typing import Any, NoReturn

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.shared.kernel.frozen import open_twin
from services.shared.kernel.function_source import FunctionSource
from services.shared.protocodec.compiling import hints_of, is_time, mapped_fields
from services.shared.protocodec.shapes import EPOCH, Shape, enum_tables, shape_of, timestamp_to_datetime

Reader = Callable[[Any], Any]


@cache
def compile_reader(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> Reader:
    """A function that makes a value of a message. Raises CodecMismatch."""
    hints = hints_of(dataclass_type)
    source = FunctionSource("def read(message):")
    source.add("has = message.HasField")
    values: dict[str, str] = {}
    for field in mapped_fields(dataclass_type, descriptor, internal):
        target = descriptor.fields_by_name[field.name]
        values[field.name] = _expression(source, shape_of(hints[field.name]), target, field.default)
    _add_making(source, dataclass_type, values)
    reader: Reader = source.build(f"reader of {descriptor.full_name}")
    return reader


def _add_making(source: FunctionSource, dataclass_type: type, values: Mapping[str, str]) -> None:
    twin = open_twin(dataclass_type)
    make = source.bind("make", dataclass_type)
    if twin is None or values.keys() != {field.name for field in fields(dataclass_type)}:
        source.add(f"return {make}({', '.join(f'{name}={value}' for name, value in values.items())})")
        return
    source.add(f"made = {source.bind('twin', twin)}()")
    source.add(*(f"made.{name} = {value}" for name, value in values.items()))
    source.add(f"made.__class__ = {make}", "return made")


def _expression(source: FunctionSource, shape: Shape, target: FieldDescriptor, default: Any) -> str:
    value = f"message.{target.name}"
    if shape.container == "dict":
        return f"dict({value})"
    if shape.container == "tuple":
        return _repeated(source, shape, target)
    if target.message_type is not None:
        absent = _absent(source, shape, target, default)
        if is_time(target):
            # `timestamp_to_datetime` without the call: an event has three of them.
            epoch, delta = source.bind("epoch", EPOCH), source.bind("delta", timedelta)
            made = f"{epoch} + {delta}(0, (at := {value}).seconds, at.nanos // 1000)"
            return f'{made} if has("{target.name}") else {absent}'
        read = _message_reader(source, shape, target)
        return f'{read}({value}) if has("{target.name}") else {absent}'
    if target.enum_type is not None:
        member = source.bind("member", enum_tables(shape.type, target.enum_type)[1].get)
        if default is MISSING and shape.optional:
            return f"{member}({value})"
        absent = _absent(source, shape, target, default)
        # No member is falsy: their values are names.
        return f"{member}({value}) or {absent}"
    if shape.optional and target.has_presence:
        return f'{value} if has("{target.name}") else None'
    return value


def _repeated(source: FunctionSource, shape: Shape, target: FieldDescriptor) -> str:
    items = f"message.{target.name}"
    if target.message_type is not None:
        read = _message_reader(source, shape, target)
        return f"tuple([{read}(item) for item in {items}])"
    if target.enum_type is not None:
        members = source.bind("members", enum_tables(shape.type, target.enum_type)[1])
        return f"tuple([{members}[number] for number in {items}])"
    if issubclass(shape.type, StrEnum):
        # `Role(item)` takes five times as long as a look, and is for what is no member: it says so.
        member = source.bind("member", {each.value: each for each in shape.type}.get)
        return f"tuple([{member}(item) or {source.bind('make', shape.type)}(item) for item in {items}])"
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
