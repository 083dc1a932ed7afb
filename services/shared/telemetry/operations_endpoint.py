"""`/metrics`, `/livez` and `/readyz` over HTTP, for Prometheus and for orchestrators that do not speak gRPC.

It runs in threads, so that a stuck event loop can still be seen: `/livez` asks the loop to answer, and a loop
that does not within a bound is not alive.
"""

import asyncio
import concurrent.futures
import socket
import socketserver
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

#: requests answered at once; more are closed unanswered
_REQUESTS_MAX = 8
#: a client that sends or reads more slowly is dropped
_SOCKET_TIMEOUT_S = 5.0


class EndpointUnavailableError(RuntimeError):
    """The address of the operations endpoint cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OperationsSettings:
    """Where the operations endpoint listens. A process that should have none does not build one."""

    host: str = "127.0.0.1"
    #: 0 draws a free port, which `start` returns
    port: int = 0
    #: how long the event loop may take to answer before the process is reported dead
    loop_answer_s_max: float = 2.0


class OperationsEndpoint:
    """Serves the three paths from `start` until `stop`."""

    def __init__(
        self, settings: OperationsSettings, *, registry: CollectorRegistry, is_ready: Callable[[], bool]
    ) -> None:
        """`is_ready` is called from another thread: it reads a flag and does no work."""
        self._settings = settings
        self._registry = registry
        self._is_ready = is_ready
        self._server: _BoundedServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> int:
        """Listens; returns the port. Call it inside the event loop that `/livez` is to watch.

        Raises EndpointUnavailableError when the address cannot be bound.
        """
        loop = asyncio.get_running_loop()
        address = (self._settings.host, self._settings.port)
        try:
            self._server = _BoundedServer(address, self._handler(loop))
        except OSError as error:
            raise EndpointUnavailableError(
                f"operations endpoint cannot listen on {address[0]}:{address[1]}: {error.strerror or error}"
            ) from error
        self._thread = threading.Thread(target=self._server.serve_forever, name="operations", daemon=True)
        self._thread.start()
        return int(self._server.server_address[1])

    async def stop(self) -> None:
        """Stops listening. Requests in progress end with their socket's bound."""
        if self._server is None or self._thread is None:
            return
        await asyncio.to_thread(self._server.shutdown)
        await asyncio.to_thread(self._thread.join)
        self._server.server_close()
        self._server = self._thread = None

    def answer(
        self, path: str, accept: str, loop: asyncio.AbstractEventLoop
    ) -> tuple[HTTPStatus, str, bytes]:
        """Status, content type and body for one path."""
        if path == "/metrics":
            encode, content_type = choose_encoder(accept)
            return HTTPStatus.OK, content_type, encode(self._registry)
        if path == "/livez":
            return _verdict(_loop_answers(loop, self._settings.loop_answer_s_max))
        if path == "/readyz":
            return _verdict(self._is_ready())
        return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"not found\n"

    def _handler(self, loop: asyncio.AbstractEventLoop) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            timeout = _SOCKET_TIMEOUT_S
            server_version = "tierlink"
            sys_version = ""

            def do_GET(self) -> None:
                path = self.path.partition("?")[0]
                status, content_type, body = endpoint.answer(path, self.headers.get("Accept", ""), loop)
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
                """Probes come every second; their lines would bury the rest."""

        return Handler


class _BoundedServer(ThreadingHTTPServer):
    """A threading server that never has more than `_REQUESTS_MAX` threads."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._slots = threading.BoundedSemaphore(_REQUESTS_MAX)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        # HTTPServer.server_bind asks DNS for the host's full name, which can hang a start for many seconds.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._slots.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._slots.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A prober that hangs up is no event; the base class would print a traceback to stderr."""


def _verdict(good: bool) -> tuple[HTTPStatus, str, bytes]:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return status, "text/plain; charset=utf-8", b"ok\n" if good else b"not ok\n"


def _loop_answers(loop: asyncio.AbstractEventLoop, seconds_max: float) -> bool:
    answered: concurrent.futures.Future[None] = concurrent.futures.Future()
    try:
        loop.call_soon_threadsafe(answered.set_result, None)
        answered.result(timeout=seconds_max)
    except (RuntimeError, concurrent.futures.TimeoutError):  # the loop is closed, or does not answer
        return False
    return True
