"""Reads the parts of which rules are made: conditions, reach, and what settles."""

from enum import StrEnum
from typing import TypeVar

from services.notification.domain.rules import Condition, Reach, Scalar, SettledBy
from services.notification.domain.values import Pathway, Urgency
from services.shared.located.nodes import Node
from services.shared.located.sections import Faults, Section, did_you_mean

N = TypeVar("N", bound=StrEnum)


def conditions(node: Node, faults: Faults, what: str) -> tuple[Condition, ...]:
    """`{path: [value, …]}`: holds when what lies at the path is one of the values."""
    if not isinstance(node.value, dict):
        faults.at(node, f"{what} must be a mapping")
    found: list[Condition] = []
    for path, entry in node.entries.items():
        values: list[Scalar] = [
            item.value for item in entry.node.items if isinstance(item.value, str | bool | int)
        ]
        if not values or len(values) != len(entry.node.items):
            faults.at(entry.node, f"{what}: {path} must be a list of texts, numbers, true or false")
        found.append(Condition(path=path, values=tuple(values)))
    return tuple(found)


def reach(given: Section, faults: Faults, what: str) -> Reach:
    """Which alerts something is for."""
    return Reach(
        events=given.texts("events", required=False),
        pathways=_names(given, "pathways", Pathway, faults, what),
        urgencies=_names(given, "urgencies", Urgency, faults, what),
        facilities=given.texts("facilities", required=False),
        roles=given.texts("roles", required=False),
    )


def _names(given: Section, key: str, kind: type[N], faults: Faults, what: str) -> tuple[N, ...]:
    known = [each.value for each in kind]
    found: list[N] = []
    for value in given.texts(key, required=False):
        if value in known:
            found.append(kind(value))
        else:
            hint = did_you_mean(value, known)
            given.fault(key, f"{what}: {key}: {value} is none of {', '.join(known)}{hint}")
    return tuple(found)


def settled_by(node: Node, faults: Faults, what: str) -> tuple[SettledBy, ...]:
    """Events by name, or with what narrows them. An empty aggregate is that of the rule."""
    if not isinstance(node.value, tuple):
        faults.at(node, f"{what} must be a list")
    found: list[SettledBy] = []
    for item in node.items:
        if isinstance(item.value, str):
            found.append(SettledBy(event=item.value, aggregate=""))
            continue
        given = Section(item, what, faults, keys=("event", "aggregate", "exact", "subject", "when"))
        when = item.get("when")
        found.append(
            SettledBy(
                event=given.text("event"),
                aggregate=given.text("aggregate", default=""),
                exact=given.truth("exact", default=False),
                subject=given.text("subject", default=""),
                when=conditions(when, faults, f"{what}: when") if when else (),
            )
        )
    return tuple(found)
