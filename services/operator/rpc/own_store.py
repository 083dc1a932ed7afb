"""RPCs that every process serves for its own store: their names alone do not say whom to ask."""

from typing import Any

from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message import Message

from services.operator.rpc.calling import Caller
from services.operator.rpc.methods import rpc_method


class OwnStore:
    """What one service (`referral`, `bed` or `notification`) serves of such RPCs, asked with one token."""

    def __init__(self, caller: Caller, descriptor: ServiceDescriptor, service: str, token: str) -> None:
        self._caller = caller
        self._descriptor = descriptor
        self._service = service
        self._token = token

    async def call(self, name: str, request: Message) -> Any:
        """The answer to an RPC of the descriptor. Raises CallFailed."""
        rpc = rpc_method(self._descriptor.methods_by_name[name], service=self._service)
        return (await self._caller.call(rpc, request, self._token)).message
