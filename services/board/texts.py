"""The board's texts in both languages, from one catalogue."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml

from services.shared.kernel.text import BilingualText

CATALOGUE = Path(__file__).with_name("texts.yaml")


@cache
def catalogue() -> Mapping[str, BilingualText]:
    """Every text by its key. Read once, when first needed."""
    content = yaml.safe_load(CATALOGUE.read_text("utf-8"))
    return {key: BilingualText(zh=value["zh"], en=value["en"]) for key, value in content.items()}
