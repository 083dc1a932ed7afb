"""The bare server: grpc.aio with the messages of the contract, and nothing else."""

from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.message import Message

from services.embedded.ports import LOOPBACK
from services.operator.rpc.methods import rpc_methods


class _Methods(grpc.GenericRpcHandler):
    """Answers each method with the message that it is given for it, whatever it is asked."""

    def __init__(self, replies: Mapping[str, bytes]) -> None:
        self._handlers = {path: _echo(path, reply) for path, reply in replies.items()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self._handlers.get(handler_call_details.method)


class EchoServer:
    """A server on a free port. `replies` are as large as the service's own, by path."""

    def __init__(self, replies: Mapping[str, bytes]) -> None:
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_Methods(replies),))
        self.address = f"{LOOPBACK}:{self._server.add_insecure_port(f'{LOOPBACK}:0')}"

    async def start(self) -> None:
        await self._server.start()

    async def close(self) -> None:
        await self._server.stop(None)


def _echo(path: str, reply: bytes) -> Any:
    method = rpc_methods()[path.rpartition("/")[2]]
    response = method.response_type.FromString(reply)

    async def answer(_request: Message, _context: Any) -> Message:
        return response

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=method.request_type.FromString,
        response_serializer=method.response_type.SerializeToString,
    )
