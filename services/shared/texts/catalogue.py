"""A file of texts by key, each in Chinese and English."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from services.shared.kernel.text import BilingualText


def read_texts(path: Path) -> Mapping[str, BilingualText]:
    """Every text by its key. Raises OSError, yaml.YAMLError, KeyError for a text without a language."""
    content = yaml.safe_load(path.read_text("utf-8"))
    return {key: BilingualText(zh=value["zh"], en=value["en"]) for key, value in content.items()}
