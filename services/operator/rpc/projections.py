"""Asks the referral service for its read models, and has them made anew."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
from google.protobuf.message import Message

from services.operator.rpc.calling import Caller
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.methods import RpcMethod
from tierlink.projection.v1 import projection_service_pb2 as pb

#: The only one with tables of its own beside its store.
_SERVED_BY = "referral"
_SERVICE = pb.DESCRIPTOR.services_by_name["ProjectionService"]


class Projections:
    """The read models of a service. Everything raises CallFailed."""

    def __init__(self, caller: Caller, token: str) -> None:
        self._caller = caller
        self._token = token

    async def all(self) -> list[pb.Projection]:
        """By name."""
        found = await self._call("ListProjections", pb.ListProjectionsRequest())
        return list(found.projections)

    async def begin(self, projection: str, source: str, *, reason: str) -> int:
        """Begins another one beside the one that serves; its number."""
        request = pb.BeginRebuildRequest(
            request_id=str(uuid4()),
            projection=projection,
            source=f"PROJECTION_SOURCE_{source}",  # type: ignore[arg-type]
            reason=reason,
        )
        return int((await self._call("BeginRebuild", request)).number)

    def run(self, projection: str) -> AsyncIterator[pb.RunRebuildResponse]:
        """Goes on with it; the last message is complete."""
        return self._stream("RunRebuild", pb.RunRebuildRequest(projection=projection), pb.RunRebuildResponse)

    def compare(self, projection: str) -> AsyncIterator[pb.CompareProjectionResponse]:
        """What is not as in the one that serves; the last message is complete."""
        request = pb.CompareProjectionRequest(projection=projection)
        return self._stream("CompareProjection", request, pb.CompareProjectionResponse)

    async def swap(self, projection: str, *, reason: str) -> pb.SwapProjectionResponse:
        """Has the one that was made serve."""
        request = pb.SwapProjectionRequest(request_id=str(uuid4()), projection=projection, reason=reason)
        return await self._call("SwapProjection", request)  # type: ignore[no-any-return]

    async def drop(self, projection: str, number: int, *, reason: str) -> None:
        """Gives one up that does not serve."""
        request = pb.DropProjectionRequest(
            request_id=str(uuid4()), projection=projection, number=number, reason=reason
        )
        await self._call("DropProjection", request)

    async def _call(self, name: str, request: Message) -> Any:
        return (await self._caller.call(_method(name), request, self._token)).message

    async def _stream(self, name: str, request: Message, response: type[Any]) -> AsyncIterator[Any]:
        method = _method(name)
        try:
            async for data in self._caller.stream(method.path, _SERVED_BY, request, self._token):
                yield response.FromString(data)
        except grpc.aio.AioRpcError as error:
            raise CallFailed(name, error, 1) from error


def _method(name: str) -> RpcMethod:
    method = _SERVICE.methods_by_name[name]
    return RpcMethod(
        name=name,
        path=f"/{_SERVICE.full_name}/{name}",
        service=_SERVED_BY,
        request=method.input_type,
        response=method.output_type,
        is_stream=bool(method.server_streaming),
    )
