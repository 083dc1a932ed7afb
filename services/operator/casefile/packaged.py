"""The case files that come with Tierlink."""

from pathlib import Path
from typing import Final

CASES_FOLDER: Final = Path(__file__).parents[1] / "cases"
#: By the name that `tierlink demo --case` takes. The folder's other files are directories.
PACKAGED: Final = ("j1", "j2", "h1", "h2")
DEFAULT_CASE: Final = CASES_FOLDER / "j1.yaml"


def case_path(given: str) -> Path:
    """The file that a user means: a packaged case by its name, or a path."""
    name = given.lower()
    return CASES_FOLDER / f"{name}.yaml" if name in PACKAGED else Path(given)
