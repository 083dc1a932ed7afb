"""Paths into messages, such as `referral.offers[0].state`: checked against the contract, read, compared."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.operator.rpc.values import TIMESTAMP, enum_value, is_map, moment_of, rfc3339, short_name

_PART = re.compile(r"([a-z][a-z0-9_]*)((?:\[-?\d{1,4}\])?)")


class NothingThere(Exception):
    """The path leads to nothing in this message: a list is too short, or a message is not set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """What lies at a path must be so."""

    path: str
    #: `equals`, `present`, `contains` or `at_least`
    relation: str
    value: Any


RELATIONS = ("equals", "present", "contains", "at_least")


def path_fault(path: str, descriptor: Descriptor) -> str | None:
    """What is wrong with a path into messages of this type; None when it leads somewhere."""
    try:
        leaf(path, descriptor)
    except ValueError as error:
        return str(error)
    return None


def read_path(message: Message, path: str) -> Any:
    """What lies at a path, as a plain value; enum values without their prefix, times as RFC 3339.

    Raises NothingThere.
    """
    found: Any = message
    for part in path.split("."):
        name, index = _split(part)
        if not isinstance(found, Message):
            raise NothingThere(f"{path} leads to nothing")
        field: Any = found.DESCRIPTOR.fields_by_name[name]
        if field.has_presence and not found.HasField(name):
            raise NothingThere(f"{path}: {name} is not set")
        found = getattr(found, name)
        if field.is_repeated and not is_map(field):
            found = [_plain(each, field) for each in found]
            if index is not None:
                if not -len(found) <= index < len(found):
                    raise NothingThere(f"{path}: {name} has {len(found)} elements")
                found = found[index]
        else:
            found = _plain(found, field)
    return found


def unmet(message: Message, expectations: tuple[Expectation, ...]) -> Iterator[str]:
    """Each expectation that the message does not meet, in words."""
    for expectation in expectations:
        try:
            found = read_path(message, expectation.path)
        except NothingThere as error:
            found = None
            reason = str(error)
        else:
            reason = f"{expectation.path} is {_shown(found)}"
        if not _holds(expectation, found, message):
            wanted = f"{expectation.relation} {_shown(expectation.value)}".removeprefix("equals ")
            yield f"{reason}, not {wanted}"


def _holds(expectation: Expectation, found: Any, message: Message) -> bool:
    descriptor: Any = message.DESCRIPTOR
    field, _ = leaf(expectation.path, descriptor)
    value = expectation.value
    if field.enum_type is not None and isinstance(value, str):
        full = enum_value(field.enum_type, value)
        value = short_name(field.enum_type, field.enum_type.values_by_name[full].number) if full else value
    match expectation.relation:
        case "present":
            return bool(found) is bool(value)
        case "contains":
            return isinstance(found, list) and value in found
        case "at_least":
            return bool((len(found) if isinstance(found, list) else found or 0) >= value)
        case _:
            # What is not set has its default: an empty text, nought, false.
            return bool(found == value) or (found is None and value in ("", 0, False))


def leaf(path: str, descriptor: Descriptor) -> tuple[FieldDescriptor, bool]:
    """The field at the end of a path and whether a list lies there. Raises ValueError."""
    is_list = False
    index = None
    at: Descriptor | None = descriptor
    field: FieldDescriptor | None = None
    parts = path.split(".")
    for position, part in enumerate(parts, start=1):
        name, index = _split(part)
        if at is None:
            raise ValueError(f"{path}: there is nothing below {parts[position - 2]}")
        field = at.fields_by_name.get(name)
        if field is None:
            raise ValueError(f"{path}: {at.name} has no field {name}")
        is_list = field.is_repeated and not is_map(field)
        if index is not None and not is_list:
            raise ValueError(f"{path}: {name} is no list")
        if is_list and index is None and position < len(parts):
            raise ValueError(f"{path}: {name} is a list; say which element, such as {name}[0]")
        at = None if field.message_type is None or is_map(field) else field.message_type
        at = None if at is not None and at.full_name == TIMESTAMP else at
    assert field is not None, "a split text has a first part"
    return field, is_list and index is None


def _split(part: str) -> tuple[str, int | None]:
    match = _PART.fullmatch(part)
    if match is None:
        raise ValueError(f"{part} is no part of a path")
    name, index = match.groups()
    return name, int(index[1:-1]) if index else None


def _plain(value: Any, field: FieldDescriptor) -> Any:
    if isinstance(value, Timestamp):
        return rfc3339(moment_of(value))
    if field.enum_type is not None and isinstance(value, int):
        return short_name(field.enum_type, value)
    return value


def _shown(value: Any) -> str:
    text = str(value).replace("\n", " ")
    return text if len(text) <= 120 else f"{text[:117]}…"
