"""In which order the processes of a run take the test modules."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.longest_first import FOLDERS_S, MODULES_S, pytest_collection_modifyitems, pytest_configure

ROOT = Path(__file__).resolve().parents[2]
SHORT, LONG = "tests/unit/bed/test_ward.py::test_it", "tests/bench/test_bench.py::test_it"
FIRST, SECOND = "tests/acceptance/test_up.py::test_b", "tests/acceptance/test_up.py::test_a"


def _ordered(config: Any, *names: str) -> list[str]:
    items: Any = [SimpleNamespace(nodeid=name) for name in names]
    pytest_collection_modifyitems(config, items)
    return [item.nodeid for item in items]


def test_a_process_among_others_begins_with_the_longest() -> None:
    config = SimpleNamespace(workerinput={})
    assert _ordered(config, SHORT, FIRST, SECOND, LONG) == [LONG, FIRST, SECOND, SHORT]


def test_what_nobody_has_named_is_begun_before_the_short_ones() -> None:
    new = "tests/new/test_new.py::test_it"
    config = SimpleNamespace(workerinput={})
    assert _ordered(config, SHORT, new, LONG) == [LONG, new, SHORT]


def test_one_that_runs_alone_keeps_its_order() -> None:
    assert _ordered(SimpleNamespace(), SHORT, FIRST, LONG) == [SHORT, FIRST, LONG]


@pytest.mark.parametrize("path", [*MODULES_S, *FOLDERS_S])
def test_what_is_named_is_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_run_is_given_out_in_that_order() -> None:
    reordering = SimpleNamespace(option=SimpleNamespace(loadscopereorder=True))
    pytest_configure(reordering)  # type: ignore[arg-type]
    assert reordering.option.loadscopereorder is False
    without_xdist = SimpleNamespace(option=SimpleNamespace())
    pytest_configure(without_xdist)  # type: ignore[arg-type]
    assert vars(without_xdist.option) == {}
