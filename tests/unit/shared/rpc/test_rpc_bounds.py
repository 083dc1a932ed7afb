"""Bounds on calls, and calls that end otherwise than by an answer."""

import asyncio
from typing import Any

import grpc
import pytest
import structlog

from services.shared.rpc.call import Call
from tests.unit.shared.rpc.rpc_probe import ProbeKit, details_of, refused


async def test_calls_over_the_bound_are_refused_and_the_place_is_given_back(kit: ProbeKit) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _call: Call) -> Any:
        entered.set()
        await leave.wait()
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)], calls_max=1)
    first = served.probe(kit.request(), metadata=kit.metadata())
    first_answer = asyncio.ensure_future(first)
    await entered.wait()
    error = await refused(served.probe(kit.request(), metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error)["RetryInfo"][0].retry_delay.ToMilliseconds() > 0
    leave.set()
    await first_answer
    await served.admission.wait_until_idle()
    assert await served.probe(kit.request(), metadata=kit.metadata()) is not None


async def test_a_refused_call_gives_its_place_back(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()], calls_max=1)
    for _ in range(3):
        error = await refused(served.probe(kit.request()))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        await served.admission.wait_until_idle()


async def test_overload_is_logged_once_in_a_while(kit: ProbeKit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.shared.rpc.call_frame._OVERLOAD_LINE_S", 3600.0)
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _call: Call) -> Any:
        entered.set()
        await leave.wait()
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)], calls_max=1)
    first = asyncio.ensure_future(served.probe(kit.request(), metadata=kit.metadata()))
    await entered.wait()
    with structlog.testing.capture_logs() as lines:
        calls = [refused(served.probe(kit.request(), metadata=kit.metadata())) for _ in range(30)]
        await asyncio.gather(*calls)
    assert len([line for line in lines if line["log_level"] == "info"]) == 1
    assert kit.count("Probe", "RESOURCE_EXHAUSTED") == 30
    leave.set()
    await first


async def test_a_caller_that_leaves_cancels_its_handler(kit: ProbeKit) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _call: Call) -> Any:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    served = await kit.serve([kit.unary(handler)])
    call = served.probe(kit.request(), metadata=kit.metadata())
    waiting = asyncio.ensure_future(call)
    await entered.wait()
    call.cancel()
    await cancelled.wait()
    await asyncio.wait({waiting})
    await served.admission.wait_until_idle()
    assert kit.count("Probe", "CANCELLED") == 1


async def test_an_inner_cancellation_is_answered_as_unknown_outcome(kit: ProbeKit) -> None:
    """grpc.aio would send nothing at all, and the caller would wait for ever."""

    async def handler(_request: Any, _call: Call) -> Any:
        commit: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        commit.cancel()
        await commit

    served = await kit.serve([kit.unary(handler)])
    error = await refused(served.probe(kit.request(), metadata=kit.metadata(), timeout=20))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert details_of(error)["RetryInfo"]
