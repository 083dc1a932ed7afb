"""Where files that are made or fetched once for all runs are kept."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from services.embedded.errors import EmbeddedError

CACHE_VARIABLE = "TIERLINK_CACHE_DIR"


def cache_dir(environ: Mapping[str, str] | None = None) -> Path:
    """Return the cache folder: TIERLINK_CACHE_DIR, else `tierlink` in the XDG cache folder. Makes nothing."""
    variables = os.environ if environ is None else environ
    given = variables.get(CACHE_VARIABLE, "")
    if given:
        return Path(given).expanduser().absolute()
    xdg = variables.get("XDG_CACHE_HOME", "")
    # The XDG specification says to ignore a relative path.
    base = Path(xdg) if xdg and Path(xdg).is_absolute() else Path.home() / ".cache"
    return base / "tierlink"


def make_cache_dir(folder: Path) -> Path:
    """Make the cache folder. Raises EmbeddedError where it may not be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmbeddedError(
            f"The cache folder {folder} cannot be made ({error.strerror}). "
            f"Set {CACHE_VARIABLE} to a folder that you may write to."
        ) from error
    return folder
