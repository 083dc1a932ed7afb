"""The case files that come with Tierlink."""

from pathlib import Path
from typing import Final

CASES_FOLDER: Final = Path(__file__).parents[1] / "cases"
DEFAULT_CASE: Final = CASES_FOLDER / "j1.yaml"
