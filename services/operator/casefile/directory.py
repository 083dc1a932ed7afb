"""Directory files: facilities, communities, wards, travel times (see shared/cases/README.md)."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from services.operator.casefile.faults import FaultyFile
from services.operator.casefile.fields import field_faults
from services.operator.casefile.located import Entry, Node, read_located
from services.operator.casefile.model import Directory, Ward
from services.operator.casefile.sections import Faults, Section
from services.operator.rpc.values import enum_value, short_name
from tierlink.bed.v1 import bed_service_pb2
from tierlink.referral.v1 import directory_pb2

_KEYS = (
    "communities",
    "facilities",
    "generate",
    # What the directory's contract does not hold is read past, so that one file serves other tools too.
    *("alliances", "green_channels", "pooling_areas", "recognition_areas"),
)
_GENERATED_MAX = 5000
_WARD = bed_service_pb2.WardSpecification.DESCRIPTOR
_BED_TYPE: Any = _WARD.fields_by_name["bed_type"].enum_type
_FACILITY = directory_pb2.Facility.DESCRIPTOR
_COMMUNITY = directory_pb2.Community.DESCRIPTOR


def read_directories(paths: tuple[Path, ...]) -> Directory:
    """The files as one directory. Raises FaultyFile for the first that has faults."""
    read = [_read_directory(path) for path in paths]
    communities = tuple(each for directory in read for each in directory.communities)
    facilities = tuple(each for directory in read for each in directory.facilities)
    wards = {facility: each for directory in read for facility, each in directory.wards.items()}
    faults = Faults()
    for kind, entries in (("community", communities), ("facility", facilities)):
        for twice in _twice([entry["id"] for entry in entries]):
            faults.add(0, f"{kind} {twice} is given twice")
    if faults.found:
        raise FaultyFile(paths[-1], faults.found)
    return Directory(communities=communities, facilities=facilities, wards=wards)


def _read_directory(path: Path) -> Directory:
    faults = Faults()
    root = Section(read_located(path), "the directory", faults, keys=_KEYS)
    communities = [_fields(node, _COMMUNITY, faults) for node in _list(root, "communities")]
    wards: dict[str, tuple[Ward, ...]] = {}
    facilities = []
    nodes = list(_list(root, "facilities"))
    for node in (*nodes, *(made for each in _list(root, "generate") for made in _generated(each, faults))):
        bare = Node(value={k: v for k, v in node.entries.items() if k != "wards"}, line=node.line)
        facility = _fields(bare, _FACILITY, faults)
        facilities.append(facility)
        beds = node.get("wards")
        if beds is not None:
            wards[str(facility.get("id", ""))] = tuple(_ward(each, faults) for each in beds.items)
    if faults.found:
        raise FaultyFile(path, faults.found)
    return Directory(communities=tuple(communities), facilities=tuple(facilities), wards=wards)


def _list(root: Section, key: str) -> tuple[Node, ...]:
    node = root.child(key, required=key == "facilities")
    if node is not None and not isinstance(node.value, tuple):
        root.fault(key, f"{key} must be a list")
    return node.items if node else ()


def _fields(node: Node, descriptor: Any, faults: Faults) -> Mapping[str, Any]:
    faults.found.extend(field_faults(node, descriptor))
    for key in ("id", "name"):
        if node.get(key) is None:
            faults.add(node.line, f"{descriptor.name.lower()} needs {key}")
    plain = node.plain()
    return plain if isinstance(plain, dict) else {}


def _ward(node: Node, faults: Faults) -> Ward:
    section = Section(node, "a ward", faults, keys=("id", "type", "beds"))
    bed_type = section.text("type")
    if bed_type and enum_value(_BED_TYPE, bed_type) is None:
        names = ", ".join(short_name(_BED_TYPE, value.number) for value in _BED_TYPE.values[1:])
        section.fault("type", f"type must be one of {names}")
    return Ward(
        id=section.text("id"), bed_type=bed_type, beds_count=section.number("beds", least=1, most=500)
    )


def _generated(node: Node, faults: Faults) -> Iterator[Node]:
    """Numbered facilities; one without a name is called by its id, for nothing else is known of it."""
    keys = {"count", *_FACILITY.fields_by_name, "wards"}
    section = Section(node, "generate", faults, keys=keys)
    count = section.number("count", least=1, most=_GENERATED_MAX)
    pattern = section.text("id")
    for number in range(1, count + 1):
        try:
            name = pattern.format(n=number)
        except (KeyError, IndexError, ValueError):
            section.fault("id", "id must be a pattern such as township-{n:02}")
            return
        entries = {key: entry for key, entry in node.entries.items() if key != "count"}
        entries["id"] = _entry(name, node.line)
        if "name" not in entries:
            texts = {"zh": _entry(name, node.line), "en": _entry(name, node.line)}
            entries["name"] = Entry(line=node.line, node=Node(value=texts, line=node.line))
        yield Node(value=entries, line=node.line)


def _entry(text: str, line: int) -> Entry:
    return Entry(line=line, node=Node(value=text, line=line))


def _twice(ids: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for each in ids:
        if each in seen:
            yield each
        seen.add(each)
