"""Where the board's files lie."""

from functools import cache
from hashlib import sha256
from pathlib import Path

_HERE = Path(__file__).resolve().parents[2]
PAGES = _HERE / "pages"
STATIC = _HERE / "static"


@cache
def pages_version() -> str:
    """Changes with every file of the pages: a page that was loaded before an update sees that it is old."""
    digest = sha256()
    for path in sorted((*PAGES.iterdir(), *STATIC.iterdir())):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
