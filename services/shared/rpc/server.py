"""One gRPC server: its port, its options, its health, and how it stops."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import grpc
import structlog
from grpc_health.v1 import health, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from services.shared.rpc.admission import Admission
from services.shared.rpc.health import Health, ReadinessProbe
from services.shared.rpc.stop_signals import StopSignals, stop_signals

_log = structlog.get_logger(__name__)

_MIB = 1024 * 1024
#: after a forced stop, how long handlers get to clean up behind their cancelled calls
_CLEANUP_S = 5.0


class RpcServerError(Exception):
    """The server cannot start: its port is taken, or its certificates cannot be used."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RpcSettings:
    """How a server listens and what it bounds."""

    host: str = "127.0.0.1"
    #: 0 draws a free port, which `RpcServer.port` then tells
    port: int = 0
    #: several processes share the port; without it, a second one fails to start
    reuse_port: bool = False
    #: PEM files; TLS when both are given, mutual TLS with the client CA as well
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    message_bytes_max: int = 4 * _MIB
    #: per connection, the http2 limit
    streams_per_connection_max: int = 1000
    #: connections silent for this long are pinged, and dropped when they do not answer
    keepalive_s: float = 30.0
    keepalive_timeout_s: float = 10.0
    #: how long calls in progress may take to end when the server stops
    drain_timeout_s: float = 20.0
    readiness_interval_s: float = 2.0
    readiness_timeout_s: float = 1.0


class RpcServer:
    """A server from `start` to `stop`. Used from one event loop."""

    def __init__(
        self,
        settings: RpcSettings,
        *,
        handlers: Sequence[grpc.ServiceRpcHandler],
        admission: Admission,
        readiness: ReadinessProbe,
    ) -> None:
        """`handlers` come from `service_handler` and share `admission`. `readiness` is awaited in a bound."""
        self._settings = settings
        self._handlers = tuple(handlers)
        self._admission = admission
        names = [str(handler.service_name()) for handler in handlers]
        self._service_names = tuple(names)
        self._health = Health(
            services=names,
            probe=readiness,
            interval_s=settings.readiness_interval_s,
            timeout_s=settings.readiness_timeout_s,
        )
        self._server: grpc.aio.Server | None = None
        self._port = 0

    @property
    def port(self) -> int:
        """The bound port; 0 before `start`."""
        return self._port

    @property
    def address(self) -> str:
        """`host:port` as bound."""
        return _address(self._settings.host, self._port)

    @property
    def is_ready(self) -> bool:
        """What the last readiness probe said. Safe to read from any thread."""
        return self._health.is_ready

    async def start(self) -> None:
        """Binds, starts, and publishes a first readiness. Raises RpcServerError, saying what is wrong."""
        credentials = _credentials(self._settings)
        # The backstop behind `Admission`: it also counts health checks, reflection, and calls being refused.
        rpcs_max = 2 * (self._admission.calls_max + self._admission.streams_max) + 100
        server = grpc.aio.server(options=_options(self._settings), maximum_concurrent_rpcs=rpcs_max)
        server.add_generic_rpc_handlers(self._handlers)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, server)
        reflection.enable_server_reflection(
            (*self._service_names, health.SERVICE_NAME, reflection.SERVICE_NAME), server
        )
        self._port = _bind(server, self._settings, credentials)
        self._server = server
        await server.start()
        await self._health.start()
        _log.info("serving", address=self.address, tls=credentials is not None, services=self._service_names)

    async def stop(self, hurry: asyncio.Event | None = None) -> None:
        """Drains: not ready, nothing new, streams ended, calls in progress finish within the bound.

        What is left then is cancelled; `hurry`, when set, cuts the bound short. Idempotent.
        """
        server, self._server = self._server, None
        if server is None:
            return
        await self._health.stop()
        self._admission.stop()
        grace_s = self._settings.drain_timeout_s
        # Closes the port now. Its own grace is longer than the wait below, which alone decides.
        closing = asyncio.create_task(server.stop(grace_s + _CLEANUP_S), name="close server")
        idle = asyncio.create_task(self._admission.wait_until_idle(), name="wait until idle")
        hurrying = asyncio.create_task((hurry or asyncio.Event()).wait(), name="wait for hurry")
        await asyncio.wait({idle, hurrying}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        left = {"calls": self._admission.calls, "streams": self._admission.streams}
        # Whoever counts has an answer, or its time is over. Watchers of health do not count, and would hold
        # the server for the whole grace.
        await server.stop(None)
        await closing
        await asyncio.wait({idle}, timeout=_CLEANUP_S)
        for task in (idle, hurrying):
            task.cancel()
        await asyncio.wait({idle, hurrying})
        _log.info("stopped", cancelled=left)

    async def serve_until_stopped(self, signals: StopSignals | None = None) -> None:
        """Starts, waits for SIGTERM or SIGINT, drains; a second signal cancels what is still in progress.

        A `main` with more to stop than this server catches the signals itself and hands them in. Raises
        RpcServerError when the server cannot start.
        """
        if signals is None:
            with stop_signals() as caught:
                await self.serve_until_stopped(caught)
            return
        try:
            await self.start()
            await signals.stop.wait()
            _log.info("stopping", drain_timeout_s=self._settings.drain_timeout_s)
        finally:
            await self.stop(signals.hurry)


def _options(settings: RpcSettings) -> list[tuple[str, int]]:
    keepalive_ms = int(settings.keepalive_s * 1000)
    return [
        # Explicit: grpc's default shares the port silently with whoever else asks for it.
        ("grpc.so_reuseport", int(settings.reuse_port)),
        ("grpc.max_receive_message_length", settings.message_bytes_max),
        ("grpc.max_send_message_length", settings.message_bytes_max),
        ("grpc.max_concurrent_streams", settings.streams_per_connection_max),
        ("grpc.max_metadata_size", 16 * 1024),
        ("grpc.server_handshake_timeout_ms", 10_000),
        # An alert board's stream is silent for hours; pings tell a quiet reader from a dead one.
        ("grpc.keepalive_time_ms", keepalive_ms),
        ("grpc.keepalive_timeout_ms", int(settings.keepalive_timeout_s * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        ("grpc.http2.max_pings_without_data", 0),
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
    ]


def _bind(server: grpc.aio.Server, settings: RpcSettings, credentials: grpc.ServerCredentials | None) -> int:
    address = _address(settings.host, settings.port)
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise RpcServerError(
            f"cannot listen on {address}: the port is taken, or the host is not this machine's"
        ) from error


def _credentials(settings: RpcSettings) -> grpc.ServerCredentials | None:
    certificate, key, client_ca = settings.tls_certificate, settings.tls_key, settings.tls_client_ca
    if certificate is None and key is None:
        if client_ca is not None:
            raise RpcServerError("a client CA is configured without a server certificate and key")
        return None
    if certificate is None or key is None:
        raise RpcServerError("TLS needs both a certificate and a key")
    pair = (_read_pem(key, "key"), _read_pem(certificate, "certificate"))
    if client_ca is None:
        return grpc.ssl_server_credentials([pair])
    roots = _read_pem(client_ca, "client CA")
    return grpc.ssl_server_credentials([pair], root_certificates=roots, require_client_auth=True)


def _read_pem(path: Path, what: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise RpcServerError(f"cannot read the TLS {what} {path}: {error.strerror or error}") from error
    if b"-----BEGIN " not in content:
        raise RpcServerError(f"the TLS {what} {path} is not a PEM file")
    return content


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
