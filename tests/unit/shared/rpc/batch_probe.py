"""Batches of probes, and what became of their items."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import grpc
from google.rpc import error_details_pb2

from services.shared.rpc.call import Call
from tests.unit.shared.rpc.rpc_probe import ProbeKit

Code = grpc.StatusCode
Handler = Callable[[Any, Call], Awaitable[Any]]


async def serve(kit: ProbeKit, handler: Handler, **options: Any) -> SimpleNamespace:
    return await kit.serve([kit.unary(handler), kit.batch()], **options)


def request(kit: ProbeKit, *texts: str, brief: bool = False) -> Any:
    """A batch of probes with these texts."""
    items = [kit.pb2.ProbeItem(probe=kit.request(text=text, count=n)) for n, text in enumerate(texts)]
    return kit.pb2.ProbesRequest(items=items, brief=brief)


async def sent(kit: ProbeKit, served: SimpleNamespace, batch: Any, **options: Any) -> list[Any]:
    response = await served.probes(batch, metadata=kit.metadata(), **options)
    return list(response.results)


def said(result: Any) -> Any:
    """The text of a reply, or the code of a refusal."""
    if result.WhichOneof("outcome") == "status":
        return next(code for code in Code if code.value[0] == result.status.code)
    return result.probe.text


def detail(result: Any, kind: type[Any]) -> Any:
    for packed in result.status.details:
        if packed.Is(kind.DESCRIPTOR):
            found = kind()
            packed.Unpack(found)
            return found
    raise AssertionError(f"no {kind.__name__} in {result.status}")


def fields(result: Any) -> list[str]:
    violations = detail(result, error_details_pb2.BadRequest).field_violations
    return [violation.field for violation in violations]


def echo(kit: ProbeKit) -> Handler:
    async def handler(asked: Any, _call: Call) -> Any:
        return kit.pb2.ProbeResponse(text=asked.text, number=asked.count)

    return handler
