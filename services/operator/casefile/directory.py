"""Directory files: communities, facilities with their wards and travel times, alliances, areas, channels."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from google.protobuf.descriptor import Descriptor

from services.operator.casefile.directory_checks import Placed, reference_faults
from services.operator.casefile.fields import field_faults
from services.operator.casefile.model import Directory
from services.operator.casefile.wards import WardReader
from services.shared.located.faults import Fault, FaultyFile
from services.shared.located.nodes import Entry, Node, read_located
from services.shared.located.sections import Faults, Section
from tierlink.referral.v1 import directory_pb2

#: The lists of a file, which are the fields of ApplyDirectory: their messages, and what an entry must have.
_LISTS: Mapping[str, tuple[Descriptor, tuple[str, ...]]] = {
    "communities": (directory_pb2.Community.DESCRIPTOR, ("id", "name", "lead")),
    "facilities": (directory_pb2.Facility.DESCRIPTOR, ("id", "name", "level")),
    "alliances": (directory_pb2.Alliance.DESCRIPTOR, ("id", "specialty", "name", "members")),
    "pooling_areas": (directory_pb2.PoolingArea.DESCRIPTOR, ("id",)),
    "recognition_areas": (directory_pb2.RecognitionArea.DESCRIPTOR, ("id",)),
    "green_channels": (directory_pb2.GreenChannel.DESCRIPTOR, ("id", "name", "holder", "facility")),
}
_GENERATED_MAX = 5000
_FACILITY = directory_pb2.Facility.DESCRIPTOR


def read_directories(paths: tuple[Path, ...]) -> Directory:
    """The files as one directory. Raises FaultyFile for the first that has faults, with all of them."""
    found: dict[str, list[Placed]] = {key: [] for key in _LISTS}
    wards = WardReader()
    faults: dict[Path, list[Fault]] = {path: [] for path in paths}
    for path in paths:
        noted = Faults()
        root = Section(read_located(path), "the directory", noted, keys=(*_LISTS, "generate"))
        for key in _LISTS:
            for node in _entries(root, key, noted):
                found[key].append(Placed(path=path, node=_entry_fields(key, node, wards, noted)))
        faults[path] += noted.found
    for placed, text in reference_faults(found):
        faults[placed.path].append(Fault(line=placed.node.line, column=placed.node.column, text=text))
    for path, of_it in faults.items():
        if of_it:
            raise FaultyFile(path, of_it)
    entries = {key: tuple(each.node.plain() for each in placed) for key, placed in found.items()}
    return Directory(**entries, wards=wards.found, places=found)


def _entries(root: Section, key: str, faults: Faults) -> Iterator[Node]:
    yield from _list(root, key)
    if key == "facilities":
        for each in _list(root, "generate"):
            yield from _generated(each, faults)


def _list(root: Section, key: str) -> tuple[Node, ...]:
    node = root.child(key, required=key == "facilities")
    if node is not None and not isinstance(node.value, tuple):
        root.fault(key, f"{key} must be a list")
    return node.items if node else ()


def _entry_fields(key: str, node: Node, wards: WardReader, faults: Faults) -> Node:
    """The entry as the fields of its message; what is wrong with them is noted."""
    descriptor, needed = _LISTS[key]
    entries = dict(node.entries)
    if key == "facilities" and "wards" in entries:
        wards.read(str(node.plain().get("id", "")), entries.pop("wards").node, faults)
    if key == "green_channels" and "holder" in entries:
        entries.update(_holder(_whole_name(entries["holder"])))
    if "name" in entries:
        entries["name"] = _whole_name(entries["name"])
    bare = Node(value=entries, line=node.line, column=node.column) if node.entries else node
    faults.found.extend(field_faults(bare, descriptor))
    for field in needed:
        if node.entries and node.get(field) is None:
            faults.at(node, f"{descriptor.name} needs {field}")
    return bare


def _whole_name(entry: Entry) -> Entry:
    """The name, put together again where a comma outside quotes cut it.

    YAML reads `{en: General Hospital, West campus}` as a second key without a value. Nothing else can be
    meant by one, and files from the field are written so.
    """
    texts: dict[str, Entry] = {}
    last = ""
    for key, part in entry.node.entries.items():
        before = texts[last].node.value if last else None
        if part.node.value is None and isinstance(before, str):
            whole = replace(texts[last].node, value=f"{before}, {key}")
            texts[last] = replace(texts[last], node=whole)
        else:
            texts[key], last = part, key
    return replace(entry, node=replace(entry.node, value=texts)) if texts else entry


def _holder(entry: Entry) -> dict[str, Entry]:
    """A holder that is no facility may be named in both languages."""
    chinese = entry.node.get("zh")
    if chinese is None:
        return {"holder": entry}
    return {"holder": Entry(line=entry.line, column=entry.column, node=chinese), "holder_name": entry}


def _generated(node: Node, faults: Faults) -> Iterator[Node]:
    """Numbered facilities; one without a name is called by its id, for nothing else is known of it."""
    keys = {"count", *_FACILITY.fields_by_name, "wards"}
    section = Section(node, "generate", faults, keys=keys)
    count = section.number("count", least=1, most=_GENERATED_MAX)
    pattern = section.text("id")
    for number in range(1, min(count, _GENERATED_MAX) + 1):
        try:
            name = pattern.format(n=number)
        except (KeyError, IndexError, ValueError, AttributeError):
            section.fault("id", "id must be a pattern such as township-{n:02}")
            return
        entries = {key: entry for key, entry in node.entries.items() if key != "count"}
        entries["id"] = _entry(name, node)
        if "name" not in entries:
            texts = {"zh": _entry(name, node), "en": _entry(name, node)}
            entries["name"] = Entry(
                line=node.line, column=node.column, node=Node(value=texts, line=node.line, column=node.column)
            )
        yield Node(value=entries, line=node.line, column=node.column)


def _entry(text: str, place: Node) -> Entry:
    node = Node(value=text, line=place.line, column=place.column)
    return Entry(line=place.line, column=place.column, node=node)
