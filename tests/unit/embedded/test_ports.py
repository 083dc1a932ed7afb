"""Choosing ports."""

from __future__ import annotations

import socket

from services.embedded import ports


def test_a_port_that_is_listened_on_is_not_free() -> None:
    port = ports.free_port()
    assert ports.is_free(port)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ports.LOOPBACK, port))
        listener.listen(1)
        assert not ports.is_free(port)
    assert ports.is_free(port)


def test_ports_lie_below_those_of_outgoing_connections() -> None:
    # A client that retries while its server restarts could be given the server's port, and talk to itself.
    assert all(port < 32_768 for port in (ports.free_port() for _ in range(50)))
