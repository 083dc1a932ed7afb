"""Calls of the services on behalf of people: credentials, patience, and what a refusal means."""

from collections.abc import Awaitable
from typing import Any

import grpc

from services.board.application.platform import PlatformRefused, Refusal
from services.shared.telemetry.handing_on import handed_on

#: What a person waits for an answer.
CALL_TIMEOUT_S = 5.0
_REFUSALS = {
    grpc.StatusCode.INVALID_ARGUMENT: Refusal.INVALID,
    grpc.StatusCode.UNAUTHENTICATED: Refusal.UNAUTHENTICATED,
    grpc.StatusCode.PERMISSION_DENIED: Refusal.NOT_PERMITTED,
    grpc.StatusCode.NOT_FOUND: Refusal.NOT_FOUND,
    grpc.StatusCode.ALREADY_EXISTS: Refusal.CONFLICT,
    grpc.StatusCode.ABORTED: Refusal.CONFLICT,
    grpc.StatusCode.FAILED_PRECONDITION: Refusal.CONFLICT,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Refusal.AWAY,
    grpc.StatusCode.UNAVAILABLE: Refusal.AWAY,
    grpc.StatusCode.DEADLINE_EXCEEDED: Refusal.AWAY,
}


def metadata_of(token: str) -> tuple[tuple[str, str], ...]:
    """The credentials of a person, and the trace that the call belongs to, where the board records any."""
    credentials = ("authorization", f"Bearer {token}")
    traceparent = handed_on()
    return (credentials, ("traceparent", traceparent)) if traceparent else (credentials,)


def call_options(token: str) -> dict[str, Any]:
    """Credentials and patience of a call."""
    return {"metadata": metadata_of(token), "timeout": CALL_TIMEOUT_S}


async def answer_of(call: Awaitable[Any]) -> Any:
    """Raises PlatformRefused."""
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise PlatformRefused(_REFUSALS.get(error.code(), Refusal.FAULT)) from error
