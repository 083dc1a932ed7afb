"""Which of what a process starts comes from its starter."""

import atexit
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from tests.warm_starts.asking import Starter
from tests.warm_starts.calls import COLD, Call, Execute, known_call
from tests.warm_starts.order import READY
from tests.warm_starts.programs import CHOICE, is_known, is_same_interpreter, starts_services

_PROJECT: Final = Path(__file__).parents[2]
_IMPORTED_AFTER_S: Final = 120.0


def warm_execute(
    starter: Callable[[], Starter], knows: Callable[[Sequence[str]], bool] = is_known
) -> Execute:
    """Starts those commands warm, and all others as ever."""

    def execute(*given: Any) -> None:
        call = known_call(*given)
        if call is None or not is_warm(call):
            COLD(*given)

    def is_warm(call: Call) -> bool:
        """Whether it was started so."""
        if call.before is not None or call.process_group != -1 or not knows(call.command):
            return False
        environment = os.environ if call.environment is None else call.environment
        if starts_services(call.command) and environment.get(CHOICE) != "warm":
            return False
        return is_same_interpreter(environment, starter().environment) and starter().start(call, environment)

    return execute


def starter_on_demand() -> Callable[[], Starter]:
    """The starter of this process, which starts when it is first asked for and ends with it."""
    lock = threading.Lock()
    starters: list[Starter] = []

    def starter() -> Starter:
        with lock:
            if not starters:
                starters.append(_started())
            return starters[0]

    return starter


def _started() -> Starter:
    environment = dict(os.environ)
    asks, asked = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with asked:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.warm_starts.starter", str(asked.fileno())],
            pass_fds=[asked.fileno()],
            # Not what libraries written in C have added to it, as readline does.
            env=environment,
            cwd=_PROJECT,
        )
    asks.settimeout(_IMPORTED_AFTER_S)
    if asks.recv(len(READY)) != READY:
        raise OSError("the starter of processes for tests did not start")
    starter = Starter(asks, environment)
    atexit.register(process.wait, _IMPORTED_AFTER_S)
    atexit.register(starter.close)
    return starter
