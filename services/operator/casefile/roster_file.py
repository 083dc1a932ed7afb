"""Roster files: the fields of ApplyRoster, with times on the site's own clock."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.operator.casefile.fields import field_faults
from services.operator.rpc.values import TIMESTAMP, rfc3339
from services.shared.located.faults import Fault, FaultyFile
from services.shared.located.nodes import Entry, Node, read_located
from services.shared.located.sections import Faults, Section
from tierlink.notification.v1 import roster_service_pb2

_REQUEST = roster_service_pb2.ApplyRosterRequest.DESCRIPTOR
_SECTIONS = ("duties", "rotations", "shifts", "swaps", "leaves", "calendar", "requirements")
#: Sections whose entries name their facility, which the file names once.
_OF_FACILITY = ("duties", "shifts")
#: China Standard Time.
_OFFSET_MINUTES = 480
_TIME_FORMAT = "%Y-%m-%d %H:%M"
#: What the check of fields takes for a time whose value is not known yet.
_SOME_TIME = "${time}"
#: One step of a path: `.post`, `[3]`.
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+)\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterFile:
    """A file that is sound by itself."""

    path: Path
    facility: str
    #: of the request
    fields: dict[str, Any]
    root: Node

    def located(self, violations: Sequence[tuple[str, str]]) -> list[Fault]:
        """What the service found, each at the value of its path or the closest one there is."""
        return [_located(self.root, field, description) for field, description in violations]


def read_roster(path: Path) -> RosterFile:
    """Raises FaultyFile with all its faults."""
    noted = Faults()
    root = read_located(path)
    section = Section(root, "the roster", noted, keys=("facility", "utc_offset_minutes", *_SECTIONS))
    facility = section.text("facility")
    offset = section.number("utc_offset_minutes", default=_OFFSET_MINUTES, least=-840, most=840)
    known = {name: entry for name, entry in root.entries.items() if name in _REQUEST.fields_by_name}
    reader = _Times(offset)
    converted = reader.message(_mapping(root, known), _REQUEST)
    unsettled = _Times(offset, stands_for=_SOME_TIME).message(_mapping(root, known), _REQUEST)
    noted.found += [*reader.faults, *field_faults(unsettled, _REQUEST)]
    if noted.found:
        raise FaultyFile(path, noted.found)
    fields = converted.plain()
    for name in _OF_FACILITY:
        fields[name] = [{"facility": facility, **entry} for entry in fields.get(name, [])]
    return RosterFile(path=path, facility=facility, fields=fields, root=root)


class _Times:
    """Turns times of the site's clock into those of protobuf's JSON, or into what stands for them."""

    def __init__(self, offset_minutes: int, *, stands_for: str = "") -> None:
        self.faults: list[Fault] = []
        self._offset = timedelta(minutes=offset_minutes)
        self._stands_for = stands_for

    def message(self, node: Node, descriptor: Descriptor) -> Node:
        """The same mapping, its times turned; what is no field of the message stays as it is."""
        fields = descriptor.fields_by_name
        entries = {
            name: Entry(
                line=entry.line,
                column=entry.column,
                node=self._value(entry.node, fields[name]) if name in fields else entry.node,
            )
            for name, entry in node.entries.items()
        }
        return _mapping(node, entries) if isinstance(node.value, dict) else node

    def _value(self, node: Node, field: FieldDescriptor) -> Node:
        if isinstance(node.value, tuple):
            items = tuple(self._value(item, field) for item in node.items)
            return Node(value=items, line=node.line, column=node.column)
        message = field.message_type
        if message is None:
            return node
        if message.full_name == TIMESTAMP:
            return Node(value=self._time(node), line=node.line, column=node.column)
        return self.message(node, message)

    def _time(self, node: Node) -> str:
        try:
            local = datetime.strptime(str(node.value), _TIME_FORMAT).replace(tzinfo=UTC)
            return self._stands_for or rfc3339(local - self._offset)
        except (ValueError, OverflowError):
            fault = "must be a time such as 2026-10-01 08:00, on the site's clock"
            self.faults.append(Fault(line=node.line, column=node.column, text=fault))
            return _SOME_TIME


def _mapping(place: Node, entries: dict[str, Entry]) -> Node:
    return Node(value=entries, line=place.line, column=place.column)


def _located(root: Node, field: str, description: str) -> Fault:
    node = root
    for name, index in _STEP.findall(field):
        below = node.get(name) if name else None
        if index and int(index) < len(node.items):
            below = node.items[int(index)]
        if below is None:
            break
        node = below
    return Fault(line=node.line, column=node.column, text=f"{field}: {description}")
