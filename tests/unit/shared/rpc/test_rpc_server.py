"""A server's health, reflection, address and end, seen by plain clients."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from services.shared.rpc.call import Call
from services.shared.rpc.server import RpcServer, RpcServerError, RpcSettings
from services.shared.rpc.stop_signals import StopSignals
from tests.unit.shared.rpc.rpc_probe import SERVICE, ProbeKit, details_of, refused

SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
QUICK = RpcSettings(readiness_interval_s=0.01, readiness_timeout_s=0.05)


def echo(kit: ProbeKit) -> Any:
    async def handler(request: Any, _call: Call) -> Any:
        return kit.pb2.ProbeResponse(text=request.text)

    return kit.unary(handler)


class Gate:
    """A handler that waits inside until it is let go."""

    def __init__(self, kit: ProbeKit) -> None:
        self._kit = kit
        self.entered = asyncio.Event()
        self.leave = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, _request: Any, _call: Call) -> Any:
        self.entered.set()
        try:
            await self.leave.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return self._kit.pb2.ProbeResponse(text="done")


async def health_of(channel: grpc.aio.Channel, name: str) -> int:
    stub = health_pb2_grpc.HealthStub(channel)
    return int((await stub.Check(health_pb2.HealthCheckRequest(service=name))).status)


async def until_health(channel: grpc.aio.Channel, name: str, wanted: int) -> None:
    """Waits on the health service's own stream, so without sleeping."""
    watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=name))
    try:
        async for answer in watch:
            if answer.status == wanted:
                return
    finally:
        watch.cancel()


async def test_health_by_every_name(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    for name in ("", "readiness", "liveness", SERVICE):
        assert await health_of(served.channel, name) == SERVING
    error = await refused(health_of(served.channel, "tierlink.unheard.of"))
    assert error.code() is grpc.StatusCode.NOT_FOUND


async def test_readiness_follows_the_probe_and_liveness_does_not(kit: ProbeKit) -> None:
    ready = False

    async def probe() -> bool:
        return ready

    served = await kit.serve([echo(kit)], settings=QUICK, readiness=probe)
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
            served = await kit.serve([echo(kit)], settings=QUICK, readiness=probe)
        assert await health_of(served.channel, "readiness") == NOT_SERVING
        assert [line["event"] for line in lines if line["log_level"] == "warning"] == ["not ready"]


async def test_readiness_comes_back_after_a_probe_that_raised(kit: ProbeKit) -> None:
    outcomes: list[BaseException | None] = [None, OSError("gone"), None]

    async def probe() -> bool:
        outcome = outcomes.pop(0) if len(outcomes) > 1 else outcomes[0]
        if outcome is not None:
            raise outcome
        return True

    served = await kit.serve([echo(kit)], settings=QUICK, readiness=probe)
    await until_health(served.channel, "readiness", SERVING)
    assert await served.probe(kit.request(), metadata=kit.metadata()) is not None


async def test_reflection_lists_and_describes_the_services(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    stub = reflection_pb2_grpc.ServerReflectionStub(served.channel)
    questions = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="tierlink_test.probe.v1.ProbeRequest"),
    ]
    listed, described = [answer async for answer in stub.ServerReflectionInfo(iter(questions))]
    names = {service.name for service in listed.list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
    assert b"ProbeRequest" in described.file_descriptor_response.file_descriptor_proto[0]


async def test_a_stop_lets_calls_finish_and_refuses_new_ones(kit: ProbeKit) -> None:
    gate = Gate(kit)
    served = await kit.serve([kit.unary(gate)])
    await until_health(served.channel, "readiness", SERVING)
    in_flight = asyncio.ensure_future(served.probe(kit.request(), metadata=kit.metadata()))
    await gate.entered.wait()
    watch = health_pb2_grpc.HealthStub(served.channel).Watch(
        health_pb2.HealthCheckRequest(service="readiness")
    )
    answers = aiter(watch)
    assert (await anext(answers)).status == SERVING
    stopping = asyncio.ensure_future(served.server.stop())
    assert (await anext(answers)).status == NOT_SERVING
    late = kit.connect(served.server.address)
    error = await refused(
        late.unary_unary(f"/{SERVICE}/Probe")(kit.request().SerializeToString(), metadata=kit.metadata())
    )
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert not in_flight.done()
    assert not stopping.done()
    gate.leave.set()
    assert (await in_flight).text == "done"
    await stopping
    assert not gate.cancelled.is_set()
    assert served.server.is_ready is False


async def test_a_watcher_of_health_does_not_hold_the_server(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)], settings=RpcSettings(drain_timeout_s=200))
    watch = health_pb2_grpc.HealthStub(served.channel).Watch(health_pb2.HealthCheckRequest(service=""))
    answers = aiter(watch)
    await anext(answers)
    async with asyncio.timeout(20):
        await served.server.stop()


async def test_a_call_that_outlasts_the_drain_is_cancelled_and_cleans_up(kit: ProbeKit) -> None:
    gate = Gate(kit)
    served = await kit.serve([kit.unary(gate)], settings=RpcSettings(drain_timeout_s=0.05))
    in_flight = asyncio.ensure_future(served.probe(kit.request(), metadata=kit.metadata()))
    await gate.entered.wait()
    with structlog.testing.capture_logs() as lines:
        await served.server.stop()
    assert gate.cancelled.is_set(), "stop returned before the handler was told"
    assert (await refused(in_flight)).code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    assert [line["cancelled"] for line in lines if line["event"] == "stopped"] == [{"calls": 1, "streams": 0}]


async def test_a_second_request_to_stop_cuts_the_drain_short(kit: ProbeKit) -> None:
    gate = Gate(kit)
    served = await kit.serve([kit.unary(gate)], settings=RpcSettings(drain_timeout_s=200))
    in_flight = asyncio.ensure_future(served.probe(kit.request(), metadata=kit.metadata()))
    await gate.entered.wait()
    hurry = asyncio.Event()
    stopping = asyncio.ensure_future(served.server.stop(hurry))
    hurry.set()
    async with asyncio.timeout(20):
        await stopping
    assert gate.cancelled.is_set()
    await asyncio.wait({in_flight})


async def test_a_stop_ends_open_streams_at_once(kit: ProbeKit) -> None:
    cleaned_up = asyncio.Event()

    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        try:
            yield kit.pb2.ProbeResponse(number=1)
            await asyncio.Event().wait()
        finally:
            cleaned_up.set()

    served = await kit.serve([kit.stream(handler)], settings=RpcSettings(drain_timeout_s=200))
    call = served.watch(kit.request(), metadata=kit.metadata())
    messages = aiter(call)
    assert (await anext(messages)).number == 1

    async def rest() -> list[Any]:
        return [message async for message in messages]

    async with asyncio.timeout(20):
        _, error = await asyncio.gather(served.server.stop(), refused(rest()))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert details_of(error)["RetryInfo"]
    assert cleaned_up.is_set()
    assert kit.count("Watch", "UNAVAILABLE") == 1


async def test_a_busy_stream_ends_between_two_messages(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        number = 0
        while True:
            number += 1
            yield kit.pb2.ProbeResponse(number=number)

    served = await kit.serve([kit.stream(handler)], settings=RpcSettings(drain_timeout_s=200))
    call = served.watch(kit.request(), metadata=kit.metadata())
    messages = aiter(call)
    await anext(messages)

    async def rest() -> list[int]:
        numbers.extend([message.number async for message in messages])
        return numbers

    numbers: list[int] = []
    async with asyncio.timeout(20):
        _, error = await asyncio.gather(served.server.stop(), refused(rest()))
    assert error.code() is grpc.StatusCode.UNAVAILABLE


async def test_stop_is_idempotent_and_harmless_before_start(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    await served.server.stop()
    await served.server.stop()
    never = RpcServer(RpcSettings(), handlers=[], admission=served.admission, readiness=_ready)
    await never.stop()
    assert never.port == 0


async def _ready() -> bool:
    return True


async def test_serve_until_stopped(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    server = RpcServer(RpcSettings(), handlers=[], admission=served.admission, readiness=_ready)
    signals = StopSignals()
    serving = asyncio.ensure_future(server.serve_until_stopped(signals))
    signals.ask()
    async with asyncio.timeout(20):
        await serving
    assert server.is_ready is False


async def test_signals_ask_once_then_hurry() -> None:
    signals = StopSignals()
    signals.ask()
    assert signals.stop.is_set() and not signals.hurry.is_set()
    signals.ask()
    assert signals.hurry.is_set()


async def test_a_taken_port_is_a_clear_error(kit: ProbeKit) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RpcServerError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            await kit.serve([echo(kit)], settings=RpcSettings(port=port))


async def test_a_second_server_on_the_port_fails_unless_both_share_it(kit: ProbeKit) -> None:
    first = await kit.serve([echo(kit)])
    with pytest.raises(RpcServerError):
        await kit.serve([echo(kit)], settings=RpcSettings(port=first.server.port))
    with pytest.raises(RpcServerError):
        await kit.serve([echo(kit)], settings=RpcSettings(port=first.server.port, reuse_port=True))


async def test_the_bound_port_is_told(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    assert served.server.port > 0
    assert served.server.address == f"127.0.0.1:{served.server.port}"


async def test_a_message_over_the_bound_is_refused(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)], settings=RpcSettings(message_bytes_max=1000))
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
        await kit.serve([echo(kit)], settings=settings)
