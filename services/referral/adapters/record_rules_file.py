"""Reads a site's rules of the record: the product's defaults and, over them, a site's own file.

Both are YAML of the same shape (`services/referral/config/record.yaml`).
"""

from collections.abc import Iterable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec

from services.referral.domain.clocks_targets import Confidence, SourcedLimit
from services.referral.domain.record_rules import (
    ELEMENTS,
    CreationElements,
    RecordRules,
    RiskColour,
    Sourced,
)
from services.referral.domain.values import Urgency
from services.shared.kernel.text import BilingualText

#: Key of the limit among the time targets.
LIMIT_KEY = "emergency-record-completion"

_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Colour = Annotated[str, msgspec.Meta(pattern="^[A-Z][A-Z0-9_]{1,31}$")]


class RecordRulesInvalid(ValueError):
    """A file of rules cannot be read as such. The message names the file and what is wrong in it."""


class _Text(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    zh: _Words
    en: _Words

    def value(self) -> BilingualText:
        return BilingualText(zh=self.zh, en=self.en)


class _Elements(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    source: str
    confidence: Confidence
    up: tuple[str, ...]
    down: tuple[str, ...]
    at_creation: dict[Urgency, tuple[str, ...]] = {}


class _ColourEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    code: _Colour
    label: _Text


class _Colours(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    source: str
    confidence: Confidence
    values: Annotated[tuple[_ColourEntry, ...], msgspec.Meta(min_length=1)]


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    sources: dict[str, _Text] = {}
    elements: _Elements | None = None
    maternal_colours: _Colours | None = None


def load_record_rules(limits: Iterable[SourcedLimit], site_file: Path | None = None) -> RecordRules:
    """The rules in force, with the limit from the time targets. Parts of `site_file` replace the product's.

    Raises RecordRulesInvalid when a file is none of rules or there is no such limit, OSError when it cannot
    be read.
    """
    defaults = files("services.referral") / "config" / "record.yaml"
    rules = _with_limit(RecordRules(), limits)
    sources: dict[str, BilingualText] = {}
    rules = _with_file(rules, str(defaults), defaults.read_bytes(), sources)
    if site_file is not None:
        rules = _with_file(rules, str(site_file), site_file.read_bytes(), sources)
    return rules


def _with_limit(rules: RecordRules, limits: Iterable[SourcedLimit]) -> RecordRules:
    for limit in limits:
        if limit.key == LIMIT_KEY:
            sourced = Sourced(source=limit.source, confidence=limit.confidence)
            return replace(rules, completion_limit_s=limit.limit_s, completion_limit_source=sourced)
    raise RecordRulesInvalid(f"the time targets have no limit {LIMIT_KEY!r}")


def _with_file(
    rules: RecordRules, origin: str, content: bytes, sources: dict[str, BilingualText]
) -> RecordRules:
    try:
        found = msgspec.yaml.decode(content, type=_File)
    except msgspec.MsgspecError as error:
        raise RecordRulesInvalid(f"{origin}: {error}") from error
    sources |= {key: text.value() for key, text in found.sources.items()}
    if found.elements is not None:
        rules = _with_elements(rules, found.elements, origin, sources)
    if found.maternal_colours is not None:
        rules = _with_colours(rules, found.maternal_colours, origin, sources)
    return rules


def _with_elements(
    rules: RecordRules, part: _Elements, origin: str, sources: dict[str, BilingualText]
) -> RecordRules:
    for listed in (part.up, part.down, *part.at_creation.values()):
        unknown = sorted(set(listed) - set(ELEMENTS))
        if unknown:
            raise RecordRulesInvalid(f"{origin}: unknown elements {unknown}")
    return replace(
        rules,
        elements_up=part.up,
        elements_down=part.down,
        required_at_creation=tuple(
            CreationElements(urgency=urgency, elements=elements)
            for urgency, elements in part.at_creation.items()
        ),
        elements_source=_sourced(part, origin, sources),
    )


def _with_colours(
    rules: RecordRules, part: _Colours, origin: str, sources: dict[str, BilingualText]
) -> RecordRules:
    codes = [entry.code for entry in part.values]
    if len(set(codes)) != len(codes):
        raise RecordRulesInvalid(f"{origin}: a maternal colour stands twice")
    return replace(
        rules,
        maternal_colours=tuple(
            RiskColour(code=entry.code, label=entry.label.value()) for entry in part.values
        ),
        maternal_colours_source=_sourced(part, origin, sources),
    )


def _sourced(part: _Elements | _Colours, origin: str, sources: dict[str, BilingualText]) -> Sourced:
    if part.source not in sources:
        raise RecordRulesInvalid(f"{origin}: unknown source {part.source!r}")
    return Sourced(source=sources[part.source], confidence=part.confidence)
