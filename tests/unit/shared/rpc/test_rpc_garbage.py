"""What is left of a call when it is over: nothing of ours that only the collector of cycles could free.

While that one looks at what piled up, everybody waits.
"""

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc

from services.shared.kernel.refusals import NotFound, Refused
from services.shared.rpc.call import Call
from services.shared.rpc.method import UnaryMethod
from tests.unit.shared.rpc.rpc_probe import ProbeKit

_CALLS = 20


async def test_a_refused_call_leaves_no_frames_to_the_collector(kit: ProbeKit) -> None:
    served = await kit.serve([_refusing(kit)])
    await _ask(served, kit)
    with _garbage() as found:
        for _ in range(_CALLS):
            await _ask(served, kit)
    assert not {name: number for name, number in found.items() if number > _CALLS // 2}


async def test_an_answered_call_leaves_no_context_to_the_collector(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
    await served.probe(kit.request(), metadata=kit.metadata())
    with _garbage() as found:
        for _ in range(_CALLS):
            await served.probe(kit.request(), metadata=kit.metadata())
    assert not {name: number for name, number in found.items() if number > _CALLS // 2}


def _refusing(kit: ProbeKit) -> UnaryMethod[Any, Any]:
    async def keep() -> None:
        # As whoever decides again after a refusal: its frame holds the exception that holds the frame.
        try:
            raise NotFound("referral", "referrals/none")
        except Refused as refusal:
            kept = refusal
        raise kept

    async def handler(_request: Any, _call: Call) -> Any:
        try:
            await keep()
        except Refused as refusal:
            raise NotFound("referral", "referrals/other") from refusal

    return kit.unary(handler)


async def _ask(served: Any, kit: ProbeKit) -> None:
    try:
        await served.probe(kit.request(), metadata=kit.metadata())
    except grpc.aio.AioRpcError as error:
        assert error.code() is grpc.StatusCode.NOT_FOUND
        return
    raise AssertionError("it was answered")


@contextmanager
def _garbage() -> Iterator[Counter[str]]:
    """The server's frames by function, and its contexts, that were unreachable only for the collector."""
    found: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        yield found
        gc.collect()
    finally:
        gc.set_debug(0)
        gc.enable()
    for thing in gc.garbage:
        kind = type(thing).__name__
        if kind == "_ServicerContext":
            found[kind] += 1
        elif kind == "frame" and ("/services/" in thing.f_code.co_filename or "keep" in thing.f_code.co_name):
            found[thing.f_code.co_qualname] += 1
    gc.garbage.clear()
