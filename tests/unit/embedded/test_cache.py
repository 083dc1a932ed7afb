"""Where the cache is."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.embedded.cache import cache_dir, make_cache_dir
from services.embedded.errors import EmbeddedError


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"TIERLINK_CACHE_DIR": "/given", "XDG_CACHE_HOME": "/xdg"}, Path("/given")),
        ({"XDG_CACHE_HOME": "/xdg"}, Path("/xdg/tierlink")),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache/tierlink"),
        ({}, Path.home() / ".cache/tierlink"),
    ],
)
def test_the_first_that_is_set_counts(environ: dict[str, str], expected: Path) -> None:
    assert cache_dir(environ) == expected


def test_a_cache_that_cannot_be_made_names_the_variable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EmbeddedError, match="TIERLINK_CACHE_DIR"):
        make_cache_dir(tmp_path / "file" / "cache")
