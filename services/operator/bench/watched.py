"""A watch stream of a service, followed for as long as it is measured."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc

from services.operator.rpc.methods import rpc_methods


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """A stream that somebody has open."""

    method: str
    channel: grpc.aio.Channel
    token: str
    told: Callable[[Any], None]

    async def follow(self) -> None:
        """Goes on where it was when the stream is ended for a reader that fell behind.

        Returns when the service ends it, which no service does. Raises grpc.aio.AioRpcError.
        """
        method = rpc_methods()[self.method]
        invoke: Any = self.channel.unary_stream(method.path)
        request: Any = method.request_type()
        metadata = (("authorization", f"Bearer {self.token}"),)
        while True:
            try:
                async for data in invoke(request.SerializeToString(), metadata=metadata):
                    response: Any = method.response_type.FromString(data)
                    request.resume_token = response.resume_token or request.resume_token
                    self.told(response)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
            else:
                return
