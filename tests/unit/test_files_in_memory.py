"""Where the temporary files of a run lie, and what becomes of them."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from tests import files_in_memory
from tests.files_in_memory import has_room, remove_left_behind


@pytest.mark.parametrize(
    ("free_bytes", "available_bytes", "flags", "expected"),
    [
        (8 << 30, 8 << 30, 0, True),
        (8 << 30, (8 << 30) - 1, 0, False),
        ((8 << 30) - 4096, 9 << 30, 0, False),
        (9 << 30, 9 << 30, os.ST_NOEXEC, False),
        (9 << 30, 9 << 30, os.ST_NOSUID, True),
    ],
    ids=["enough", "machine_full", "folder_full", "nothing_runs_there", "no_matter"],
)
def test_there_must_be_room_in_the_folder_and_in_the_machine(
    free_bytes: int, available_bytes: int, flags: int, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SimpleNamespace(f_bavail=free_bytes // 4096, f_frsize=4096, f_flag=flags)
    monkeypatch.setattr(os, "statvfs", lambda _: files)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=available_bytes))
    assert has_room(Path("/somewhere")) is expected


def test_a_system_without_such_a_folder_uses_its_own(tmp_path: Path) -> None:
    assert not has_room(tmp_path / "none")


def test_what_runs_left_that_are_over_is_removed_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as over:
        pass
    names = (f"tierlink-tests-{over.pid}", f"tierlink-tests-{os.getpid()}", "tierlink-tests-x", "other-7")
    for name in names:
        (tmp_path / name / "in").mkdir(parents=True)
    remove_left_behind(tmp_path)
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(names[1:])


RUN = """
import sys
import pytest
from pathlib import Path
from tests import files_in_memory
files_in_memory._MEMORY = Path({memory!r})
files_in_memory.has_room = lambda _: {room}
sys.exit(pytest.main(["-q", "-p", "tests.files_in_memory", "-c", {ini!r}, {test!r}]))
"""


@pytest.mark.parametrize(
    ("outcome", "room", "chosen", "kept"),
    [("", True, "", 0), ("assert False", True, "", 1), ("", False, "", 0), ("", True, "elsewhere", 0)],
    ids=["passed", "failed", "no_room", "chosen"],
)
def test_a_run_that_fails_leaves_its_files_and_says_where(
    outcome: str, room: bool, chosen: str, kept: int, tmp_path: Path
) -> None:
    memory, test, ini = tmp_path / "memory", tmp_path / "test_it.py", tmp_path / "pytest.ini"
    memory.mkdir()
    ini.write_text("[pytest]\n", "utf-8")
    steps = ("def test_it(tmp_path):", "(tmp_path / 'made').touch()", outcome or "pass")
    test.write_text("\n    ".join(steps), "utf-8")
    program = RUN.format(memory=str(memory), room=room, ini=str(ini), test=str(test))
    environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    if chosen:
        (tmp_path / chosen).mkdir()
        environment["TMPDIR"] = str(tmp_path / chosen)
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(files_in_memory.__file__).parents[1],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == kept, done.stdout + done.stderr
    left = list(memory.iterdir())
    assert len(left) == kept
    for folder in left:
        assert f"until the next run: {folder}" in done.stdout
        assert list(folder.rglob("made"))
    assert bool(list(tmp_path.glob("elsewhere/*/*"))) is bool(chosen)
