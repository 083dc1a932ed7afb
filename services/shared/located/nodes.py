"""YAML whose values know their lines, so that a fault can name the place to look at."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from services.shared.located.faults import Fault, FaultyFile

FILE_BYTES_MAX = 1024 * 1024
_DEPTH_MAX = 30
#: aliases make a small file large
_NODES_MAX = 100_000

#: libyaml where it is there: ten times as fast, and as safe.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

# YAML 1.2's core schema: PyYAML's own (1.1) reads 10:30 as 630, NO as false and 2026-01-02 as a date.
_INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+([eE][-+]?[0-9]+)?")
_PLAIN: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One key of a mapping with its value."""

    line: int
    node: "Node"
    #: of the key, from 1
    column: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A value of the file: text, number, truth, None, a tuple of nodes, or entries by key."""

    value: Any
    #: from 1
    line: int
    #: from 1
    column: int = 0

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> tuple["Node", ...]:
        """The elements of a list; empty for anything else."""
        return self.value if isinstance(self.value, tuple) else ()

    def get(self, key: str) -> "Node | None":
        """The value of a key; None without it."""
        entry = self.entries.get(key)
        return entry.node if entry else None

    def plain(self) -> Any:
        """The value without its lines."""
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, tuple):
            return [item.plain() for item in self.value]
        return self.value

    def texts(self) -> Iterator["Node"]:
        """Every text below this node, and itself if it is one."""
        if isinstance(self.value, str):
            yield self
        for item in self.items:
            yield from item.texts()
        for entry in self.entries.values():
            yield from entry.node.texts()


def read_located(path: Path) -> Node:
    """The file as nodes. Raises FaultyFile when it cannot be read, is no YAML or has a key twice."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FaultyFile(path, [Fault(line=0, text=f"cannot be read: {error.strerror or error}")]) from error
    if len(content) > FILE_BYTES_MAX:
        raise FaultyFile(path, [Fault(line=0, text=f"has more than {FILE_BYTES_MAX} bytes")])
    return parse_located(content, path)


def parse_located(content: bytes | str, path: Path) -> Node:
    """The text of a file as nodes. Raises FaultyFile; `path` is for its message."""
    try:
        root = _composed(content)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        fault = Fault(line=line, column=column, text=f"is no YAML: {problem}")
        raise FaultyFile(path, [fault]) from error
    if root is None:
        raise FaultyFile(path, [Fault(line=0, text="is empty")])
    reading = _Reading()
    node = reading.convert(root, depth=0)
    if reading.faults:
        raise FaultyFile(path, reading.faults)
    return node


def _composed(content: bytes | str) -> yaml.Node | None:
    """Raises yaml.YAMLError, in the words of PyYAML's own loader: they say what was there instead."""
    try:
        return yaml.compose(content, Loader=_LOADER)
    except yaml.YAMLError:
        return yaml.compose(content, Loader=yaml.SafeLoader)


class _Reading:
    """Converts one file's nodes and notes what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._nodes_count = 0

    def convert(self, node: yaml.Node, depth: int) -> Node:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        self._nodes_count += 1
        if depth > _DEPTH_MAX or self._nodes_count > _NODES_MAX:
            if not self.faults or self.faults[-1].line != line:
                self.faults.append(
                    Fault(
                        line=line, text=f"is too deep or too large ({_DEPTH_MAX} levels, {_NODES_MAX} values)"
                    )
                )
            return Node(value=None, line=line, column=column)
        if isinstance(node, yaml.SequenceNode):
            items = tuple(self.convert(each, depth + 1) for each in node.value)
            return Node(value=items, line=line, column=column)
        if isinstance(node, yaml.MappingNode):
            return Node(value=self._entries(node, depth), line=line, column=column)
        return Node(value=_scalar(node), line=line, column=column)

    def _entries(self, node: yaml.MappingNode, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for key_node, value_node in node.value:
            line, column = key_node.start_mark.line + 1, key_node.start_mark.column + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(Fault(line=line, column=column, text="a key must be a text"))
                continue
            if key_node.value in entries:
                self.faults.append(Fault(line=line, column=column, text=f"{key_node.value} is given twice"))
            entries[key_node.value] = Entry(
                line=line, column=column, node=self.convert(value_node, depth + 1)
            )
        return entries


def _scalar(node: yaml.Node) -> Any:
    text: str = node.value
    if getattr(node, "style", None):  # quoted, or a block
        return text
    if text in _PLAIN:
        return _PLAIN[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
