"""BatchService: commands of every service of this process in one call."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from services.shared.kernel.ids import resource_name
from services.shared.rpc.method import BatchMethod
from tierlink.referral.v1 import batch_service_pb2 as pb

SERVICE = "tierlink.referral.v1.BatchService"

#: Fields of requests that name something; the same name is the same thing.
_NAMING = ("name", "episode", "consultation", "referral", "patient")

#: What a command may bring into being, named after its request id: an acceptance too, a standing order.
_CREATED = ("referrals", "episodes", "consultations", "standing_orders")


def things_named(request: Any) -> Iterator[str]:
    """What a command is about: its request id, all that it names, and what it may create."""
    request_id = str(request.request_id).lower()
    yield request_id
    for field in _naming(request.DESCRIPTOR):
        name = getattr(request, field)
        if name:
            yield name
    for collection in _CREATED:
        yield resource_name(collection, request_id)


@cache
def _naming(request: Descriptor) -> tuple[str, ...]:
    fields = request.fields_by_name
    return tuple(
        name for name in _NAMING if name in fields and fields[name].type == FieldDescriptor.TYPE_STRING
    )


SUBMIT = BatchMethod(
    name="SubmitBatch",
    request_type=pb.SubmitBatchRequest,
    response_type=pb.SubmitBatchResponse,
    about=things_named,
)
