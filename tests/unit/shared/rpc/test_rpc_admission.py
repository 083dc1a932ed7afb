"""The bounds and the drain, without a network."""

import asyncio

import pytest

from services.shared.kernel.refusals import DependencyDown, Overloaded
from services.shared.rpc.admission import Admission


@pytest.mark.parametrize(("calls_max", "streams_max"), [(0, 1), (1, 0), (-1, 1)])
async def test_bounds_must_be_positive(calls_max: int, streams_max: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Admission(calls_max=calls_max, streams_max=streams_max)


async def test_calls_and_streams_have_bounds_of_their_own() -> None:
    admission = Admission(calls_max=2, streams_max=1)
    admission.enter_call()
    admission.enter_call()
    slot = admission.open_stream()
    with pytest.raises(Overloaded):
        admission.enter_call()
    with pytest.raises(Overloaded):
        admission.open_stream()
    admission.leave_call()
    admission.enter_call()
    admission.close_stream(slot)
    assert (admission.calls, admission.streams) == (2, 0)


async def test_idle_means_neither_calls_nor_streams() -> None:
    admission = Admission(calls_max=2, streams_max=1)
    await admission.wait_until_idle()
    admission.enter_call()
    slot = admission.open_stream()
    waiting = asyncio.ensure_future(admission.wait_until_idle())
    admission.leave_call()
    await asyncio.sleep(0)
    assert not waiting.done()
    admission.close_stream(slot)
    await waiting


async def test_a_call_that_never_entered_is_a_mistake_that_shows() -> None:
    admission = Admission(calls_max=1, streams_max=1)
    with pytest.raises(AssertionError):
        admission.leave_call()


async def test_nothing_new_while_stopping() -> None:
    admission = Admission(calls_max=2, streams_max=1)
    admission.stop()
    assert admission.stopping
    with pytest.raises(DependencyDown):
        admission.enter_call()
    with pytest.raises(DependencyDown):
        admission.open_stream()


async def test_a_stop_interrupts_a_waiting_stream_only() -> None:
    admission = Admission(calls_max=1, streams_max=2)
    started, written = asyncio.Event(), asyncio.Event()

    async def waiting() -> str:
        slot = admission.open_stream()
        slot.begin_waiting()
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            with pytest.raises(DependencyDown):
                slot.explain_cancellation()
            return "ended by the stop"
        return "never"

    async def writing() -> str:
        slot = admission.open_stream()
        slot.begin_waiting()
        slot.end_waiting()
        await written.wait()
        with pytest.raises(DependencyDown):
            slot.begin_waiting()
        return "ended after its write"

    first, second = asyncio.ensure_future(waiting()), asyncio.ensure_future(writing())
    await started.wait()
    await asyncio.sleep(0)
    admission.stop()
    admission.stop()
    written.set()
    assert await asyncio.gather(first, second) == ["ended by the stop", "ended after its write"]


async def test_a_reader_that_left_in_the_moment_of_the_stop_stays_cancelled() -> None:
    admission = Admission(calls_max=1, streams_max=1)
    started = asyncio.Event()

    async def serve() -> None:
        slot = admission.open_stream()
        slot.begin_waiting()
        try:
            started.set()
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            slot.explain_cancellation()
            raise

    task = asyncio.ensure_future(serve())
    await started.wait()
    admission.stop()
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
