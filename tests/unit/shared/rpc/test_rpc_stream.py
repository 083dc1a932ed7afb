"""Streams: what a handler yields, and each way in which one ends."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
import structlog

from services.shared.kernel.refusals import NotFound
from services.shared.rpc.call import Call, RpcRuntime
from services.shared.rpc.method import service_handler
from tests.unit.shared.rpc.rpc_probe import CLINICIAN, SERVICE, ProbeKit, details_of, refused


async def collect(call: Any, messages: list[Any] | None = None) -> list[Any]:
    messages = [] if messages is None else messages
    async for message in call:
        messages.append(message)
    return messages


async def test_a_stream_sends_what_its_handler_yields(kit: ProbeKit) -> None:
    async def handler(request: Any, call: Call) -> AsyncGenerator[Any, None]:
        assert call.actor == CLINICIAN
        for number in range(request.count):
            yield kit.pb2.ProbeResponse(number=number)

    served = await kit.serve([kit.stream(handler)])
    messages = await collect(served.watch(kit.request(count=5), metadata=kit.metadata()))
    assert [message.number for message in messages] == [0, 1, 2, 3, 4]
    await served.admission.wait_until_idle()
    labels = {"method": f"{SERVICE}/Watch"}
    assert kit.registry.get_sample_value("tierlink_rpc_stream_messages_total", labels) == 5
    assert kit.count("Watch", "OK") == 1


async def test_a_stream_is_refused_like_a_call(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        raise NotFound("Referral", "referrals/1")
        yield

    served = await kit.serve([kit.stream(handler)])
    error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata())))
    assert (error.code(), details_of(error)["ResourceInfo"][0].resource_name) == (
        grpc.StatusCode.NOT_FOUND,
        "referrals/1",
    )
    assert (await refused(collect(served.watch(kit.request())))).code() is grpc.StatusCode.UNAUTHENTICATED
    invalid = await refused(collect(served.watch(kit.request(count=-1), metadata=kit.metadata())))
    assert invalid.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_stream_that_breaks_midway_hides_why(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        yield kit.pb2.ProbeResponse(number=1)
        raise RuntimeError("hunter2")

    served = await kit.serve([kit.stream(handler)])
    messages: list[Any] = []
    with structlog.testing.capture_logs() as lines:
        error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata()), messages))
    assert [message.number for message in messages] == [1]
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(error)
    assert any("hunter2" in str(line.get("exc_info")) for line in lines)


async def test_a_stream_that_yields_another_type_is_internal(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        yield None

    served = await kit.serve([kit.stream(handler)])
    error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata())))
    assert error.code() is grpc.StatusCode.INTERNAL


async def test_open_streams_are_bounded_and_measured(kit: ProbeKit) -> None:
    closed = asyncio.Event()

    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        try:
            yield kit.pb2.ProbeResponse(number=1)
            await asyncio.Event().wait()
        finally:
            closed.set()

    served = await kit.serve([kit.stream(handler)], streams_max=1)
    first = served.watch(kit.request(), metadata=kit.metadata())
    await first.read()
    labels = {"method": f"{SERVICE}/Watch"}
    assert kit.registry.get_sample_value("tierlink_rpc_open_streams", labels) == 1
    error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata())))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error)["RetryInfo"]
    first.cancel()
    await closed.wait()
    await served.admission.wait_until_idle()
    assert kit.registry.get_sample_value("tierlink_rpc_open_streams", labels) == 0
    assert kit.count("Watch", "CANCELLED") == 1
    again = served.watch(kit.request(), metadata=kit.metadata())
    assert (await again.read()).number == 1


async def test_a_stream_whose_first_message_is_given_up_still_ends(kit: ProbeKit) -> None:
    """grpc would send the headers twice, fail, and leave the reader waiting for ever."""

    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        yield kit.pb2.ProbeResponse(number=1)

    served = await kit.serve([kit.stream(handler)], slow_reader_s=0.0)
    async with asyncio.timeout(20):
        error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata())))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize("failing", ["send_initial_metadata", "write"])
async def test_a_reader_that_goes_during_a_write_is_no_error_of_ours(
    kit: ProbeKit, kit_runtime: RpcRuntime, failing: str
) -> None:
    """grpc's write fails before the cancellation is delivered; a double of its context does just that."""

    class Context:
        def invocation_metadata(self) -> tuple[()]:
            return ()

        def time_remaining(self) -> None:
            return None

        def add_done_callback(self, _callback: Any) -> None:
            pass

        async def send_initial_metadata(self, _metadata: Any) -> None:
            await self._sent("send_initial_metadata")

        async def write(self, _message: bytes) -> None:
            await self._sent("write")

        async def _sent(self, what: str) -> None:
            if what == failing:
                raise grpc.aio.InternalError("the transport is closed")

    closed = asyncio.Event()

    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        try:
            yield kit.pb2.ProbeResponse(number=1)
        finally:
            closed.set()

    method = dataclasses.replace(kit.stream(handler), public=True)
    service = service_handler(SERVICE, [method], kit_runtime)
    route = service.service(SimpleNamespace(method=f"/{SERVICE}/Watch", invocation_metadata=()))
    assert route is not None and route.unary_stream is not None
    with structlog.testing.capture_logs() as lines, pytest.raises(asyncio.CancelledError):
        await route.unary_stream(kit.request().SerializeToString(), Context())
    assert [line["log_level"] for line in lines] == ["debug"]
    assert closed.is_set() == (failing == "write")


async def test_a_reader_that_does_not_read_is_dropped(kit: ProbeKit) -> None:
    ended = asyncio.Event()

    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        try:
            while True:
                yield kit.pb2.ProbeResponse(filler=b"x" * 100_000)
        finally:
            ended.set()

    served = await kit.serve([kit.stream(handler)], slow_reader_s=0.05)
    call = served.watch(kit.request(), metadata=kit.metadata())
    messages = aiter(call)
    await anext(messages)
    await asyncio.wait_for(ended.wait(), 20)
    # The status waits behind what was sent: the reader finds it when it reads on.
    error = await refused(collect(messages))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error)["RetryInfo"]
    assert kit.count("Watch", "RESOURCE_EXHAUSTED") == 1
