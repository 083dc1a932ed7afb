"""One hospital's client: sends a command until its outcome is known, to whichever instance answers."""

import asyncio
import time
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.message import Message

from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import TokenBook
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor
from tests.faults.history import OK, UNKNOWN, Call, History

#: Said by a server that did nothing, or that cannot tell: the same request id settles it.
_OPEN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,
}
_PAUSE_S = 0.1
_ATTEMPT_S = 4.0


class Lines:
    """Channels to the instances of each service."""

    def __init__(self, addresses: dict[str, tuple[str, ...]]) -> None:
        options = [("grpc.max_reconnect_backoff_ms", 300), ("grpc.use_local_subchannel_pool", 1)]
        self._channels = {
            service: [grpc.aio.insecure_channel(address, options=options) for address in found]
            for service, found in addresses.items()
        }

    def any_of(self, service: str, random: Random) -> grpc.aio.Channel:
        return random.choice(self._channels[service])

    async def close(self) -> None:
        for channels in self._channels.values():
            for channel in channels:
                await channel.close()


class Client:
    """Whoever acts in a hospital. What it draws comes from its seed; what it saw goes into the history."""

    def __init__(
        self, seed: str, lines: Lines, tokens: TokenBook, history: History, *, patience_s: float = 40.0
    ) -> None:
        self.random = Random(seed)
        self._lines = lines
        self._tokens = tokens
        self._history = history
        self._patience_s = patience_s

    def new_id(self) -> str:
        return str(UUID(int=self.random.getrandbits(128), version=4))

    async def command(self, method: str, by: Actor, **fields: Any) -> Any:
        """The reply; None when it was refused, or given up."""
        rpc = rpc_methods()[method]
        request_id = self.new_id()
        request = build_message(rpc.request, {"request_id": request_id, **fields})
        return await self._sent(method, by, request_id, request)

    async def ask(self, method: str, by: Actor, **fields: Any) -> Any:
        """The answer to a question, which nobody keeps; None when nobody answers."""
        rpc = rpc_methods()[method]
        request = build_message(rpc.request, fields).SerializeToString()
        try:
            data = await self._invoke(method, by, request)
        except grpc.aio.AioRpcError:
            return None
        return rpc.response_type.FromString(data)

    async def _sent(self, method: str, by: Actor, request_id: str, request: Message) -> Any:
        rpc = rpc_methods()[method]
        data = request.SerializeToString(deterministic=True)
        begun_at, until_s, attempts = datetime.now(UTC), time.monotonic() + self._patience_s, 0
        outcome, detail, reply = UNKNOWN, "", b""
        while time.monotonic() < until_s:
            attempts += 1
            try:
                reply, outcome = await self._invoke(method, by, data), OK
            except grpc.aio.AioRpcError as error:
                if error.code() in _OPEN:
                    await asyncio.sleep(_PAUSE_S)
                    continue
                outcome, detail = error.code().name, error.details() or ""
            break
        answer: Any = rpc.response_type.FromString(reply) if outcome == OK else None
        name, version = _resource_in(answer)
        self._history.calls.append(
            Call(
                service=rpc.service,
                method=method,
                request_id=request_id,
                request=data,
                begun_at=begun_at,
                ended_at=datetime.now(UTC),
                outcome=outcome,
                detail=detail,
                reply=reply,
                name=name,
                version=version,
                attempts=attempts,
                who=by.user,
            )
        )
        return answer

    async def _invoke(self, method: str, by: Actor, data: bytes) -> bytes:
        rpc = rpc_methods()[method]
        invoke: Any = self._lines.any_of(rpc.service, self.random).unary_unary(rpc.path)
        metadata = (("authorization", f"Bearer {self._tokens.token(by)}"),)
        reply: bytes = await invoke(data, metadata=metadata, timeout=_ATTEMPT_S)
        return reply


def _resource_in(answer: Any) -> tuple[str, int]:
    """The name and version of the resource that a command answers with."""
    if answer is None:
        return "", 0
    for field, value in answer.ListFields():
        known = field.message_type.fields_by_name if field.message_type is not None else {}
        if "version" in known and ("name" in known or "id" in known) and not field.is_repeated:
            named = "name" in known and known["name"].message_type is None
            return str(value.name if named else value.id), int(value.version)
    return "", 0
