"""Asks a service how it is: its health, which anybody may know, and its status, which operators may."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from services.operator.doctor.service_lines import ServiceAnswer
from services.shared.rpc.channels import Addresses, Channels
from tierlink.operations.v1 import status_service_pb2 as pb

_ANSWER_S = 5.0
_HEALTH = "/grpc.health.v1.Health/Check"
_STATUS = "/tierlink.operations.v1.StatusService/GetStatus"
_REFUSALS = frozenset(
    {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNIMPLEMENTED}
)


async def ask_service(channels: Channels, addresses: Addresses, service: str, token: str) -> ServiceAnswer:
    """Everything that the service tells, each question with a bound of its own. Raises nothing."""
    channel = channels.of(service)
    liveness, readiness = await asyncio.gather(_health(channel, "liveness"), _health(channel, "readiness"))
    status, failure, is_refused = None, "", False
    asked_at = datetime.now(UTC)
    try:
        status = await _ask(channel, _STATUS, pb.GetStatusRequest(), pb.GetStatusResponse, token=token)
    except grpc.aio.AioRpcError as error:
        failure = f"{error.code().name}: {error.details()}"
        is_refused = error.code() in _REFUSALS
    return ServiceAnswer(
        service=service,
        address=addresses.of(service),
        liveness=liveness,
        readiness=readiness,
        status=status,
        failure=failure,
        is_refused=is_refused,
        asked_at=asked_at,
        answered_at=datetime.now(UTC),
    )


async def _health(channel: grpc.aio.Channel, name: str) -> str:
    """Such as SERVING; empty when nobody answers."""
    request = health_pb2.HealthCheckRequest(service=name)
    try:
        answer = await _ask(channel, _HEALTH, request, health_pb2.HealthCheckResponse)
    except grpc.aio.AioRpcError:
        return ""
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


async def _ask(channel: grpc.aio.Channel, path: str, request: Any, response: Any, *, token: str = "") -> Any:
    invoke = channel.unary_unary(
        path, request_serializer=type(request).SerializeToString, response_deserializer=response.FromString
    )
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    return await invoke(request, metadata=metadata, timeout=_ANSWER_S)
