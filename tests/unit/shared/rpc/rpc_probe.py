"""A real server with probe methods, and a plain grpc.aio client."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from services.shared.kernel.actor import Actor, Role
from services.shared.rpc.admission import Admission
from services.shared.rpc.call import Call, RpcRuntime
from services.shared.rpc.credentials import TokenVerifier
from services.shared.rpc.method import BatchMethod, Method, StreamMethod, UnaryMethod, service_handler
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.rpc.server import RpcServer, RpcSettings
from services.shared.rpc.signing import SigningKey, sign_token

SERVICE = "tierlink_test.probe.v1.ProbeService"
REQUEST_ID = "0b9cbb3e-51c4-4b0e-9a7d-3c1f0e8b2a64"
CLINICIAN = Actor(user="u-1", name="Bao", facility="fac-1", roles=(Role.CLINICIAN,))

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

DETAIL_TYPES = (
    error_details_pb2.BadRequest,
    error_details_pb2.ErrorInfo,
    error_details_pb2.LocalizedMessage,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.ResourceInfo,
    error_details_pb2.RetryInfo,
)


async def always_ready() -> bool:
    return True


class ProbeKit:
    """Starts servers for one test and stops them after it."""

    def __init__(self, *, pb2: Any, key: SigningKey, verifier: TokenVerifier) -> None:
        self.pb2 = pb2
        self.key = key
        self.verifier = verifier
        self.registry = CollectorRegistry()
        self._metrics = RpcMetrics(self.registry)
        self._channels: list[grpc.aio.Channel] = []
        self._servers: list[RpcServer] = []

    def token(self, actor: Actor = CLINICIAN) -> str:
        return sign_token(self.key, actor, issued_at=datetime.now(UTC), lifetime_s=600)

    def metadata(self, *extra: tuple[str, str]) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token()}"), *extra)

    def request(self, **fields: Any) -> Any:
        return self.pb2.ProbeRequest(**{"request_id": REQUEST_ID, **fields})

    def unary(self, handler: Callable[[Any, Call], Awaitable[Any]], **options: Any) -> UnaryMethod[Any, Any]:
        return UnaryMethod(
            name="Probe",
            request_type=self.pb2.ProbeRequest,
            response_type=self.pb2.ProbeResponse,
            handler=handler,
            **options,
        )

    def stream(self, handler: Callable[[Any, Call], AsyncGenerator[Any, None]]) -> StreamMethod[Any, Any]:
        return StreamMethod(
            name="Watch",
            request_type=self.pb2.ProbeRequest,
            response_type=self.pb2.ProbeResponse,
            handler=handler,
        )

    def echo(self) -> UnaryMethod[Any, Any]:
        async def handler(request: Any, _call: Call) -> Any:
            return self.pb2.ProbeResponse(text=request.text, number=request.count)

        return self.unary(handler)

    def batch(self) -> BatchMethod:
        """Probes in one call; those of one text are about the same thing."""
        return BatchMethod(
            name="Probes",
            request_type=self.pb2.ProbesRequest,
            response_type=self.pb2.ProbesResponse,
            about=lambda request: request.text.split() or [""],
        )

    async def serve(
        self,
        methods: Sequence[Method],
        *,
        settings: RpcSettings | None = None,
        calls_max: int = 100,
        streams_max: int = 10,
        readiness: Callable[[], Awaitable[bool]] = always_ready,
        **runtime_options: Any,
    ) -> SimpleNamespace:
        """A started server, its admission, and a client: `probe`, `probes`, `watch`, `channel`."""
        admission = Admission(calls_max=calls_max, streams_max=streams_max)
        runtime = RpcRuntime(
            authenticator=self.verifier,
            admission=admission,
            metrics=self._metrics,
            **runtime_options,
        )
        server = RpcServer(
            settings or RpcSettings(),
            handlers=[service_handler(SERVICE, methods, runtime)],
            admission=admission,
            readiness=readiness,
        )
        await server.start()
        self._servers.append(server)
        channel = self.connect(server.address)
        parse = self.pb2.ProbeResponse.FromString
        return SimpleNamespace(
            server=server,
            admission=admission,
            channel=channel,
            probe=channel.unary_unary(f"/{SERVICE}/Probe", _to_bytes, parse),
            probes=channel.unary_unary(f"/{SERVICE}/Probes", _to_bytes, self.pb2.ProbesResponse.FromString),
            watch=channel.unary_stream(f"/{SERVICE}/Watch", _to_bytes, parse),
        )

    def connect(self, address: str) -> grpc.aio.Channel:
        channel = grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        self._channels.append(channel)
        return channel

    def count(self, method: str, code: str) -> float:
        """The metric of ended calls with this status."""
        labels = {"method": f"{SERVICE}/{method}", "code": code}
        return self.registry.get_sample_value("tierlink_rpc_calls_total", labels) or 0.0

    async def close(self) -> None:
        for channel in self._channels:
            await channel.close()
        for server in self._servers:
            await server.stop()


def _to_bytes(request: Any) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


async def refused(call: Awaitable[Any]) -> grpc.aio.AioRpcError:
    """The error that `call` ends with; fails the test when it succeeds."""
    try:
        answer = await call
    except grpc.aio.AioRpcError as error:
        return error
    raise AssertionError(f"answered {answer!r}")


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The google.rpc.Status as a client reads it."""
    status = rpc_status.from_call(_FinishedCall(error))
    assert status is not None, "no details"
    assert status.code == error.code().value[0]
    return status


def details_of(error: grpc.aio.AioRpcError) -> dict[str, list[Any]]:
    """The details by the name of their type."""
    found: dict[str, list[Any]] = {}
    for packed in status_of(error).details:
        for kind in DETAIL_TYPES:
            if packed.Is(kind.DESCRIPTOR):
                detail = kind()
                packed.Unpack(detail)
                found.setdefault(kind.__name__, []).append(detail)
    return found


class _FinishedCall:
    """`rpc_status.from_call` asks for a synchronous call; an AioRpcError knows the same."""

    def __init__(self, error: grpc.aio.AioRpcError) -> None:
        self.code = error.code
        self.details = error.details
        self.trailing_metadata = error.trailing_metadata


async def until_health(channel: grpc.aio.Channel, name: str, wanted: int) -> None:
    """Waits on the health service's own stream, so without sleeping."""
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=name))
    try:
        async for answer in watch:
            if answer.status == wanted:
                return
    finally:
        watch.cancel()
