"""Reads the steps of a case, in order: a step may use what an earlier one saved."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from google.protobuf.descriptor import Descriptor

from services.operator.casefile.fields import expectation_fault, field_faults
from services.operator.casefile.model import AlertStep, AwaitStep, CommandStep, Step
from services.operator.casefile.variables import is_name, parse_offset, variable_faults
from services.operator.rpc.methods import RpcMethod, rpc_methods
from services.operator.rpc.paths import RELATIONS, Expectation, path_fault
from services.shared.kernel.actor import Actor
from services.shared.located.nodes import Node
from services.shared.located.sections import Faults, Section, did_you_mean
from tierlink.notification.v1 import alert_pb2

_COMMON = ("id", "at", "text", "save", "synthetic")
_KEYS = {
    "do": (*_COMMON, "do", "who", "with", "expect"),
    "await": (*_COMMON, "await", "who", "with", "until", "within_s"),
    "alert": (*_COMMON, "alert", "match", "within_s", "of"),
}
_DRAWN = {
    "request_id": "request_id is drawn for each play",
    "occurred_at": "occurred_at is the step's `at`",
}
#: Enough for a killed Kafka to come back on a busy machine.
_WITHIN_S = 90
_WITHIN_S_MAX = 600
_EMPTY = Node(value={}, line=0)
ALERT = alert_pb2.Alert.DESCRIPTOR


class StepReader:
    """Reads steps one after the other and remembers which variables and ids there are."""

    def __init__(self, people: Mapping[str, Actor], known: set[str], faults: Faults) -> None:
        """`known` are the variables that have a value before the first step."""
        self._people = people
        self.known = set(known)
        self._faults = faults
        self._command_ids: list[str] = []
        self._ids: set[str] = set()
        self._at = timedelta(0)
        self._number = 0

    def read(self, node: Node) -> Step | None:
        """One step; None when it is not even clear which kind it is."""
        self._number += 1
        kinds = [kind for kind in _KEYS if node.get(kind) is not None]
        if len(kinds) != 1:
            self._faults.add(node.line, "a step has one of do, await, alert")
            return None
        kind = kinds[0]
        section = Section(node, f"a step with {kind}", self._faults, keys=_KEYS[kind])
        self._check_variables(node)
        step = self._alert(section) if kind == "alert" else self._rpc(section, kind)
        self._remember(section, step, kind)
        return step

    def _remember(self, section: Section, step: Step | None, kind: str) -> None:
        save = section.node.get("save") or _EMPTY
        self.known.update(name for name in save.entries if is_name(name))
        if step is None:
            return
        if step.id in self._ids:
            section.fault("id", f"{step.id} is the id of a step above")
        self._ids.add(step.id)
        if kind == "do":
            self._command_ids.append(step.id)

    def _rpc(self, section: Section, kind: str) -> CommandStep | AwaitStep | None:
        name = section.text(kind)
        method = rpc_methods().get(name)
        if method is None or method.is_stream:
            text = f"there is no RPC {name}{did_you_mean(name, rpc_methods())}"
            section.fault(kind, f"{name} is a stream; use alert" if method else text)
            return None
        fields = section.node.get("with") or _EMPTY
        self._check_fields(fields, method)
        common = self._common(section, who=section.text("who"), answer=method.response)
        if kind == "do":
            expect = self._expectations(section.child("expect", required=False), method.response)
            return CommandStep(**common, method=method, fields=fields.plain(), expect=expect)
        if method.is_command:
            section.fault("await", f"{name} changes something; await looks only")
        until = self._expectations(section.child("until"), method.response)
        return AwaitStep(
            **common, method=method, fields=fields.plain(), until=until, within_s=_within(section)
        )

    def _alert(self, section: Section) -> AlertStep:
        common = self._common(section, who=section.text("alert"), answer=ALERT)
        of = section.text("of", default="")
        if of and of not in self._command_ids:
            section.fault("of", f"there is no command step {of} above{did_you_mean(of, self._command_ids)}")
        elif not self._command_ids:
            section.fault("alert", "there is no command step above it that could have caused an alert")
        return AlertStep(
            **common,
            match=self._expectations(section.child("match"), ALERT),
            within_s=_within(section),
            of=of or (self._command_ids or [""])[-1],
        )

    def _common(self, section: Section, *, who: str, answer: Descriptor) -> dict[str, Any]:
        if who and who not in self._people:
            key = "alert" if section.has("alert") else "who"
            section.fault(key, f"{who} is none of the people{did_you_mean(who, self._people)}")
        if section.has("at"):
            at = parse_offset(section.text("at"))
            if at is None:
                section.fault("at", "at must be hh:mm or 9d hh:mm after the start of the case, in quotes")
            self._at = self._at if at is None else at
        elif self._number == 1:
            section.fault("at", "the first step needs at")
        return {
            "number": self._number,
            "id": section.text("id", default=str(self._number)),
            "line": section.line,
            "at": self._at,
            "who": who,
            "text": section.bilingual("text", required=False),
            "save": self._save(section, answer),
            "synthetic": section.truth("synthetic", default=False),
        }

    def _save(self, section: Section, answer: Descriptor) -> dict[str, str]:
        saved: dict[str, str] = {}
        node = section.node.get("save") or _EMPTY
        if not isinstance(node.value, dict):
            section.fault("save", "save must be paths by variable")
        for name, entry in node.entries.items():
            path = entry.node.value
            if not is_name(name):
                self._faults.add(entry.line, f"{name} is no name for a variable")
            fault = path_fault(path, answer) if isinstance(path, str) else f"{name} needs a path"
            if fault:
                self._faults.add(entry.line, fault)
            saved[name] = str(path)
        return saved

    def _expectations(self, node: Node | None, answer: Descriptor) -> tuple[Expectation, ...]:
        if node is not None and not isinstance(node.value, dict):
            self._faults.add(node.line, "must be values by path")
        found = []
        for path, entry in (node or _EMPTY).entries.items():
            value = entry.node.plain()
            relations = value if isinstance(value, dict) else {"equals": value}
            for relation, wanted in relations.items():
                expectation = Expectation(path=path, relation=relation, value=wanted)
                fault = (
                    expectation_fault(expectation, answer)
                    if relation in RELATIONS
                    else f"{relation} is none of {', '.join(RELATIONS)}"
                )
                if fault:
                    self._faults.add(entry.line, fault)
                found.append(expectation)
        return tuple(found)

    def _check_fields(self, fields: Node, method: RpcMethod) -> None:
        self._faults.found.extend(field_faults(fields, method.request))
        for name, text in _DRAWN.items():
            entry = fields.entries.get(name)
            if entry is not None and method.is_command:
                self._faults.add(entry.line, text)

    def _check_variables(self, node: Node) -> None:
        for text in node.texts():
            self._faults.add_all(text.line, variable_faults(text.value, self.known))


def _within(section: Section) -> float:
    return float(section.number("within_s", default=_WITHIN_S, least=1, most=_WITHIN_S_MAX))
