"""A small process between Tierlink and one server: when Tierlink is gone, so is the server.

It is a script of its own, run as `python -I -S guardian.py <settings as JSON>`, and imports nothing of the
project, so that it starts in some 20 ms and works under any user. It starts the server in a process group of
its own and then waits for one of:
- a byte on standard input: S asks the server to stop, K kills its process group;
- the end of standard input, or a new parent: Tierlink has died, even by kill -9. The server gets the loss
  signal and, if it is still there after the grace time, SIGKILL;
- the end of the server: the guardian ends with it.
"""

from __future__ import annotations

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

STOP = b"S"
KILL = b"K"
_PARENT_POLL_S = 0.5
_PR_SET_PDEATHSIG = 1


def _dying_with(guardian_pid: int) -> Callable[[], None]:
    """Make what runs in the server's process before it becomes the server: die when the guardian is killed.

    The setting is lost by a change of user, so it must be made after that, as `preexec_fn` is.
    """
    libc = ctypes.CDLL(None)

    def set_death_signal() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guardian_pid:
            os._exit(1)  # the guardian went before the setting was made

    return set_death_signal


def _start_server(settings: dict[str, Any]) -> subprocess.Popen[bytes]:
    user = settings["user"]
    preexec = _dying_with(os.getpid()) if sys.platform == "linux" else None
    options: dict[str, Any] = {}
    if user is not None:
        options = {"user": user["uid"], "group": user["gid"], "extra_groups": []}
    return subprocess.Popen(
        settings["command"],
        cwd=settings["cwd"],
        env=settings["environment"],
        stdin=subprocess.DEVNULL,
        stdout=2,  # the guardian's own standard error is the server's log
        stderr=2,
        pass_fds=settings["inherited_files"],
        process_group=0,
        preexec_fn=preexec,  # noqa: PLW1509 - the guardian has one thread
        **options,
    )


def _kill_group(server: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, signal.SIGKILL)


def _end_after_loss(server: subprocess.Popen[bytes], settings: dict[str, Any]) -> None:
    server.send_signal(settings["loss_signal"])
    with suppress(subprocess.TimeoutExpired):
        server.wait(settings["loss_grace_s"])
    _kill_group(server)
    server.wait()
    folder = settings["remove_after_loss"]
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            # Shared with the other servers: the last one to go succeeds.
            Path(folder).parent.rmdir()


def _watch(server: subprocess.Popen[bytes], settings: dict[str, Any], wakeup: int) -> None:
    """Return when the server has ended, or end it when the parent is gone."""
    while server.poll() is None:
        ready, _, _ = select.select([0, wakeup], [], [], _PARENT_POLL_S)
        if wakeup in ready:
            os.read(wakeup, 64)
        # A process that Tierlink forked may hold the pipe open; a change of parent tells then.
        lost = os.getppid() != settings["parent_pid"]
        if 0 in ready:
            orders = os.read(0, 64)
            lost = lost or not orders
            if STOP in orders:
                server.send_signal(settings["stop_signal"])
            if KILL in orders:
                _kill_group(server)
        if lost:
            _end_after_loss(server, settings)


def main() -> int:
    """Guard one server; the exit status is the server's, 128 + signal number when a signal ended it."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    wakeup_read, wakeup_write = os.pipe()
    os.set_blocking(wakeup_write, False)
    signal.set_wakeup_fd(wakeup_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    try:
        server = _start_server(settings)
    except OSError as error:
        sys.stderr.write(f"{settings['command'][0]} cannot be started: {error}\n")
        return 127
    # After the start, for the server would inherit what is ignored. Ctrl-C and a closed terminal are
    # Tierlink's to handle; a plain `kill` of the guardian stops the server.
    for ignored in (signal.SIGINT, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(settings["stop_signal"]))
    os.write(1, f"{server.pid}\n".encode())
    # The reader waits for the end of this line only, so the pipe must not stay open.
    os.dup2(2, 1)
    _watch(server, settings, wakeup_read)
    # What the server started and left behind in its group goes with it.
    _kill_group(server)
    return server.returncode if server.returncode >= 0 else 128 - server.returncode


if __name__ == "__main__":
    sys.exit(main())
