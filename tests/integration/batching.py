"""Commands by batches, as calls: what a test says of calls can be said of batches too."""

import re
from typing import Any

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from tests.integration.hospital import Hospital
from tierlink.referral.v1 import batch_service_pb2 as pb

Metadata = tuple[tuple[str, str], ...]

_FIELDS = {field.message_type.name: field.name for field in pb.BatchItem.DESCRIPTOR.fields}


def item(request: Message) -> pb.BatchItem:
    """A command as an item of a batch."""
    return pb.BatchItem(**{_FIELDS[request.DESCRIPTOR.name]: request})  # type: ignore[arg-type]


async def submit(hospital: Hospital, who: Metadata, *requests: Message, **options: Any) -> list[Any]:
    """What became of each command of one batch."""
    brief = options.pop("brief", False)
    batch = pb.SubmitBatchRequest(items=[item(request) for request in requests], brief=brief)
    response = await hospital.batches.SubmitBatch(batch, metadata=who, **options)
    assert len(response.results) == len(requests)
    return list(response.results)


def code(result: Any) -> grpc.StatusCode:
    """OK, or what the command was refused with."""
    if result.WhichOneof("outcome") != "status":
        return grpc.StatusCode.OK
    return next(code for code in grpc.StatusCode if code.value[0] == result.status.code)


def reply(result: Any) -> Any:
    """The command's own reply. Raises AssertionError when it was refused."""
    outcome = result.WhichOneof("outcome")
    assert outcome != "status", result.status
    return getattr(result, outcome)


def as_a_call_s(status: status_pb2.Status) -> status_pb2.Status:
    """The same refusal with fields' paths from the request, not from the batch."""
    found = status_pb2.Status(code=status.code, message=status.message)
    for packed in status.details:
        bad = error_details_pb2.BadRequest()
        detail = found.details.add()
        detail.CopyFrom(packed)
        if packed.Is(bad.DESCRIPTOR):
            packed.Unpack(bad)
            for violation in bad.field_violations:
                assert re.match(r"items\[\d+]\.[a-z_]+", violation.field), violation.field
                violation.field = re.sub(r"^items\[\d+]\.[a-z_]+\.?", "", violation.field)
            detail.Pack(bad)
    return found


def status_of(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    """The status of a call that was refused."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]
    assert status is not None
    return status


class Batched:
    """A stub whose commands travel in batches, each then sent once more as the call that it stands for.

    The second time must be answered as the first: with the first reply, or with the same refusal.
    """

    def __init__(self, hospital: Hospital, stub: Any) -> None:
        self._hospital = hospital
        self._stub = stub

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._stub, name)
        if f"{name}Request" not in _FIELDS:
            return call

        async def by_batch(request: Message, *, metadata: Metadata) -> Any:
            (result,) = await submit(self._hospital, metadata, request)
            try:
                again = await call(request, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                assert code(result) is error.code(), result
                assert _said(as_a_call_s(result.status)) == _said(status_of(error))
                raise
            assert again == reply(result)
            return again

        return by_batch


def _said(status: status_pb2.Status) -> tuple[Any, ...]:
    message = status.message
    return status.code, message, [(packed.type_url, packed.value) for packed in status.details]


class BatchedHospital(Hospital):
    """A hospital whose system sends batches."""

    @property
    def referrals(self) -> Any:
        return Batched(self, super().referrals)

    @property
    def episodes(self) -> Any:
        return Batched(self, super().episodes)

    @property
    def consultations(self) -> Any:
        return Batched(self, super().consultations)
