"""Where in a directory file the service found fault: its field paths as lines and columns."""

import re
from collections.abc import Mapping, Sequence

from services.operator.casefile.directory_checks import Placed
from services.operator.casefile.model import Directory
from services.shared.located.faults import Fault
from services.shared.located.nodes import Node

#: One step of a path: `.lead`, `[3]`, `[wucaiwan]`, `["wucaiwan"]`.
_STEP = re.compile(r"\.?([A-Za-z_]\w*)|\[\"?([^\"\]]*)\"?\]")


def file_faults(
    directory: Directory, violations: Sequence[tuple[str, str]]
) -> tuple[dict[str, list[Fault]], list[str]]:
    """Field violations as faults of the files they are in, by file name; and those that no file has."""
    found: dict[str, list[Fault]] = {}
    elsewhere: list[str] = []
    for field, description in violations:
        place = place_of(field, directory.places)
        if place is None:
            elsewhere.append(f"{field}: {description}")
            continue
        fault = Fault(line=place.node.line, column=place.node.column, text=f"{field}: {description}")
        found.setdefault(str(place.path), []).append(fault)
    return found, elsewhere


def place_of(field: str, places: Mapping[str, Sequence[Placed]]) -> Placed | None:
    """The value of a path such as `facilities[3].travel_minutes[wucaiwan]`, or the closest one there is."""
    steps = [name or index for name, index in _STEP.findall(field)]
    if len(steps) < 2 or not steps[1].isdigit() or int(steps[1]) >= len(places.get(steps[0], ())):
        return None
    placed = places[steps[0]][int(steps[1])]
    node = placed.node
    for step in steps[2:]:
        below = _below(node, step)
        if below is None:
            break
        node = below
    return Placed(path=placed.path, node=node)


def _below(node: Node, step: str) -> Node | None:
    if node.items and step.isdigit():
        return node.items[int(step)] if int(step) < len(node.items) else None
    return node.get(step)
