"""Where the board's files lie."""

from pathlib import Path

_HERE = Path(__file__).resolve().parents[2]
PAGES = _HERE / "pages"
STATIC = _HERE / "static"
