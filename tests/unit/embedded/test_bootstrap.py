"""The first run on a bare machine: which Python is taken, and what a person is told when something lacks."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

_ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def bootstrap(tmp_path: Path) -> ModuleType:
    """deploy/bootstrap.py, working on an empty project instead of this one."""
    spec = importlib.util.spec_from_file_location("bootstrap", _ROOT / "deploy" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, path in (("ROOT", "."), ("VENV", ".venv"), ("LOCK", ".cache/lock"), ("STAMP", ".venv/stamp")):
        setattr(module, name, tmp_path / path)
    (tmp_path / "uv.lock").write_text("locked")
    (tmp_path / "pyproject.toml").write_text("project")
    return module


def test_an_old_python_is_told_what_to_do(bootstrap: ModuleType) -> None:
    with pytest.raises(
        bootstrap.SetupError, match=r"needs Python 3\.11 or newer, and this is Python 3\.9\.2"
    ):
        bootstrap.check_python((3, 9, 2), lambda _: True)


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_parts_names_the_package(bootstrap: ModuleType, missing: str) -> None:
    with pytest.raises(bootstrap.SetupError, match=rf"lacks its module {missing}(.|\n)*python3\.12-venv"):
        bootstrap.check_python((3, 12, 1), lambda module: module != missing)


def test_the_environment_is_current_until_what_it_depends_on_changes(bootstrap: ModuleType) -> None:
    (bootstrap.VENV / "bin").mkdir(parents=True)
    python = bootstrap.VENV / "bin" / "python"
    python.touch()
    key = bootstrap.environment_key()
    assert not bootstrap.is_current(bootstrap.STAMP, key)
    bootstrap.write_stamp(bootstrap.STAMP, key)
    assert bootstrap.is_current(bootstrap.STAMP, key)
    (bootstrap.ROOT / "uv.lock").write_text("locked anew")
    assert not bootstrap.is_current(bootstrap.STAMP, bootstrap.environment_key())
    python.unlink()
    assert not bootstrap.is_current(bootstrap.STAMP, key)


def test_a_step_that_fails_gives_its_advice(bootstrap: ModuleType) -> None:
    with pytest.raises(bootstrap.SetupError, match=r"Fetching failed with status 3\.\nConnect"):
        bootstrap.run("Fetching", (sys.executable, "-c", "raise SystemExit(3)"), "Connect the machine.")


_LOCKING = """
import importlib.util, sys, time
from pathlib import Path
spec = importlib.util.spec_from_file_location("bootstrap", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
folder = Path(sys.argv[2])
module.LOCK = folder / "cache" / "lock"
with module.one_at_a_time():
    (folder / "alone").mkdir()  # fails when another is here
    time.sleep(0.05)
    (folder / "alone").rmdir()
"""


def test_two_at_the_same_time_take_turns(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _LOCKING, str(_ROOT / "deploy" / "bootstrap.py"), str(tmp_path)]
    processes = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]


def _make(arguments: list[str], environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    # Of a `make test` around this run.
    inherited = {name: value for name, value in environment.items() if name not in ("MAKEFLAGS", "MFLAGS")}
    return subprocess.run(
        ["make", *arguments], cwd=_ROOT, env=inherited, capture_output=True, text=True, check=False
    )


def _fake_pythons(folder: Path, *, new_enough: Mapping[str, bool]) -> dict[str, str]:
    """Return an environment in which only these programs are Pythons."""
    folder.mkdir()
    for name, is_new_enough in new_enough.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\nexit {0 if is_new_enough else 1}\n")
        program.chmod(0o755)
    for tool in ("make", "sh"):
        found = next(Path(at, tool) for at in os.defpath.split(":") if at and Path(at, tool).exists())
        (folder / tool).symlink_to(found)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(
    ("pythons", "chosen"),
    [
        ({"python3": True, "python3.13": True}, "python3"),
        ({"python3": False, "python3.11": True, "python3.13": True}, "python3.13"),
        ({"python3.12": True}, "python3.12"),
    ],
)
def test_make_takes_python3_or_else_the_newest(
    tmp_path: Path, pythons: Mapping[str, bool], chosen: str
) -> None:
    done = _make(["-n", "packages"], _fake_pythons(tmp_path / "bin", new_enough=pythons))
    assert f'"{chosen}" deploy/bootstrap.py' in done.stdout


def test_make_without_a_python_says_what_to_do(tmp_path: Path) -> None:
    done = _make(["packages"], _fake_pythons(tmp_path / "bin", new_enough={"python3": False}))
    assert done.returncode != 0
    assert "needs Python 3.11 or newer" in done.stderr


def test_make_lint_names_the_step_that_failed() -> None:
    done = _make(["lint", "PYTHON=true", "PY=false"], os.environ)
    assert done.returncode != 0
    assert "ruff check failed (status 1)" in done.stderr
    assert "mypy" not in done.stdout
