"""A starter, as those see it who ask it."""

import ctypes
import os
import socket
import threading
from collections.abc import Mapping
from typing import Final

from tests.warm_starts.calls import Call
from tests.warm_starts.order import SIZE_MAX, Order

_PR_SET_CHILD_SUBREAPER: Final = 36
_ANSWERED_AFTER_S: Final = 60.0
_PID_SIZE_MAX: Final = 32


class Starter:
    """Starts processes that are this one's children. Any thread may ask."""

    def __init__(self, asks: socket.socket, environment: Mapping[str, str]) -> None:
        """`environment` is what it has started with."""
        self.environment: Final = environment
        self._asks = asks
        self._asks.settimeout(_ANSWERED_AFTER_S)
        self._lock = threading.Lock()
        self._libc = ctypes.CDLL(None)

    def start(self, call: Call, environment: Mapping[str, str]) -> bool:
        """Starts that process with that environment. Returns False where they are too much for an order.

        Raises OSError when the starter has gone.
        """
        order = Order(
            command=call.command,
            environment=dict(environment),
            cwd=call.cwd or os.getcwd(),  # noqa: PTH109
            parent_pid=os.getpid(),
            has_session=call.has_session,
        ).packed()
        if len(order) > SIZE_MAX:
            return False
        files = [own if given == -1 else given for own, given in enumerate(call.files)]
        with self._lock:
            # Only while the one between ends: an orphan of another's must not become ours and stay.
            self._libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
            try:
                socket.send_fds(self._asks, [order], files)
                pid = self._asks.recv(_PID_SIZE_MAX)
            finally:
                self._libc.prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        if not pid:
            raise OSError("the starter of processes for tests has gone")
        call.started(int(pid))
        return True

    def close(self) -> None:
        """The starter ends; what it has started goes on."""
        self._asks.close()
