"""Checks the values of a case file against the fields of the messages that they are meant for."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.operator.casefile.variables import holds_variables, is_one_variable
from services.operator.rpc.paths import Expectation, leaf
from services.operator.rpc.values import TIMESTAMP, enum_value, is_map, short_name
from services.shared.located.faults import Fault
from services.shared.located.nodes import Node

_INTEGERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)
_FLOATS = frozenset({FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE})


def field_faults(node: Node, descriptor: Descriptor) -> Iterator[Fault]:
    """Everything in a mapping that is no field of the message, or no value of its field."""
    if not isinstance(node.value, dict):
        yield Fault(line=node.line, column=node.column, text=f"must be the fields of {descriptor.name}")
        return
    for name, entry in node.entries.items():
        field = descriptor.fields_by_name.get(name)
        if field is None:
            yield Fault(line=entry.line, column=entry.column, text=f"{descriptor.name} has no field {name}")
        else:
            yield from _value_faults(entry.node, field)


def expectation_fault(expectation: Expectation, descriptor: Descriptor) -> str | None:
    """Why an expectation can never hold; None when it can."""
    try:
        field, is_list = leaf(expectation.path, descriptor)
    except ValueError as error:
        return str(error)
    value = expectation.value
    if expectation.relation == "present":
        return None if isinstance(value, bool) else "present must be true or false"
    if expectation.relation == "contains" and not is_list:
        return f"{expectation.path} is no list"
    if expectation.relation == "at_least" and (isinstance(value, bool) or not isinstance(value, int)):
        return "at_least must be a whole number"
    if field.enum_type is not None and isinstance(value, str) and not holds_variables(value):
        known = enum_value(field.enum_type, value)
        return None if known else f"{field.enum_type.name} has no value {value}"
    return None


def _value_faults(node: Node, field: FieldDescriptor) -> Iterator[Fault]:
    if is_map(field):
        entry_type: Any = field.message_type
        value_field = entry_type.fields_by_name["value"]
        if not isinstance(node.value, dict):
            yield Fault(line=node.line, column=node.column, text=f"{field.name} must be a mapping")
        for key, entry in node.entries.items():
            yield from _single_faults(entry.node, value_field, f"{field.name}[{key}]")
    elif field.is_repeated:
        if not isinstance(node.value, tuple):
            yield Fault(line=node.line, column=node.column, text=f"{field.name} must be a list")
        for item in node.items:
            yield from _single_faults(item, field)
    else:
        yield from _single_faults(node, field)


def _single_faults(node: Node, field: FieldDescriptor, called: str = "") -> Iterator[Fault]:
    value = node.value
    if is_one_variable(value):
        return  # its type is known when the case is played
    message = field.message_type
    if message is not None and message.full_name != TIMESTAMP:
        yield from field_faults(node, message)
    elif not _fits(value, field):
        yield Fault(line=node.line, column=node.column, text=f"{called or field.name} {_expectation(field)}")


def _fits(value: Any, field: FieldDescriptor) -> bool:
    kind, enum = field.cpp_type, field.enum_type
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return isinstance(value, bool)
    if kind in _INTEGERS:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in _FLOATS:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if not isinstance(value, str):
        return False
    if enum is not None:
        return holds_variables(value) or enum_value(enum, value) is not None
    if field.message_type is not None:  # a time: literal times would be stale tomorrow
        return holds_variables(value)
    return True


def _expectation(field: FieldDescriptor) -> str:
    kind, enum = field.cpp_type, field.enum_type
    if kind == FieldDescriptor.CPPTYPE_BOOL:
        return "must be true or false"
    if kind in _INTEGERS:
        return "must be a whole number"
    if kind in _FLOATS:
        return "must be a number"
    if enum is not None:
        names = [short_name(enum, value.number) for value in enum.values[1:]]
        return f"must be one of {', '.join(names)}"
    if field.message_type is not None:
        return "must be a time of the case, such as ${at 01:05}"
    return "must be a text; put it in quotes"
