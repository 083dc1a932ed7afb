"""A server's health, reflection, address and end, seen by plain clients."""

import asyncio
import socket
from pathlib import Path

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.shared.rpc.server import RpcServerError, RpcSettings
from tests.unit.shared.rpc.rpc_probe import (
    NOT_SERVING,
    SERVICE,
    SERVING,
    ProbeKit,
    refused,
    until_health,
)

QUICK = RpcSettings(readiness_interval_s=0.01, readiness_timeout_s=0.05)


async def health_of(channel: grpc.aio.Channel, name: str) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=name))).status)


async def test_health_by_every_name(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
    for name in ("", "readiness", "liveness", SERVICE):
        assert await health_of(served.channel, name) == SERVING
    error = await refused(health_of(served.channel, "tierlink.unheard.of"))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_readiness_follows_the_probe_and_liveness_does_not(kit: ProbeKit) -> None:
    ready = False

    async def probe() -> bool:
        return ready

    served = await kit.serve([kit.echo()], settings=QUICK, readiness=probe)
    for name in ("", "readiness", SERVICE):
        assert await health_of(served.channel, name) == NOT_SERVING
    assert await health_of(served.channel, "liveness") == SERVING
    assert served.server.is_ready is False
    ready = True
    await until_health(served.channel, "readiness", SERVING)
    assert served.server.is_ready is True
    assert await health_of(served.channel, SERVICE) == SERVING
    ready = False
    await until_health(served.channel, SERVICE, NOT_SERVING)
    assert await health_of(served.channel, "liveness") == SERVING


async def test_a_probe_that_raises_or_hangs_is_not_ready(kit: ProbeKit) -> None:
    async def raising() -> bool:
        raise OSError("no route to database")

    async def hanging() -> bool:
        await asyncio.Event().wait()
        return True

    for probe in (raising, hanging):
        with structlog.testing.capture_logs() as lines:
            served = await kit.serve([kit.echo()], settings=QUICK, readiness=probe)
        assert await health_of(served.channel, "readiness") == NOT_SERVING
        assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["not ready"]


async def test_readiness_comes_back_after_a_probe_that_raised(kit: ProbeKit) -> None:
    outcomes: list[BaseException | None] = [None, OSError("gone"), None]

    async def probe() -> bool:
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if outcome is not None:
            raise outcome
        return True

    served = await kit.serve([kit.echo()], settings=QUICK, readiness=probe)
    await until_health(served.channel, "readiness", SERVING)
    assert await served.probe(kit.request(), metadata=kit.metadata()) is not None


async def test_reflection_lists_and_describes_the_services(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    questions = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="tierlink_test.probe.v1.ProbeRequest"),
    ]
    listed, described = [answer async for answer in stub.ServerReflectionInfo(iter(questions))]
    names = {service.name for service in listed.list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert b"ProbeRequest" in described.file_descriptor_response.file_descriptor_proto[0]


async def test_a_taken_port_is_a_clear_error(kit: ProbeKit) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RpcServerError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            await kit.serve([kit.echo()], settings=RpcSettings(port=port))


async def test_a_second_server_on_the_port_fails_unless_both_share_it(kit: ProbeKit) -> None:
    first = await kit.serve([kit.echo()])
    with pytest.raises(RpcServerError):
        await kit.serve([kit.echo()], settings=RpcSettings(port=first.server.port))
    with pytest.raises(RpcServerError):
        await kit.serve([kit.echo()], settings=RpcSettings(port=first.server.port, reuse_port=True))


async def test_the_bound_port_is_told(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
    assert served.server.port > 0
    assert served.server.address == f"127.0.0.1:{served.server.port}"


async def test_a_message_over_the_bound_is_refused(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()], settings=RpcSettings(message_bytes_max=1000))
    error = await refused(served.probe(b"x" * 2000, metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"tls_certificate": "a.pem"}, "both a certificate and a key"),
        ({"tls_key": "a.pem"}, "both a certificate and a key"),
        ({"tls_client_ca": "a.pem"}, "without a server certificate"),
        ({"tls_certificate": "missing.pem", "tls_key": "a.pem"}, r"certificate .*missing\.pem"),
        ({"tls_certificate": "a.pem", "tls_key": "rubbish.pem"}, "not a PEM file"),
    ],
)
async def test_wrong_tls_settings_are_named(
    kit: ProbeKit, tmp_path: Path, files: dict[str, str], message: str
) -> None:
    (tmp_path / "a.pem").write_text("-----BEGIN CERTIFICATE-----\n")
    (tmp_path / "rubbish.pem").write_text("rubbish")
    settings = RpcSettings(**{name: tmp_path / file for name, file in files.items()})  # type: ignore[arg-type]
    with pytest.raises(RpcServerError, match=message):
        await kit.serve([kit.echo()], settings=settings)
