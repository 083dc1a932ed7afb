"""Reads a case file whole. What is wrong with it is told at once, before anything is played."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.operator.casefile.directory import read_directories
from services.operator.casefile.model import Case, Directory, Duty, ExpectedAlert, ExpectedClock, Site
from services.operator.casefile.packaged import CASES_FOLDER
from services.operator.casefile.step_reading import StepReader
from services.operator.casefile.variables import UNIQUE, is_name, parse_offset, variable_faults
from services.shared.kernel.actor import Actor, Role
from services.shared.located.faults import FaultyFile
from services.shared.located.nodes import Node, read_located
from services.shared.located.sections import Faults, Section

_KEYS = (
    *("id", "title", "source", "directory", "utc_offset_minutes", "people", "rosters", "variables"),
    *("about", "steps", "clocks", "alerts"),
)
_STEPS_MAX = 1000
#: China Standard Time.
_UTC_OFFSET_MINUTES = 480
_CLOCK_STATUSES = ("RUNNING", "MET", "MISSED")
_ALERT_STATES = ("TRIGGERED", "ACKNOWLEDGED", "RESOLVED")
_DUTY_STEPS = ("duty", "backup", "lead", "coordinator")


def read_case(path: Path) -> Case:
    """The case in a file. Raises FaultyFile, of the case file or of a directory file that it names."""
    faults = Faults()
    root = Section(read_located(path), "the case", faults, keys=_KEYS)
    directory = _directory(root, path, faults)
    people = _people(root, directory, faults)
    rosters = _rosters(root, directory, people, faults)
    variables = _variables(root, faults)
    reader = StepReader(people, {UNIQUE, *variables}, faults)
    nodes = _list(root, "steps", required=True)
    if len(nodes) > _STEPS_MAX:
        root.fault("steps", f"there are more than {_STEPS_MAX} steps")
    steps = tuple(step for node in nodes[:_STEPS_MAX] if (step := reader.read(node)) is not None)
    if not nodes and root.has("steps"):
        root.fault("steps", "there are no steps")
    episode, referral = _about(root, reader.known, faults)
    case = Case(
        path=path,
        id=root.text("id"),
        title=root.bilingual("title"),
        source=root.bilingual("source", required=False),
        site=Site(directory=directory, people=people, rosters=rosters),
        utc_offset_minutes=root.number(
            "utc_offset_minutes", default=_UTC_OFFSET_MINUTES, least=-840, most=840
        ),
        variables=variables,
        steps=steps,
        episode=episode,
        referral=referral,
        clocks=tuple(_clock(node, directory, faults) for node in _list(root, "clocks")),
        alerts=tuple(_alert(node, directory, people, reader.known, faults) for node in _list(root, "alerts")),
    )
    if faults.found:
        raise FaultyFile(path, faults.found)
    return case


def _list(root: Section, key: str, *, required: bool = False) -> tuple[Node, ...]:
    node = root.child(key, required=required)
    if node is not None and not isinstance(node.value, tuple):
        root.fault(key, f"{key} must be a list")
    return node.items if node else ()


def _directory(root: Section, path: Path, faults: Faults) -> Directory:
    found = []
    for name in root.texts("directory"):
        beside = path.parent / name
        file = beside if beside.exists() else CASES_FOLDER / name
        if not file.exists():
            root.fault("directory", f"there is no file {name} beside the case, nor among Tierlink's own")
            raise FaultyFile(path, faults.found)
        found.append(file)
    if not found:
        return Directory(communities=(), facilities=(), wards={})
    return read_directories(tuple(found))


def _people(root: Section, directory: Directory, faults: Faults) -> dict[str, Actor]:
    people: dict[str, Actor] = {}
    node = root.child("people")
    roles = {role.value: role for role in Role if role is not Role.SYSTEM}
    for key, entry in (node.entries if node else {}).items():
        section = Section(
            entry.node, f"person {key}", faults, keys=("name", "facility", "roles", "synthetic")
        )
        section.truth("synthetic", default=False)
        facility = section.text("facility", default="")
        if facility and facility not in directory.facility_ids():
            section.fault("facility", f"facility {facility} is not in the directory")
        named = section.texts("roles")
        for role in named:
            if role not in roles:
                section.fault("roles", f"{role} is none of {', '.join(roles)}")
        people[key] = Actor(
            user=key,
            name=section.text("name"),
            facility=facility,
            roles=tuple(roles[role] for role in named if role in roles),
        )
    return people


def _rosters(
    root: Section, directory: Directory, people: Mapping[str, Actor], faults: Faults
) -> dict[str, tuple[Duty, ...]]:
    rosters: dict[str, tuple[Duty, ...]] = {}
    node = root.child("rosters", required=False)
    for facility, entry in (node.entries if node else {}).items():
        if facility not in directory.facility_ids():
            faults.add(entry.line, f"facility {facility} is not in the directory")
        rosters[facility] = tuple(_duty(each, people, faults) for each in entry.node.items)
    return rosters


def _duty(node: Node, people: Mapping[str, Actor], faults: Faults) -> Duty:
    section = Section(node, "a duty", faults, keys=("role", "step", "who", "channels"))
    who = section.choice("who", people)
    nobody = Actor(user="", name="", facility="", roles=())
    return Duty(
        role=section.text("role"),
        step=section.choice("step", _DUTY_STEPS),
        who=people.get(who, nobody),
        channels=section.texts("channels", required=False),
    )


def _variables(root: Section, faults: Faults) -> dict[str, Any]:
    node = root.child("variables", required=False)
    known = {UNIQUE}
    found: dict[str, Any] = {}
    for name, entry in (node.entries if node else {}).items():
        if not is_name(name) or name == UNIQUE:
            faults.add(entry.line, f"{name} is no name for a variable")
        for text in entry.node.texts():
            faults.add_all(text.line, variable_faults(text.value, known))
        found[name] = entry.node.plain()
        known.add(name)
    return found


def _about(root: Section, known: set[str], faults: Faults) -> tuple[str, str]:
    node = root.child("about")
    if node is None:
        return "", ""
    section = Section(node, "about", faults, keys=("episode", "referral"))
    for text in node.texts():
        faults.add_all(text.line, variable_faults(text.value, known))
    return section.text("episode"), section.text("referral", default="")


def _clock(node: Node, directory: Directory, faults: Faults) -> ExpectedClock:
    section = Section(node, "a clock", faults, keys=("key", "facility", "elapsed", "status", "synthetic"))
    section.truth("synthetic", default=False)
    facility = section.text("facility", default="")
    if facility and facility not in directory.facility_ids():
        section.fault("facility", f"facility {facility} is not in the directory")
    elapsed = parse_offset(section.text("elapsed"))
    if elapsed is None and section.has("elapsed"):
        section.fault("elapsed", "elapsed must be hh:mm or 9d hh:mm, in quotes")
    return ExpectedClock(
        key=section.text("key"),
        facility=facility,
        elapsed=elapsed or timedelta(0),
        status=section.choice("status", _CLOCK_STATUSES),
    )


def _alert(
    node: Node, directory: Directory, people: Mapping[str, Actor], known: set[str], faults: Faults
) -> ExpectedAlert:
    keys = ("rule", "facility", "subject", "state", "acknowledged_by", "within")
    section = Section(node, "an alert", faults, keys=keys)
    facility = section.text("facility")
    if facility and facility not in directory.facility_ids():
        section.fault("facility", f"facility {facility} is not in the directory")
    for text in node.texts():
        faults.add_all(text.line, variable_faults(text.value, known))
    within = parse_offset(section.text("within")) if section.has("within") else None
    if section.has("within") and within is None:
        section.fault("within", "within must be hh:mm, in quotes")
    return ExpectedAlert(
        rule=section.text("rule"),
        facility=facility,
        subject=section.text("subject"),
        state=section.choice("state", _ALERT_STATES),
        acknowledged_by=section.choice("acknowledged_by", people, default=""),
        within=within,
    )
