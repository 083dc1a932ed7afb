"""The board's texts in both languages, from one catalogue."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from services.shared.kernel.text import BilingualText
from services.shared.texts.catalogue import read_texts

CATALOGUE = Path(__file__).with_name("texts.yaml")


@cache
def catalogue() -> Mapping[str, BilingualText]:
    """Every text by its key. Read once, when first needed."""
    return read_texts(CATALOGUE)
