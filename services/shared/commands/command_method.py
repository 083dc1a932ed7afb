"""Declares the RPC of a command: the request's fields are the command's, by name."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any, TypeVar

from google.protobuf.message import Message

from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Reply, UseCase
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FieldViolation, InvalidInput
from services.shared.protocodec import MessageCodec
from services.shared.protocodec.shapes import timestamp_to_datetime
from services.shared.rpc.call import Call, CarriedOut
from services.shared.rpc.method import UnaryMethod

CommandT = TypeVar("CommandT")
StateT = TypeVar("StateT")

#: Clocks of hospitals differ; what lies further ahead than this is a mistake.
CLOCK_TOLERANCE = timedelta(minutes=5)


def command_context(request: Any, call: Call) -> CommandContext:
    """The context of a command from its request and its call.

    Raises InvalidInput when `occurred_at` lies ahead of receipt by more than the tolerance, or is no time.
    """
    occurred_at = call.received_at
    if request.HasField("occurred_at"):
        try:
            occurred_at = timestamp_to_datetime(request.occurred_at)
        except OverflowError as error:
            raise _bad_time("TIMESTAMP_RANGE", "is not a moment of this era") from error
        if occurred_at > call.received_at + CLOCK_TOLERANCE:
            raise _bad_time("IN_FUTURE", "lies in the future")
    return CommandContext(
        request_id=str(request.request_id).lower(),
        actor=call.actor,
        occurred_at=occurred_at,
        recorded_at=call.received_at,
        expected_version=request.expected_version if request.HasField("expected_version") else None,
        traceparent=call.traceparent,
    )


def _bad_time(reason: str, description: str) -> InvalidInput:
    return InvalidInput(FieldViolation(field="occurred_at", reason=reason, description=description))


def request_digest(request: Message, call: Call) -> bytes:
    """What a request id stands for: the method, the caller and every byte of the request."""
    caller = f"{call.method}\x1f{call.actor.user}\x1f{call.actor.facility}\x1f".encode()
    return sha256(caller + request.SerializeToString(deterministic=True)).digest()


def command_method(
    *,
    name: str,
    request_type: type[Message],
    response_type: type[Message],
    command_type: type[CommandT],
    kind: AggregateKind[StateT, Any],
    runner: CommandRunner,
    target: Callable[[Any, CommandContext], str],
    use_case: Callable[[CommandT, str], UseCase[StateT]],
    render: Callable[[Reply[StateT]], Any],
) -> UnaryMethod[Any, Any]:
    """The RPC `name`, answered with the aggregate of `kind` after the command.

    `target` names the aggregate that the request is addressed to; `use_case` gets the command and that name.
    Raises CodecMismatch when the request lacks a field of the command.
    """
    codec: MessageCodec[CommandT, Any] = MessageCodec(command_type, request_type)

    async def handle(request: Any, call: Call) -> Any:
        context = command_context(request, call)
        command = codec.from_message(request)
        stream_id = target(request, context)
        reply = await runner.run(
            use_case(command, stream_id),
            context,
            kind=kind,
            target=stream_id,
            digest=request_digest(request, call),
        )
        if call.is_brief:
            return CarriedOut(name=reply.stream_id, version=reply.version)
        return render(reply)

    return UnaryMethod(name=name, request_type=request_type, response_type=response_type, handler=handle)
