"""The messages of a batch: which field of an item has which command's request, and where its reply goes.

message SubmitBatchRequest { repeated BatchItem items = 1; bool brief = 2; }
message BatchItem { oneof command { AcceptReferralRequest accept_referral = 10; … } }
message SubmitBatchResponse { repeated BatchResult results = 1; }
message BatchResult { oneof outcome {
  google.rpc.Status status = 1; CarriedOut carried_out = 2; AcceptReferralResponse accept_referral = 10; … } }
message CarriedOut { string name = 1; int64 version = 2; }
"""

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.message import Message

from services.shared.rpc.call import CarriedOut
from services.shared.rpc.error_table import GrpcFailure
from services.shared.rpc.serving import UnaryServing

Serving = UnaryServing[Any, Any]

#: What became of an item: its reply, the resource that has it, or a refusal.
Outcome = Message | CarriedOut | GrpcFailure

#: Of a reply that does not fit there is the name and version alone: with as many refusals as there may be
#: items, a response stays below the 4 MiB that clients take.
REPLIES_BYTES_MAX = 3 * 1024 * 1024


class BatchShape:
    """Reads items and writes results, for one batch method."""

    def __init__(
        self, request_type: type[Message], response_type: type[Message], servings: Mapping[str, Serving]
    ) -> None:
        """`servings` are the unary methods by the full name of their request.

        Raises ValueError where an item's command is no method's, or its result is not that method's reply.
        """
        self._response_type: Any = response_type
        items = _part(request_type, "items")
        results = _part(response_type, "results")
        self.servings: dict[str, Serving] = {}
        #: by command: the field of its reply that has the resource, None where none has a name and a version
        self._resources: dict[str, str | None] = {}
        for field in items.oneofs_by_name["command"].fields:
            serving = servings.get(field.message_type.full_name)
            if serving is None:
                raise ValueError(f"{items.full_name}.{field.name} is no command of this process")
            reply = results.fields_by_name.get(field.name)
            if reply is None or reply.message_type is not serving.response_type.DESCRIPTOR:
                raise ValueError(f"{results.full_name}.{field.name} is not the reply to {serving.method}")
            self.servings[field.name] = serving
            self._resources[field.name] = _resource_field(reply.message_type)

    def response(self, outcomes: Sequence[tuple[str, Outcome]], *, is_brief: bool) -> Any:
        """The answer: of each item its command and what became of it, in order."""
        response = self._response_type()
        room_bytes = 0 if is_brief else REPLIES_BYTES_MAX
        for command, outcome in outcomes:
            result = response.results.add()
            if isinstance(outcome, GrpcFailure):
                result.status.CopyFrom(outcome.status())
                continue
            if isinstance(outcome, CarriedOut):
                result.carried_out.name = outcome.name
                result.carried_out.version = outcome.version
                continue
            size_bytes = outcome.ByteSize()
            if size_bytes <= room_bytes:
                room_bytes -= size_bytes
                getattr(result, command).CopyFrom(outcome)
            else:
                self._outline(result.carried_out, command, outcome)
        return response

    def _outline(self, carried_out: Any, command: str, reply: Any) -> None:
        carried_out.SetInParent()
        field = self._resources[command]
        if field is not None:
            resource = getattr(reply, field)
            carried_out.name = resource.name
            carried_out.version = resource.version


def _part(message_type: type[Message], name: str) -> Any:
    return message_type.DESCRIPTOR.fields_by_name[name].message_type


def _resource_field(reply: Any) -> str | None:
    for field in reply.fields:
        is_one = field.message_type is not None and not field.is_repeated
        if is_one and {"name", "version"} <= set(field.message_type.fields_by_name.keys()):
            return str(field.name)
    return None
