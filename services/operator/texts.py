"""The program's texts in both languages, from one catalogue."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from pathlib import Path

from services.shared.kernel.text import BilingualText
from services.shared.texts.catalogue import read_texts

CATALOGUE = Path(__file__).with_name("texts.yaml")


class Language(StrEnum):
    """What is shown."""

    ZH = "zh"
    EN = "en"
    BOTH = "both"


@cache
def catalogue() -> Mapping[str, BilingualText]:
    """Every text by its key. Read once, when first needed."""
    return read_texts(CATALOGUE)


def text(key: str, **values: object) -> BilingualText:
    """A text with its values put in; a bilingual value goes in by language. Raises KeyError."""
    template = catalogue()[key]
    return BilingualText(
        zh=template.zh.format_map({name: _in(value, "zh") for name, value in values.items()}),
        en=template.en.format_map({name: _in(value, "en") for name, value in values.items()}),
    )


def shown(pair: BilingualText, language: Language, *, separator: str = " · ") -> str:
    """A text in the chosen language; both are shown once where they are the same."""
    if language is Language.ZH:
        return pair.zh or pair.en
    if language is Language.EN:
        return pair.en or pair.zh
    return separator.join(dict.fromkeys(each for each in (pair.zh, pair.en) if each))


def say(key: str, language: Language, **values: object) -> str:
    """A text of the catalogue in the chosen language."""
    return shown(text(key, **values), language)


def _in(value: object, language: str) -> object:
    return getattr(value, language) if isinstance(value, BilingualText) else value
