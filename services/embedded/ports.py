"""Free ports on the loopback address."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection
from typing import Final

from services.embedded.errors import EmbeddedError

LOOPBACK: Final = "127.0.0.1"
#: Below the range from which Linux (32768) and macOS (49152) take ports for outgoing connections: a client
#: that retries while its server restarts could otherwise be given the server's port and connect to itself.
_FIRST_PORT: Final = 20_000
_LAST_PORT: Final = 32_000
_TRIES: Final = 200


def is_free(port: int) -> bool:
    """Say whether a server could listen on `port` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the servers do: a port with connections still in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port(*, excluded: Collection[int] = ()) -> int:
    """Return a port that is free now, at random so that two processes seldom choose the same.

    Raises EmbeddedError when none is found in a bounded number of tries.
    """
    for _ in range(_TRIES):
        port = random.randint(_FIRST_PORT, _LAST_PORT)
        if port not in excluded and is_free(port):
            return port
    raise EmbeddedError(
        f"No free port was found on {LOOPBACK} between {_FIRST_PORT} and {_LAST_PORT} in {_TRIES} tries. "
        "Stop programs that are no longer needed, or give a port."
    )
