"""A pytest plugin: temporary files of a run, its servers' data among them, lie in memory where there is room.

The folder of a server is hundreds of small files, and a run makes and removes hundreds of databases: on a
disk that is a fifth of its time. `TMPDIR` chooses another place. What a run leaves that failed, the next one
removes.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

import psutil
import pytest

_MEMORY: Final = Path("/dev/shm")
_PREFIX: Final = "tierlink-tests-"
#: Of the file system and of the machine: a run has up to 2 GiB of files, beside 3 GiB of processes.
_ROOM_MIN_BYTES: Final = 8 << 30
_FOLDER: Final = pytest.StashKey[Path]()
_IS_KEPT: Final = pytest.StashKey[bool]()


def has_room(folder: Path) -> bool:
    """Whether a run's files may lie there. Kafka's native libraries are unpacked there and run."""
    try:
        found = os.statvfs(folder)
    except OSError:
        return False
    room_bytes = min(found.f_bavail * found.f_frsize, psutil.virtual_memory().available)
    return room_bytes >= _ROOM_MIN_BYTES and not found.f_flag & os.ST_NOEXEC


def remove_left_behind(parent: Path) -> None:
    """What runs have left there that are over: they were killed, or failed."""
    for folder in parent.glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX)
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            # Another account's stays.
            shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """In the first process of the run, whose variables the others have."""
    if hasattr(config, "workerinput") or "TMPDIR" in os.environ or not has_room(_MEMORY):
        return
    remove_left_behind(_MEMORY)
    folder = _MEMORY / f"{_PREFIX}{os.getpid()}"
    folder.mkdir()
    # As the system's own: servers under accounts of their own make files there.
    folder.chmod(0o1777)
    config.stash[_FOLDER] = folder
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None  # what was found before


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Whoever wants to know why a run failed finds its files."""
    session.config.stash[_IS_KEPT] = exitstatus != pytest.ExitCode.OK


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    folder = config.stash.get(_FOLDER, None)
    if folder is not None and config.stash[_IS_KEPT]:
        terminalreporter.write_line(f"Its temporary files, until the next run: {folder}")


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """When the servers have ended."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        del os.environ["TMPDIR"]
        tempfile.tempdir = None
        if not config.stash.get(_IS_KEPT, False):
            shutil.rmtree(folder, ignore_errors=True)
