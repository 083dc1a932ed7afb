"""Guarded processes end with their parent, however it ends."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from services.embedded import locks
from services.embedded.errors import EmbeddedError, FolderInUseError
from services.embedded.supervise import ChildSpec, run_to_end, spawn

_BOUND_S = 20.0

#: Starts a child of its own, says so in the log, and then waits; a plain SIGTERM ends it with status 7.
_SERVER = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
helper = subprocess.Popen(["sleep", "300"])
print("started", helper.pid, flush=True)
time.sleep(300)
"""

_PARENT = """
import sys, time
from pathlib import Path
from tests.unit.embedded.test_supervise import server_spec
from services.embedded import locks
from services.embedded.supervise import spawn
folder = Path(sys.argv[1])
child = spawn(server_spec(folder, lock_file=locks.lock_folder(folder, server="Server", is_own=False)))
print(child.pid, flush=True)
time.sleep(300)
"""


def server_spec(folder: Path, *, lock_file: int | None = None, program: str = _SERVER) -> ChildSpec:
    """Describe a small server that logs into `folder`."""
    return ChildSpec(
        name="Server",
        command=(sys.executable, "-I", "-S", "-c", program),
        cwd=folder,
        log_path=folder / "server.log",
        environment={"PATH": os.environ["PATH"]},
        inherited_files=() if lock_file is None else (lock_file,),
    )


def _until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _BOUND_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not so within {_BOUND_S} s"
        time.sleep(0.01)


def _helper_pid(folder: Path) -> int:
    """Return the pid of the server's own child, once the server has said it."""
    log = folder / "server.log"
    _until(lambda: log.read_text().endswith("\n"))
    return int(log.read_text().split()[1])


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _start_parent(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(folder)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        return parent, int(parent.stdout.readline())


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_the_parents_death_ends_the_server_and_what_it_started(tmp_path: Path, death: signal.Signals) -> None:
    parent, server_pid = _start_parent(tmp_path)
    helper_pid = _helper_pid(tmp_path)
    guardian_pid = psutil.Process(server_pid).ppid()
    parent.send_signal(death)
    parent.wait(_BOUND_S)
    for pid in (server_pid, helper_pid, guardian_pid):
        _until(lambda pid=pid: _is_gone(pid))  # type: ignore[misc]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_the_guardians_own_death_ends_the_server(tmp_path: Path) -> None:
    child = spawn(server_spec(tmp_path))
    psutil.Process(child.pid).parent().kill()  # type: ignore[union-attr]
    _until(lambda: _is_gone(child.pid))
    child.kill()


def test_the_folder_stays_locked_until_the_servers_end(tmp_path: Path) -> None:
    parent, server_pid = _start_parent(tmp_path)
    with pytest.raises(FolderInUseError, match=f"process {parent.pid}"):
        locks.lock_folder(tmp_path, server="Server", is_own=False)
    parent.kill()
    parent.wait(_BOUND_S)
    # Waits for what the dead parent left, and takes the lock then.
    os.close(locks.lock_folder(tmp_path, server="Server", is_own=False))
    assert _is_gone(server_pid)


def test_stop_asks_first(tmp_path: Path) -> None:
    child = spawn(server_spec(tmp_path))
    helper_pid = _helper_pid(tmp_path)
    child.stop(_BOUND_S)
    assert child.exit_status == 7
    _until(lambda: _is_gone(helper_pid))


def test_stop_kills_what_does_not_listen(tmp_path: Path) -> None:
    deaf = _SERVER.replace("lambda *_: sys.exit(7)", "signal.SIG_IGN")
    child = spawn(server_spec(tmp_path, program=deaf))
    helper_pid = _helper_pid(tmp_path)
    child.stop(0.1)
    assert child.exit_status == 128 + signal.SIGKILL
    _until(lambda: _is_gone(helper_pid))


def test_a_temporary_folder_goes_with_a_killed_parent(tmp_path: Path) -> None:
    folder = tmp_path / "stack" / "server"
    folder.mkdir(parents=True)
    program = _PARENT.replace("server_spec(folder", "temporary_spec(folder").replace(
        "import server_spec", "import temporary_spec"
    )
    parent = subprocess.Popen([sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        parent.stdout.readline()
    parent.kill()
    parent.wait(_BOUND_S)
    _until(lambda: not (tmp_path / "stack").exists())


def temporary_spec(folder: Path, *, lock_file: int) -> ChildSpec:
    """Describe the server, in a folder that is to go with it."""
    return dataclasses.replace(server_spec(folder, lock_file=lock_file), remove_after_loss=folder)


def test_a_program_that_is_missing_is_named(tmp_path: Path) -> None:
    spec = dataclasses.replace(server_spec(tmp_path), command=("/nowhere/server",))
    with pytest.raises(EmbeddedError, match="/nowhere/server cannot be started"):
        spawn(spec)


def test_a_failure_shows_the_end_of_the_log(tmp_path: Path) -> None:
    spec = server_spec(tmp_path, program="raise SystemExit('the disk is full')")
    with pytest.raises(EmbeddedError, match="the disk is full"):
        run_to_end(spec, timeout_s=_BOUND_S, abandoned=threading.Event())


def test_a_run_is_bounded_and_can_be_abandoned(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="took longer"):
        run_to_end(server_spec(tmp_path), timeout_s=0.1, abandoned=threading.Event())
    abandoned = threading.Event()
    abandoned.set()
    with pytest.raises(EmbeddedError, match="abandoned"):
        run_to_end(server_spec(tmp_path), timeout_s=_BOUND_S, abandoned=abandoned)
