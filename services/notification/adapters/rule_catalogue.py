"""The rules in force: the product's, and over them those of the site's own file.

Both files have the same shape (`config/rules.yaml`). A site's file says only what is different: keys of a
rule that it names by its code, rules of its own, rules that it turns off, policies and their rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from services.notification.adapters.rule_layers import TOP_KEYS, Layer, LayerReader, Place
from services.notification.domain.rule_checks import defects
from services.notification.domain.rules import (
    EVERYWHERE,
    EscalationTiming,
    Rule,
    RuleCatalogue,
)
from services.notification.domain.values import DutyStep, Severity
from services.shared.kernel.text import BilingualText
from services.shared.located.faults import Fault, FaultyFile
from services.shared.located.nodes import Node, parse_located, read_located

#: The product's own file.
DEFAULT_RULES = Path(__file__).resolve().parent.parent / "config" / "rules.yaml"

_OPTIONAL_TOP = frozenset({"policies", "policy_for"})
_REQUIRED_OF_RULES = (
    *("aggregate", "events", "facility", "role", "severity", "title", "body", "dedup", "settled_by"),
)
_DEFAULTS_OF_RULES: Mapping[str, Any] = {
    **dict.fromkeys(("action", "each", "subject", "act_by"), ""),
    **dict.fromkeys(("when", "unless"), ()),
    "only": EVERYWHERE,
    "first_step": DutyStep.DUTY,
    "act_within": None,
}
_REQUIRED_OF_TIMINGS = ("steps", "repeat_s", "rounds", "must_be_staffed")
_NO_TEXT = BilingualText(zh="", en="")


class RulesFileError(ValueError):
    """The rules cannot be used; the message names every fault that was found, each with its place."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """What a site's file changes."""

    #: such as `rules.OFFER.severity`
    key: str
    #: None where the product says nothing
    before: object
    after: object
    place: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesInForce:
    """The catalogue, and what the site's file changes in the product's, in the order of that file."""

    catalogue: RuleCatalogue
    differences: tuple[Difference, ...] = ()


def load_rules(path: Path = DEFAULT_RULES, site: Path | None = None) -> RulesInForce:
    """The rules of a file, and over them those of the site's own.

    Raises RulesFileError when one cannot be read or they are not sound together.
    """
    try:
        roots = [(each, read_located(each)) for each in (path, site) if each is not None]
    except FaultyFile as error:
        raise RulesFileError(str(error)) from error
    return _in_force(roots)


def parse_rules(text: str, *, source: str, site: str | None = None) -> RulesInForce:
    """The rules that `text` describes, under those of `site`. Raises RulesFileError."""
    texts = ((Path(source), text), (Path("site.yaml"), site))
    try:
        roots = [(path, parse_located(each, path)) for path, each in texts if each is not None]
    except FaultyFile as error:
        raise RulesFileError(str(error)) from error
    return _in_force(roots)


def _in_force(roots: Sequence[tuple[Path, Node]]) -> RulesInForce:
    layers: list[Layer] = []
    for path, root in roots:
        reader = LayerReader(path, root)
        layers.append(reader.read())
        if reader.faults.found:
            raise RulesFileError(str(FaultyFile(path, reader.faults.found)))
    merged = layers[0]
    for layer in layers[1:]:
        merged = _laid_over(merged, layer)
    _check_whole(merged, roots[0])
    catalogue = _catalogue(merged.values)
    found = [(defect.text, _place(merged, defect.place)) for defect in defects(catalogue)]
    if found:
        raise RulesFileError(_message(found, roots[0][0]))
    differences = tuple(_differences(layers[0], layers[1])) if len(layers) > 1 else ()
    return RulesInForce(catalogue=catalogue, differences=differences)


def _laid_over(base: Layer, over: Layer) -> Layer:
    """What the upper layer says replaces what the lower one does, key by key."""
    values = dict(base.values)
    for key, value in over.values.items():
        below = values.get(key)
        if key == "policy_for":
            # The first that covers an alert counts: the site's come before the product's.
            values[key] = (*value, *(below or ()))
        elif key in ("rules", "escalation"):
            values[key] = {**(below or {})}
            for name, fields in value.items():
                values[key][name] = {**values[key].get(name, {}), **fields}
        elif isinstance(value, dict):
            values[key] = {**(below or {}), **value}
        else:
            values[key] = value
    shift = len(over.values.get("policy_for", ()))
    below_places = {_shifted(keys, shift): place for keys, place in base.places.items()}
    return Layer(values=values, places={**below_places, **over.places}, plain={**base.plain, **over.plain})


def _shifted(keys: tuple[str, ...], shift: int) -> tuple[str, ...]:
    """Rows of the lower layer come after those of the upper one."""
    if len(keys) < 2 or keys[0] != "policy_for":
        return keys
    return (keys[0], str(int(keys[1]) + shift), *keys[2:])


def _check_whole(layer: Layer, first: tuple[Path, Node]) -> None:
    """Raises RulesFileError, with everything that no file says."""
    path, root = first
    top = Place(file=path, line=root.line, column=root.column)
    found = [
        (f"the rules file needs {key}", top)
        for key in TOP_KEYS
        if key not in layer.values and key not in _OPTIONAL_TOP
    ]
    rules = {code: rule for code, rule in layer.values.get("rules", {}).items() if not rule.get("off")}
    found += _incomplete(layer, "rules", rules, _REQUIRED_OF_RULES)
    for section in ("escalation", "policies"):
        found += _incomplete(layer, section, layer.values.get(section, {}), _REQUIRED_OF_TIMINGS)
    if found:
        raise RulesFileError(_message(found, path))


def _incomplete(
    layer: Layer, section: str, entries: Mapping[str, Mapping[str, Any]], required: Sequence[str]
) -> Iterator[tuple[str, Place]]:
    for name, fields in entries.items():
        for key in required:
            if key not in fields:
                yield f"{name} needs {key}", _place(layer, (section, name))


def _place(layer: Layer, keys: tuple[str, ...]) -> Place:
    """Where it stands; what is missing, where it would."""
    for length in range(len(keys), 0, -1):
        if keys[:length] in layer.places:
            return layer.places[keys[:length]]
    return next(iter(layer.places.values()))


def _message(found: Sequence[tuple[str, Place]], first: Path) -> str:
    """By file, the faults in the order of its lines."""
    lines: list[str] = []
    files = dict.fromkeys(place.file for _, place in found)
    for file in sorted(files, key=lambda each: each != first):
        faults = [
            Fault(line=place.line, column=place.column, text=text)
            for text, place in found
            if place.file == file
        ]
        lines.extend(FaultyFile(file, faults).lines())
    return "\n".join(lines)


def _catalogue(values: Mapping[str, Any]) -> RuleCatalogue:
    unstaffed = values["unstaffed"]
    return RuleCatalogue(
        rules=tuple(_rule(fields) for fields in values["rules"].values() if not fields.get("off")),
        settle_all=values["settle_all"],
        centres=values["centres"],
        escalation={
            Severity(name): EscalationTiming(**fields) for name, fields in values["escalation"].items()
        },
        fallback=values["fallback"],
        unstaffed_title=unstaffed.get("title", _NO_TEXT),
        unstaffed_body=unstaffed.get("body", _NO_TEXT),
        utc_offset_minutes=values["utc_offset_minutes"],
        policies={name: EscalationTiming(**fields) for name, fields in values.get("policies", {}).items()},
        policy_rows=values.get("policy_for", ()),
    )


def _rule(fields: Mapping[str, Any]) -> Rule:
    given = {**_DEFAULTS_OF_RULES, **fields}
    given.pop("off", None)
    given["settled_by"] = tuple(
        replace(each, aggregate=each.aggregate or given["aggregate"]) for each in given["settled_by"]
    )
    return Rule(**given)


def _differences(base: Layer, site: Layer) -> Iterator[Difference]:
    """The finest keys that the site's file gives, without what it merely repeats."""
    for keys, after in site.plain.items():
        is_whole = not any(len(other) > len(keys) and other[: len(keys)] == keys for other in site.plain)
        before = base.plain.get(keys)
        if is_whole and keys[-1] != "code" and (before != after or keys[0] == "policy_for"):
            yield Difference(key=".".join(keys), before=before, after=after, place=site.places[keys])
