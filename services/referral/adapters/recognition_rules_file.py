"""Reads a site's rules of recognition: the product's defaults and, over them, a site's own file.

Both are YAML of the same shape (`services/referral/config/recognition.yaml`). A value without a source and a
confidence is refused: nobody could tell a norm from a guess.
"""

from datetime import date
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec

from services.referral.domain.clocks_targets import Confidence
from services.referral.domain.examination_results import ResultKind
from services.referral.domain.recognition_policy import MarkScope, QualityMark, RecognitionPolicy, Validity
from services.shared.kernel.text import BilingualText

_Words = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
_Days = Annotated[int, msgspec.Meta(gt=0, le=366)]
_Mark = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
_Region = Annotated[str, msgspec.Meta(pattern="^[0-9]{2}([0-9]{2}){0,2}$")]

#: Digits of a region code (GB/T 2260) that name a province, or at least a city.
_DIGITS = {MarkScope.PROVINCE: (2,), MarkScope.CITY: (4, 6)}


class RecognitionRulesInvalid(ValueError):
    """A file of rules cannot be read as such. The message names the file and what is wrong in it."""


class _Text(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    zh: _Words
    en: _Words

    def value(self) -> BilingualText:
        return BilingualText(zh=self.zh, en=self.en)


class _Validity(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    days: _Days
    source: str
    confidence: Confidence


class _MarkEntry(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    code: _Mark
    label: _Text
    scope: MarkScope
    regions: tuple[_Region, ...] = ()
    valid_from: date | None = None
    valid_until: date | None = None
    source: str
    confidence: Confidence


class _File(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    sources: dict[str, _Text] = {}
    validity: dict[ResultKind, _Validity] = {}
    marks: tuple[_MarkEntry, ...] = ()


def load_recognition_rules(
    attachment_schemes: tuple[str, ...], site_file: Path | None = None
) -> RecognitionPolicy:
    """The rules in force. Entries of `site_file` are added, or replace those of the same kind or mark.

    Raises RecognitionRulesInvalid when a file is none of rules, OSError when it cannot be read.
    """
    defaults = files("services.referral") / "config" / "recognition.yaml"
    layers = [(str(defaults), defaults.read_bytes())]
    if site_file is not None:
        layers.append((str(site_file), site_file.read_bytes()))
    sources: dict[str, BilingualText] = {}
    validity: dict[ResultKind, Validity] = {}
    marks: dict[str, QualityMark] = {}
    for origin, content in layers:
        try:
            found = msgspec.yaml.decode(content, type=_File)
        except msgspec.MsgspecError as error:
            raise RecognitionRulesInvalid(f"{origin}: {error}") from error
        sources |= {key: text.value() for key, text in found.sources.items()}
        try:
            validity |= {kind: _validity(entry, sources) for kind, entry in found.validity.items()}
            marks |= _marks(found.marks, sources)
        except ValueError as error:
            raise RecognitionRulesInvalid(f"{origin}: {error}") from error
    return RecognitionPolicy(
        validity=MappingProxyType(validity),
        marks=MappingProxyType(marks),
        attachment_schemes=attachment_schemes,
    )


def _validity(entry: _Validity, sources: dict[str, BilingualText]) -> Validity:
    return Validity(days=entry.days, source=_source(entry, sources), confidence=entry.confidence)


def _marks(entries: tuple[_MarkEntry, ...], sources: dict[str, BilingualText]) -> dict[str, QualityMark]:
    found: dict[str, QualityMark] = {}
    for entry in entries:
        if entry.code in found:
            raise ValueError(f"mark {entry.code} stands twice")
        _check_regions(entry)
        if entry.valid_from and entry.valid_until and entry.valid_until < entry.valid_from:
            raise ValueError(f"mark {entry.code} ends before it begins")
        found[entry.code] = QualityMark(
            code=entry.code,
            label=entry.label.value(),
            scope=entry.scope,
            regions=entry.regions,
            valid_from=entry.valid_from,
            valid_until=entry.valid_until,
            source=_source(entry, sources),
            confidence=entry.confidence,
        )
    return found


def _check_regions(entry: _MarkEntry) -> None:
    if entry.scope is MarkScope.NATIONAL:
        if entry.regions:
            raise ValueError(f"mark {entry.code} is national and names regions")
        return
    digits = _DIGITS[entry.scope]
    if not entry.regions or any(len(region) not in digits for region in entry.regions):
        raise ValueError(f"mark {entry.code} names its regions by {' or '.join(map(str, digits))} digits")


def _source(entry: _Validity | _MarkEntry, sources: dict[str, BilingualText]) -> BilingualText:
    if entry.source not in sources:
        raise ValueError(f"unknown source {entry.source!r}")
    return sources[entry.source]
