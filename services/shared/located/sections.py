"""Reads the keys of a mapping and notes every fault instead of stopping at the first."""

import difflib
from collections.abc import Collection, Iterable
from typing import Any

from services.shared.kernel.text import BilingualText
from services.shared.located.faults import Fault
from services.shared.located.nodes import Entry, Node


class Faults:
    """The faults of one file, while it is read."""

    def __init__(self) -> None:
        self.found: list[Fault] = []

    def add(self, line: int, text: str) -> None:
        self.found.append(Fault(line=line, text=text))

    def at(self, place: Node | Entry, text: str) -> None:
        """A fault of a value or of a key."""
        self.found.append(Fault(line=place.line, column=place.column, text=text))

    def add_all(self, line: int, texts: Iterable[str]) -> None:
        for text in texts:
            self.add(line, text)


class Section:
    """A mapping of the file. Reading a key that is missing or of another type notes a fault."""

    def __init__(self, node: Node, what: str, faults: Faults, *, keys: Collection[str]) -> None:
        """`keys` are all that may be in it."""
        self.node = node
        self.line = node.line
        self._what = what
        self._faults = faults
        if not isinstance(node.value, dict):
            faults.at(node, f"{what} must be a mapping")
        for key, entry in node.entries.items():
            if key not in keys:
                faults.at(entry, f"{what} has no {key}{did_you_mean(key, keys)}")

    def has(self, key: str) -> bool:
        return key in self.node.entries

    def line_of(self, key: str) -> int:
        """The line of a key; the mapping's own without it."""
        entry = self.node.entries.get(key)
        return entry.line if entry else self.line

    def fault(self, key: str, text: str) -> None:
        """Notes a fault at a key."""
        self._faults.at(self.node.entries.get(key) or self.node, text)

    def child(self, key: str, *, required: bool = True) -> Node | None:
        """The value of a key."""
        node = self.node.get(key)
        if node is None and required:
            self._faults.at(self.node, f"{self._what} needs {key}")
        return node

    def text(self, key: str, *, default: str | None = None) -> str:
        """A text; required without a default."""
        value = self._typed(key, str, default, "a text; put it in quotes")
        return value if isinstance(value, str) else ""

    def number(self, key: str, *, default: int | None = None, least: int, most: int) -> int:
        """A whole number within bounds; required without a default."""
        value = self._typed(key, int, default, "a whole number")
        if not isinstance(value, int) or isinstance(value, bool):
            return least
        if not least <= value <= most:
            self.fault(key, f"{key} must be from {least} to {most}")
        return value

    def truth(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self._typed(key, bool, default, "true or false")
        return value if isinstance(value, bool) else default

    def choice(self, key: str, names: Collection[str], *, default: str | None = None) -> str:
        """One of some names."""
        value = self.text(key, default=default)
        if value not in names and (self.has(key)):
            self.fault(key, f"{key} must be one of {', '.join(sorted(names))}")
        return value

    def texts(self, key: str, *, required: bool = True) -> tuple[str, ...]:
        """A list of texts, or one text alone."""
        node = self.child(key, required=required)
        if node is None:
            return ()
        if isinstance(node.value, str):
            return (node.value,)
        values = tuple(item.value for item in node.items)
        if not isinstance(node.value, tuple) or not all(isinstance(value, str) for value in values):
            self.fault(key, f"{key} must be a list of texts")
            return ()
        return values

    def bilingual(self, key: str, *, required: bool = True) -> BilingualText:
        """`{zh: …, en: …}`."""
        node = self.child(key, required=required)
        if node is None:
            return BilingualText(zh="", en="")
        section = Section(node, key, self._faults, keys=("zh", "en"))
        return BilingualText(zh=section.text("zh"), en=section.text("en"))

    def _typed(self, key: str, kind: type, default: Any, expectation: str) -> Any:
        node = self.child(key, required=default is None)
        if node is None:
            return default
        if not isinstance(node.value, kind) or (kind is int and isinstance(node.value, bool)):
            self.fault(key, f"{key} must be {expectation}")
            return default
        return node.value


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint at the name that was probably meant; empty without one."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
