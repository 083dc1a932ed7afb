"""A grpc.aio server with nothing around it: what every baseline is served by."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import grpc

from services.embedded.ports import LOOPBACK

Answer = Callable[[bytes, Any], Awaitable[bytes]]


class _Methods(grpc.GenericRpcHandler):
    """Serves unary methods by their paths, with bytes in and out."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._handlers: dict[str, Any] = {
            path: grpc.unary_unary_rpc_method_handler(each) for path, each in answers.items()
        }

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return self._handlers.get(handler_call_details.method)


class BareServer:
    """A server on a free port."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers((_Methods(answers),))
        self.address = f"{LOOPBACK}:{self._server.add_insecure_port(f'{LOOPBACK}:0')}"

    async def start(self) -> None:
        await self._server.start()

    async def close(self) -> None:
        await self._server.stop(None)


def echo_answers(replies: Mapping[str, bytes]) -> dict[str, Answer]:
    """A handler for each path that answers with the given bytes, whatever it is asked."""
    return {path: _echo(reply) for path, reply in replies.items()}


def _echo(reply: bytes) -> Answer:
    async def answer(_request: bytes, _context: Any) -> bytes:
        return reply

    return answer
