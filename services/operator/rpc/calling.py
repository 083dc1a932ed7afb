"""Calls as a good client makes them: a bounded wait, and the same request again when nobody answered."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.message import Message

from services.operator.rpc.failures import RETRIED, CallFailed, retry_delay_s
from services.operator.rpc.methods import RpcMethod
from services.shared.rpc.channels import Channels

_BACKOFF_FIRST_S = 0.05
_BACKOFF_MAX_S = 1.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Patience:
    """How long a call is tried."""

    #: one attempt
    attempt_s: float = 10.0
    #: all of them
    total_s: float = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """The answer to a call, and what it took."""

    message: Message
    attempts: int
    #: monotonic, when the first attempt was sent
    sent_at_s: float
    latency_ms: float


class Caller:
    """Calls RPCs with a person's token. Retries with the same bytes, so with the same request id."""

    def __init__(
        self,
        channels: Channels,
        *,
        patience: Patience | None = None,
        on_retry: Callable[[str, str], None] | None = None,
    ) -> None:
        """`on_retry` is told the method and the status of each attempt that is made again."""
        self._channels = channels
        self._patience = patience or Patience()
        self._on_retry = on_retry or (lambda method, status: None)

    async def call(self, method: RpcMethod, request: Message, token: str) -> Answer:
        """One unary call. Raises CallFailed when it is refused, or nobody answers within the patience."""
        invoke: Any = self._channels.of(method.service).unary_unary(
            method.path,
            request_serializer=type(request).SerializeToString,
            response_deserializer=method.response_type.FromString,
        )
        sent_at_s = time.monotonic()
        deadline_s = sent_at_s + self._patience.total_s
        backoff = _Backoff()
        attempts = 0
        while True:
            attempts += 1
            left_s = max(0.1, deadline_s - time.monotonic())
            try:
                message = await invoke(
                    request,
                    metadata=_metadata(token),
                    timeout=min(self._patience.attempt_s, left_s),
                )
            except grpc.aio.AioRpcError as error:
                delay_s = backoff.next_s(retry_delay_s(error))
                failed = CallFailed(method.name, error, attempts)
                is_over = failed.is_disk_full or time.monotonic() + delay_s > deadline_s
                if error.code() not in RETRIED or is_over:
                    raise failed from error
                self._on_retry(method.name, error.code().name)
                await asyncio.sleep(delay_s)
            else:
                latency_ms = (time.monotonic() - sent_at_s) * 1000
                return Answer(message=message, attempts=attempts, sent_at_s=sent_at_s, latency_ms=latency_ms)

    async def stream(self, path: str, service: str, request: Message, token: str) -> AsyncIterator[bytes]:
        """The messages of one stream as bytes, until it ends. Raises grpc.aio.AioRpcError."""
        invoke: Any = self._channels.of(service).unary_stream(
            path, request_serializer=type(request).SerializeToString
        )
        call = invoke(request, metadata=_metadata(token))
        try:
            async for data in call:
                yield data
        finally:
            call.cancel()


class _Backoff:
    def __init__(self) -> None:
        self._next_s = _BACKOFF_FIRST_S

    def next_s(self, asked_s: float | None) -> float:
        """The next wait. What a server asks for counts within our own bound: a demo is waiting."""
        wait_s = max(self._next_s, min(asked_s or 0.0, _BACKOFF_MAX_S))
        self._next_s = min(self._next_s * 2, _BACKOFF_MAX_S)
        return wait_s * random.uniform(0.75, 1.0)


def _metadata(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)
