"""A server as a process of its own: signals, TLS, a shared port. Real sockets, real certificates."""

import asyncio
import ipaddress
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc

ROOT = Path(__file__).parents[2]
METHOD = "/tierlink_test.EchoService/Echo"

# `hold` waits inside the handler until the file appears, so that a test decides when the call ends.
PROGRAM = """
import asyncio, pathlib, sys
import uvloop
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import CollectorRegistry
from services.shared.rpc.admission import Admission
from services.shared.rpc.call import RpcRuntime
from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.method import UnaryMethod, service_handler
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.rpc.server import RpcServer, RpcSettings
from services.shared.telemetry.logging import LogSettings, configure_logging

async def echo(request, call):
    if request.value.startswith("hold "):
        print("holding", flush=True)
        gate = pathlib.Path(request.value.removeprefix("hold "))
        while not gate.exists():
            await asyncio.sleep(0.005)
    return StringValue(value=f"{request.value} from {name}")

async def ready():
    return True

async def main():
    configure_logging(LogSettings(service="probe"))
    admission = Admission(calls_max=10, streams_max=10)
    runtime = RpcRuntime(
        authenticator=TokenVerifier(TokenSettings(jwks="")),
        admission=admission,
        metrics=RpcMetrics(CollectorRegistry()),
    )
    method = UnaryMethod(
        name="Echo", request_type=StringValue, response_type=StringValue, handler=echo, public=True
    )
    handler = service_handler("tierlink_test.EchoService", [method], runtime)
    settings = RpcSettings(**{key: eval(value) for key, value in (pair.split("=", 1) for pair in pairs)})
    server = RpcServer(settings, handlers=[handler], admission=admission, readiness=ready)
    serving = asyncio.ensure_future(server.serve_until_stopped())
    while not server.is_ready and not serving.done():
        await asyncio.sleep(0.005)
    if not serving.done():
        print(server.port, flush=True)
    await serving
    print("stopped cleanly", flush=True)

name, *pairs = sys.argv[1:]
uvloop.run(main())
"""


@dataclass(frozen=True, kw_only=True)
class Child:
    process: subprocess.Popen[str]
    port: int

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextmanager
def server_process(name: str, **settings: Any) -> Iterator[Child]:
    pairs = [f"{key}={value!r}".replace("PosixPath", "pathlib.Path") for key, value in settings.items()]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, name, *pairs],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        first = process.stdout.readline().strip()
        if not first.isdigit():
            process.wait(20)
            raise AssertionError(f"did not start: {process.stderr.read() if process.stderr else ''}")
        yield Child(process=process, port=int(first))
    finally:
        process.kill()
        process.communicate()


@asynccontextmanager
async def client(port: int, credentials: grpc.ChannelCredentials | None = None) -> AsyncIterator[Any]:
    # Channels of one process share connections to one address; these tests need connections of their own.
    options = [("grpc.use_local_subchannel_pool", 1)]
    address = f"127.0.0.1:{port}"
    if credentials is None:
        channel = grpc.aio.insecure_channel(address, options=options)
    else:
        channel = grpc.aio.secure_channel(address, credentials, options=options)
    async with channel:
        yield channel


async def echo(channel: grpc.aio.Channel, text: str) -> str:
    call = channel.unary_unary(METHOD, StringValue.SerializeToString, StringValue.FromString)
    answer = await call(StringValue(value=text), timeout=30)
    return str(answer.value)


def watch_readiness(channel: grpc.aio.Channel) -> AsyncIterator[Any]:
    request = health_pb2.HealthCheckRequest(service="readiness")
    return aiter(health_pb2_grpc.HealthStub(channel).Watch(request))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_the_process(tmp_path: Path, number: signal.Signals) -> None:
    gate = tmp_path / "gate"
    with server_process("a", drain_timeout_s=100.0) as child:
        async with client(child.port) as channel, client(child.port) as late:
            in_flight = asyncio.ensure_future(echo(channel, f"hold {gate}"))
            assert await asyncio.to_thread(child.line) == "holding"
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(service="readiness")
            )
            answers = aiter(watch)
            assert (await anext(answers)).status == health_pb2.HealthCheckResponse.SERVING
            child.process.send_signal(number)
            assert (await anext(answers)).status == health_pb2.HealthCheckResponse.NOT_SERVING
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await echo(late, "too late")
            # gRPC itself says the second to a call that is there in the moment in which the port is closed.
            assert refusal.value.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
            with pytest.raises(grpc.aio.AioRpcError) as refusal:
                await echo(late, "later still")
            assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
            gate.touch()
            assert (await in_flight).endswith("from a")
        assert await asyncio.to_thread(child.line) == "stopped cleanly"
        assert await asyncio.to_thread(child.process.wait, 20) == 0


async def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with server_process("a", drain_timeout_s=100.0) as child:
        async with client(child.port) as channel:
            in_flight = asyncio.ensure_future(echo(channel, f"hold {tmp_path / 'never'}"))
            assert await asyncio.to_thread(child.line) == "holding"
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(service="readiness")
            )
            answers = aiter(watch)
            await anext(answers)
            child.process.send_signal(signal.SIGTERM)
            assert (await anext(answers)).status == health_pb2.HealthCheckResponse.NOT_SERVING
            child.process.send_signal(signal.SIGTERM)
            with pytest.raises(grpc.aio.AioRpcError):
                await in_flight
        assert await asyncio.to_thread(child.line) == "stopped cleanly"


async def test_processes_share_a_port_only_when_both_ask_for_it() -> None:
    with server_process("a", reuse_port=True) as first:
        with server_process("b", reuse_port=True, port=first.port) as second:
            assert second.port == first.port
            answered: set[str] = set()
            for _ in range(200):  # the kernel spreads connections by their source port
                async with client(first.port) as channel:
                    answered.add((await echo(channel, "x")).rsplit(" ", 1)[1])
                if answered == {"a", "b"}:
                    break
            assert answered == {"a", "b"}
        with pytest.raises(AssertionError, match="the port is taken"), server_process("c", port=first.port):
            pass


@dataclass(frozen=True, kw_only=True)
class Identity:
    certificate: Path
    key: Path


class Authority:
    """A certificate authority of one test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        authority = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._builder(self._name, self._key).add_extension(authority, critical=True)
        self.certificate = folder / f"{name}.pem"
        self.certificate.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def issue(self, name: str) -> Identity:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        certificate = self._builder(subject, key).add_extension(names, critical=False)
        identity = Identity(
            certificate=self._folder / f"{name}.cert.pem", key=self._folder / f"{name}.key.pem"
        )
        signed = certificate.sign(self._key, hashes.SHA256())
        identity.certificate.write_bytes(signed.public_bytes(Encoding.PEM))
        identity.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return identity

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
        )


def channel_credentials(authority: Authority, identity: Identity | None = None) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        authority.certificate.read_bytes(),
        identity.key.read_bytes() if identity else None,
        identity.certificate.read_bytes() if identity else None,
    )


async def test_tls_and_mutual_tls(tmp_path: Path) -> None:
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    server = ours.issue("server")
    files = {"tls_certificate": server.certificate, "tls_key": server.key}
    with server_process("a", **files) as child:
        async with client(child.port, channel_credentials(ours)) as channel:
            assert await echo(channel, "hello") == "hello from a"
        for wrong in (None, channel_credentials(theirs)):
            async with client(child.port, wrong) as channel:
                with pytest.raises(grpc.aio.AioRpcError):
                    await echo(channel, "hello")
    with server_process("a", **files, tls_client_ca=ours.certificate) as child:
        async with client(child.port, channel_credentials(ours, ours.issue("hospital"))) as channel:
            assert await echo(channel, "hello") == "hello from a"
        for identity in (None, theirs.issue("stranger")):
            async with client(child.port, channel_credentials(ours, identity)) as channel:
                with pytest.raises(grpc.aio.AioRpcError) as refusal:
                    await echo(channel, "hello")
                assert refusal.value.code() is grpc.StatusCode.UNAVAILABLE
