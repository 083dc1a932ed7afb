"""From a data class to a message."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.shared.kernel.function_source import FunctionSource
from services.shared.protocodec.compiling import expect, hints_of, is_time, mapped_fields
from services.shared.protocodec.shapes import (
    CodecMismatch,
    Shape,
    datetime_to_timestamp,
    enum_tables,
    shape_of,
)

Writer = Callable[[Any, Any], None]

_FLOATS = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)


@cache
def compile_writer(dataclass_type: type, descriptor: Descriptor, internal: frozenset[str]) -> Writer:
    """A function that writes a value into a message. None is left out. Raises CodecMismatch."""
    hints = hints_of(dataclass_type)
    source = FunctionSource("def write(value, message):")
    source.add("pass")
    for field in mapped_fields(dataclass_type, descriptor, internal):
        _add_field(source, shape_of(hints[field.name]), descriptor.fields_by_name[field.name])
    writer: Writer = source.build(f"writer of {descriptor.full_name}")
    return writer


def _add_field(source: FunctionSource, shape: Shape, target: FieldDescriptor) -> None:
    name = target.name
    source.add(f"item = value.{name}")
    if shape.container == "dict":
        source.add("if item:", f"    message.{name}.update(item)")
        return
    repeated = shape.container == "tuple"
    if repeated != target.is_repeated:
        raise CodecMismatch(f"{target.full_name}: repeated on one side only")
    if target.message_type is not None:
        _add_message(source, shape, target)
    elif target.enum_type is not None:
        numbers = source.bind("numbers", enum_tables(shape.type, target.enum_type)[0])
        if repeated:
            source.add("if item:", f"    message.{name}.extend([{numbers}[member] for member in item])")
        else:
            source.add("if item is not None:", f"    message.{name} = {numbers}[item]")
    else:
        _expect_scalar(shape, target)
        if repeated:
            source.add("if item:", f"    message.{name}.extend(item)")
        else:
            source.add(_needed(target), f"    message.{name} = item")


def _add_message(source: FunctionSource, shape: Shape, target: FieldDescriptor) -> None:
    name = target.name
    if is_time(target):
        expect(shape.type is datetime, target, shape)
        write = source.bind("write", datetime_to_timestamp)
    else:
        write = source.bind("write", compile_writer(shape.type, target.message_type, frozenset()))
    if target.is_repeated:
        source.add(
            "if item:",
            f"    add = message.{name}.add",
            "    for element in item:",
            f"        {write}(element, add())",
        )
    else:
        source.add(
            "if item is not None:",
            f"    child = message.{name}",
            # Also where all of its fields are left out: it is there, and empty.
            "    child.SetInParent()",
            f"    {write}(item, child)",
        )


def _needed(target: FieldDescriptor) -> str:
    """When a scalar is written: a zero says nothing where the message does not tell it from an absent one."""
    if target.has_presence or target.cpp_type in _FLOATS:  # -0.0 counts as nothing, and is not
        return "if item is not None:"
    return "if item:"


def _expect_scalar(shape: Shape, target: FieldDescriptor) -> None:
    wanted: type = {
        FieldDescriptor.CPPTYPE_STRING: bytes if target.type == FieldDescriptor.TYPE_BYTES else str,
        FieldDescriptor.CPPTYPE_BOOL: bool,
        FieldDescriptor.CPPTYPE_DOUBLE: float,
        FieldDescriptor.CPPTYPE_FLOAT: float,
    }.get(target.cpp_type, int)
    expect(issubclass(shape.type, wanted), target, shape)
