"""How a server stops: what finishes, what is refused, what is cut off."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import grpc
import structlog
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.shared.rpc.call import Call
from services.shared.rpc.server import RpcServer, RpcSettings
from services.shared.rpc.stop_signals import StopSignals
from tests.unit.shared.rpc.rpc_probe import (
    NOT_SERVING,
    SERVICE,
    SERVING,
    ProbeKit,
    always_ready,
    details_of,
    refused,
    until_health,
)


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
            # Cleaning up takes its time, as a rollback does.
            for _ in range(100):
                await asyncio.sleep(0)
            self.cancelled.set()
            raise
        return self._kit.pb2.ProbeResponse(text="done")


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
    served = await kit.serve([kit.echo()], settings=RpcSettings(drain_timeout_s=200))
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
    assert gate.cancelled.is_set(), "stop returned before the handler had cleaned up"
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
    served = await kit.serve([kit.echo()])
    await served.server.stop()
    await served.server.stop()
    never = RpcServer(RpcSettings(), handlers=[], admission=served.admission, readiness=always_ready)
    await never.stop()
    assert never.port == 0


async def test_serve_until_stopped(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
    server = RpcServer(RpcSettings(), handlers=[], admission=served.admission, readiness=always_ready)
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
