"""The wards of a facility in a directory file: their beds, whom each may take, how many are kept."""

from collections.abc import Iterator
from typing import Any

from services.operator.casefile.model import BedGroup, Ward
from services.operator.rpc.values import enum_value, short_name
from services.shared.located.nodes import Node
from services.shared.located.sections import Faults, Section
from tierlink.bed.v1 import bed_service_pb2

_BEDS_MAX = 500
_AGE_MAX_YEARS = 150
_SEXES = ("M", "F")
_WARD = bed_service_pb2.WardSpecification.DESCRIPTOR
_BED_TYPE: Any = _WARD.fields_by_name["bed_type"].enum_type
#: Of a ward they are of all its beds, of a group of beds of those alone.
_CONSTRAINTS = ("sex", "age", "isolation")
_WARD_KEYS = ("id", "type", "name", "beds", "reserved", *_CONSTRAINTS)


class WardReader:
    """Reads the wards of one directory, in however many files, and notes what is wrong with them."""

    def __init__(self) -> None:
        #: where each ward was given first
        self._places: dict[str, Node] = {}
        #: by facility
        self.found: dict[str, tuple[Ward, ...]] = {}

    def read(self, facility: str, node: Node, faults: Faults) -> None:
        """The value of a facility's `wards`."""
        if not isinstance(node.value, tuple):
            faults.at(node, "wards must be a list")
        self.found[facility] = tuple(self._ward(each, faults) for each in node.items)

    def _ward(self, node: Node, faults: Faults) -> Ward:
        section = Section(node, "a ward", faults, keys=_WARD_KEYS)
        name = section.text("id")
        known = self._places.setdefault(name, node)
        # The wards of generated facilities come from one place.
        if name and known is not node:
            section.fault("id", f"ward {name} is given twice, first at line {known.line}")
        bed_type = section.text("type")
        if bed_type and enum_value(_BED_TYPE, bed_type) is None:
            names = ", ".join(short_name(_BED_TYPE, value.number) for value in _BED_TYPE.values[1:])
            section.fault("type", f"type must be one of {names}")
        groups = tuple(_groups(section, faults))
        count = sum(group.count for group in groups)
        if count > _BEDS_MAX:
            section.fault("beds", f"a ward has at most {_BEDS_MAX} beds, this one {count}")
        reserved = section.number("reserved", default=0, least=0, most=_BEDS_MAX)
        if reserved > count:
            section.fault("reserved", f"reserved is more than the {count} beds of the ward")
        return Ward(
            id=name,
            bed_type=bed_type,
            name=section.bilingual("name") if section.has("name") else None,
            groups=groups,
            reserved=reserved,
        )


def _groups(ward: Section, faults: Faults) -> Iterator[BedGroup]:
    """`beds` is a number; or a list of groups, each with its number and whom it may take."""
    of_all = _constraints(ward, faults)
    beds = ward.child("beds")
    if beds is None or not isinstance(beds.value, tuple):
        yield BedGroup(count=ward.number("beds", least=1, most=_BEDS_MAX) if beds else 1, constraints=of_all)
        return
    if not beds.items:
        ward.fault("beds", "beds must not be empty")
    for each in beds.items:
        group = Section(each, "a group of beds", faults, keys=("count", *_CONSTRAINTS))
        own = _constraints(group, faults)
        for key in _CONSTRAINTS:
            if group.has(key) and ward.has(key):
                group.fault(key, f"{key} is given for the whole ward already, at line {ward.line_of(key)}")
        yield BedGroup(count=group.number("count", least=1, most=_BEDS_MAX), constraints={**of_all, **own})


def _constraints(section: Section, faults: Faults) -> dict[str, Any]:
    """Fields of BedConstraints."""
    found: dict[str, Any] = {}
    if section.has("sex"):
        found["sex"] = section.choice("sex", _SEXES)
    if section.truth("isolation", default=False):
        found["isolation"] = True
    node = section.child("age", required=False)
    if node is not None:
        age = Section(node, "age", faults, keys=("from", "to"))
        for key, field in (("from", "min_age_years"), ("to", "max_age_years")):
            if age.has(key):
                found[field] = age.number(key, least=0, most=_AGE_MAX_YEARS)
        if not age.has("from") and not age.has("to"):
            section.fault("age", "age needs from, to, or both, in years")
        elif found.get("min_age_years", 0) > found.get("max_age_years", _AGE_MAX_YEARS):
            section.fault("age", "age: from is more than to")
    return found
