"""How a starter makes a process of itself, and what that does to be what was asked for."""

import io
import json
import os
import runpy
import signal
import socket
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TextIO

from services.embedded import guardian
from tests.warm_starts.asking import Starter
from tests.warm_starts.calls import COLD, Call, known_call, set_execute
from tests.warm_starts.order import FILES, SIZE_MAX, Order, unpacked
from tests.warm_starts.programs import is_same_interpreter, launched_module, starts_services
from tests.warm_starts.starts import warm_execute

_ADOPTED_AFTER_S: Final = 10.0
_STANDARD_ERROR: Final = 2


def serve(asked: socket.socket, starters: Mapping[str, str]) -> None:
    """Forks what is asked for until nobody asks any more. Returns in each new process, at its end.

    `starters` is the environment that the starter started with.
    """
    # What a terminal sends is not for the starter: who asks it says when this is over.
    interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        data, files, _, _ = socket.recv_fds(asked, SIZE_MAX, FILES)
        if not data:
            return
        order = unpacked(data)
        told, tells = os.pipe()
        between = os.fork()
        if between == 0:
            if _fork_again(tells):
                asked.close()
                os.close(told)
                os.close(tells)
                _take(files)
                _wait_for_parent(order.parent_pid)
                signal.signal(signal.SIGINT, interrupted)
                _become(order, starters)
                return
            os._exit(0)
        os.close(tells)
        # Its end gives the new process to who asked, and adopts it.
        os.waitpid(between, 0)
        with os.fdopen(told, "rb") as pid:
            asked.send(pid.read())
        for file in files:
            os.close(file)


def _fork_again(tells: int) -> bool:
    """Whether this is the new process; tells the one between who that is."""
    pid = os.fork()
    if pid:
        os.write(tells, str(pid).encode())
    return pid == 0


def _take(files: list[int]) -> None:
    for target, file in enumerate(files):
        os.dup2(file, target)
        os.close(file)


def _wait_for_parent(pid: int) -> None:
    until_s = time.monotonic() + _ADOPTED_AFTER_S
    while os.getppid() != pid:
        if time.monotonic() > until_s:
            os._exit(70)
        time.sleep(0.0005)


def _become(order: Order, starters: Mapping[str, str]) -> None:
    """Runs the program to its end, which it says as programs do: by SystemExit, or an error."""
    if order.has_session:
        os.setsid()
    os.chdir(order.cwd)
    _dress(order.environment)
    kind, *rest = order.command[1:]
    if kind != "-m":
        _guard(rest[1:], starters)
        return
    if starts_services(order.command) and not _with_starter(starters):
        return
    _run_module(rest[0], rest[1:])


def _with_starter(starters: Mapping[str, str]) -> bool:
    """Gives this process a starter of its own: a fork of what it is now. Returns False in that one."""
    asks, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        asks.close()
        serve(asked, starters)
        return False
    asked.close()
    starter = Starter(asks, dict(starters))
    set_execute(warm_execute(lambda: starter))
    return True


def _run_module(module: str, arguments: list[str]) -> None:
    sys.argv = [module, *arguments]
    sys.path[0] = str(Path.cwd())
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _guard(arguments: list[str], starters: Mapping[str, str]) -> None:
    """Is the guardian of a service, which is a fork in turn."""

    def execute(*given: Any) -> None:
        set_execute(COLD)
        call = known_call(*given)
        module = launched_module(call.command) if call is not None else None
        if call is None or module is None:
            COLD(*given)
            return
        pid = os.fork()
        if pid == 0:
            _launch(call, module, starters)
        call.started(pid)

    set_execute(execute)
    sys.argv = arguments
    sys.exit(guardian.main())


def _launch(call: Call, module: str, starters: Mapping[str, str]) -> None:
    """What `launch` does, in the guardian's fork: becomes the service."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for target, file in enumerate(call.files):
        if file != -1:
            os.dup2(file, target)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    os.setpgid(0, call.process_group)
    if call.cwd is not None:
        os.chdir(call.cwd)
    if call.before is not None:
        call.before()
    environment_path = Path(call.command[4])
    environment: dict[str, str] = json.loads(environment_path.read_text("utf-8"))
    if not is_same_interpreter(environment, starters):
        os.execve(call.command[0], call.command, {})
    environment_path.unlink()
    _dress(environment)
    _run_module(module, [])
    sys.exit(0)


def _dress(environment: Mapping[str, str]) -> None:
    """Gives this process an environment, and what an interpreter takes from one when it starts."""
    os.environ.clear()
    os.environ.update(environment)
    is_buffered = not environment.get("PYTHONUNBUFFERED")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        file = _standard_file(number, getattr(sys, name), is_buffered=is_buffered)
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)
    asked = [each for each in environment.get("PYTHONWARNINGS", "").split(",") if each]
    warnings._processoptions(asked)  # type: ignore[attr-defined]


def _standard_file(number: int, old: TextIO, *, is_buffered: bool) -> TextIO:
    """As an interpreter opens it: standard error goes out line by line, whoever reads it."""
    is_read = number == 0
    buffering = -1 if is_buffered or is_read else 0
    binary = open(number, "rb" if is_read else "wb", buffering=buffering, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        binary,
        encoding=old.encoding,
        errors=old.errors,
        newline=None if is_read else "\n",
        line_buffering=is_buffered and (number == _STANDARD_ERROR or binary.isatty()),
        write_through=not is_buffered,
    )
