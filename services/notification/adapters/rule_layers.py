"""Reads one rules file, the product's or a site's own, into values that know where they stand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from services.notification.adapters.rule_values import conditions, reach, settled_by
from services.notification.domain.rules import ActWithin, EscalationTiming, Fallback, PolicyRow, Reach
from services.notification.domain.values import (
    AcknowledgementPolicy,
    DutyStep,
    Pathway,
    Recipient,
    Severity,
    Urgency,
)
from services.shared.located.nodes import Node
from services.shared.located.sections import Faults, Section, did_you_mean

N = TypeVar("N", bound=StrEnum)

TOP_KEYS = (
    *("utc_offset_minutes", "centres", "escalation", "policies", "policy_for", "fallback", "unstaffed"),
    *("settle_all", "rules"),
)
_TEXTS = ("aggregate", "facility", "subject", "action", "each", "act_by", "dedup")
_RULE_KEYS = (
    *("code", "off", "events", "when", "unless", "only", "role", "severity", "first_step", "title", "body"),
    *("act_within", "settled_by"),
    *_TEXTS,
)
_TIMING_KEYS = tuple(EscalationTiming.__dataclass_fields__)

#: Longer than any shift: a wait or a number of calls beyond it is a slip of the pen.
_WAIT_S_MAX = 24 * 3600
_ROUNDS_MAX = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a value stands."""

    file: Path
    line: int
    column: int


@dataclass(kw_only=True)
class Layer:
    """What one file says, by key; rules by their codes and then by key."""

    values: dict[str, Any] = field(default_factory=dict)
    #: by the keys from the top
    places: dict[tuple[str, ...], Place] = field(default_factory=dict)
    #: as the file has it, for people to compare, by the same keys
    plain: dict[tuple[str, ...], object] = field(default_factory=dict)


class LayerReader:
    """Reads one file and notes every fault of its form."""

    def __init__(self, path: Path, root: Node) -> None:
        self.faults = Faults()
        self.layer = Layer()
        self._path = path
        self._root = Section(root, "the rules file", self.faults, keys=TOP_KEYS)

    def read(self) -> Layer:
        """What the file says; of no use while there are faults."""
        readers: Mapping[str, Callable[[Node], object]] = {
            "utc_offset_minutes": lambda node: self._root.number(
                "utc_offset_minutes", least=-24 * 60, most=24 * 60
            ),
            "centres": self._centres,
            "escalation": lambda node: self._timings(node, "escalation", Severity),
            "policies": lambda node: self._timings(node, "policies", None),
            "policy_for": self._policy_rows,
            "fallback": self._fallback,
            "unstaffed": self._unstaffed,
            "settle_all": self._settle_all,
            "rules": self._rules,
        }
        for key, reader in readers.items():
            node = self._root.node.get(key)
            if node is not None:
                self._note((key,), node, keep=not node.entries and key != "rules")
                self.layer.values[key] = reader(node)
        return self.layer

    def _note(self, keys: tuple[str, ...], node: Node, *, keep: bool = True) -> None:
        self.layer.places[keys] = Place(file=self._path, line=node.line, column=node.column)
        if keep:
            self.layer.plain[keys] = node.plain()

    def _entries(self, node: Node, *keys: str) -> Mapping[str, Node]:
        """The entries of a mapping, each noted; a fault where it is none."""
        if not isinstance(node.value, dict):
            self.faults.at(node, f"{keys[-1]} must be a mapping")
        for key, entry in node.entries.items():
            self._note((*keys, key), entry.node)
        return {key: entry.node for key, entry in node.entries.items()}

    def _name(self, kind: type[N], value: object, node: Node, what: str) -> N | None:
        names = [each.value for each in kind]
        if isinstance(value, str) and value in names:
            return kind(value)
        hint = did_you_mean(str(value), names)
        self.faults.at(node, f"{what}: {value} is none of {', '.join(names)}{hint}")
        return None

    def _centres(self, node: Node) -> dict[Pathway, str]:
        found: dict[Pathway, str] = {}
        section = Section(node, "centres", self.faults, keys=node.entries.keys())
        for key, each in self._entries(node, "centres").items():
            pathway = self._name(Pathway, key, each, "centres")
            if pathway is not None:
                found[pathway] = section.text(key)
        return found

    def _timings(self, node: Node, section: str, names: type[Severity] | None) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, each in self._entries(node, section).items():
            if names is None and name in [severity.value for severity in Severity]:
                self.faults.at(each, f"policies: {name} is a severity; change it in escalation")
            elif names is None or self._name(names, name, each, section) is not None:
                self._entries(each, section, name)
                found[name] = self._timing(each, f"{section}: {name}")
        return found

    def _timing(self, node: Node, what: str) -> dict[str, Any]:
        given = Section(node, what, self.faults, keys=_TIMING_KEYS)
        found: dict[str, Any] = {}
        if given.has("steps"):
            steps = [self._name(DutyStep, step, given.node, what) for step in given.texts("steps")]
            found["steps"] = tuple(step for step in steps if step is not None)
        if given.has("repeat_s"):
            found["repeat_s"] = given.number("repeat_s", least=0, most=_WAIT_S_MAX)
        if given.has("rounds"):
            found["rounds"] = given.number("rounds", least=0, most=_ROUNDS_MAX)
        if given.has("must_be_staffed"):
            found["must_be_staffed"] = given.truth("must_be_staffed", default=True)
        acknowledgements = given.node.get("acknowledgements")
        if acknowledgements is not None:
            wanted = Section(
                acknowledgements, f"{what}: acknowledgements", self.faults, keys=("count", "roles")
            )
            found["acknowledgements"] = AcknowledgementPolicy(
                count=wanted.number("count", default=0, least=1, most=20) if wanted.has("count") else 0,
                roles=wanted.texts("roles", required=False),
            )
        return found

    def _policy_rows(self, node: Node) -> tuple[PolicyRow, ...]:
        rows: list[PolicyRow] = []
        for index, each in enumerate(node.items):
            for key, entry in self._entries(each, "policy_for", str(index)).items():
                self._note(("policy_for", str(index), key), entry)
            given = Section(
                each,
                "policy_for",
                self.faults,
                keys=("policy", "rules", "events", "pathways", "urgencies", "facilities", "roles"),
            )
            rows.append(
                PolicyRow(
                    policy=given.text("policy"),
                    rules=given.texts("rules", required=False),
                    reach=reach(given, self.faults, "policy_for"),
                )
            )
        return tuple(rows)

    def _fallback(self, node: Node) -> Fallback:
        given = Section(node, "fallback", self.faults, keys=("facility", "recipients"))
        recipients: list[Recipient] = []
        listed = given.child("recipients")
        if listed is not None:
            self._note(("fallback", "recipients"), listed)
        for each in listed.items if listed else ():
            person = Section(each, "fallback: recipients", self.faults, keys=("user", "name", "channels"))
            recipients.append(
                Recipient(
                    user=person.text("user"),
                    name=person.text("name"),
                    channels=person.texts("channels", required=False),
                )
            )
        self.layer.plain["fallback",] = node.plain()
        return Fallback(facility=given.text("facility", default=""), recipients=tuple(recipients))

    def _unstaffed(self, node: Node) -> dict[str, Any]:
        given = Section(node, "unstaffed", self.faults, keys=("title", "body"))
        for key, each in self._entries(node, "unstaffed").items():
            self._entries(each, "unstaffed", key)
        return {key: given.bilingual(key) for key in ("title", "body") if given.has(key)}

    def _settle_all(self, node: Node) -> dict[str, tuple[str, ...]]:
        given = Section(node, "settle_all", self.faults, keys=node.entries.keys())
        return {key: given.texts(key) for key in self._entries(node, "settle_all")}

    def _rules(self, node: Node) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        if not isinstance(node.value, tuple):
            self.faults.at(node, "rules must be a list")
        for each in node.items:
            code = str(each.get("code").plain()) if each.get("code") else ""  # type: ignore[union-attr]
            if code in found:
                self.faults.at(each, f"{code}: there are two rules of this code")
            found[code] = self._rule(each, code)
        return found

    def _rule(self, node: Node, code: str) -> dict[str, Any]:
        given = Section(node, code or "a rule", self.faults, keys=_RULE_KEYS)
        found: dict[str, Any] = {"code": given.text("code")}
        self._note(("rules", code), node, keep=False)
        for key, each in self._entries(node, "rules", code).items():
            if key in ("title", "body"):
                self._entries(each, "rules", code, key)
        found |= {key: given.text(key) for key in _TEXTS if given.has(key)}
        found |= {key: given.bilingual(key) for key in ("title", "body") if given.has(key)}
        if given.has("events"):
            found["events"] = given.texts("events")
        if given.has("off"):
            found["off"] = given.truth("off", default=False)
        readers: Mapping[str, Callable[[Node, str], object]] = {
            "when": lambda part, what: conditions(part, self.faults, what),
            "unless": lambda part, what: conditions(part, self.faults, what),
            "only": self._reach,
            "role": lambda part, what: self._by_urgency(part, what, None),
            "severity": lambda part, what: self._by_urgency(part, what, Severity),
            "first_step": lambda part, what: self._name(DutyStep, part.value, part, what),
            "act_within": self._act_within,
            "settled_by": lambda part, what: settled_by(part, self.faults, what),
        }
        for key, reader in readers.items():
            if (part := node.get(key)) is not None:
                found[key] = reader(part, f"{code}: {key}")
        return found

    def _reach(self, node: Node, what: str) -> Reach:
        keys = ("events", "pathways", "urgencies", "facilities", "roles")
        return reach(Section(node, what, self.faults, keys=keys), self.faults, what)

    def _by_urgency(self, node: Node, what: str, kind: type[Severity] | None) -> dict[Urgency, Any]:
        """One value for every urgency, or one for each."""

        def value(each: Node) -> object:
            if kind is not None:
                return self._name(kind, each.value, each, what)
            if not isinstance(each.value, str):
                self.faults.at(each, f"{what} must be a text; put it in quotes")
            return each.value

        if not node.entries:
            return dict.fromkeys(Urgency, value(node))
        found: dict[Urgency, Any] = {}
        for key, entry in node.entries.items():
            urgency = self._name(Urgency, key, entry.node, what)
            if urgency is not None:
                found[urgency] = value(entry.node)
        return found

    def _act_within(self, node: Node, what: str) -> ActWithin:
        given = Section(node, what, self.faults, keys=("seconds", "source", "confidence"))
        return ActWithin(
            seconds=given.number("seconds", least=1, most=_WAIT_S_MAX * 31),
            source=given.text("source"),
            confidence=given.choice("confidence", ("A", "B", "C")),
        )
