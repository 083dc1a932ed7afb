"""What a failed call says, in words: the status with its google.rpc details."""

from collections.abc import Iterator

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"

#: Safe to ask again with the same request id: nothing was done, or the request id settles what was.
RETRIED = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        # The answer did not come in time, or the server went while it answered.
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)


class CallFailed(Exception):
    """A call that was refused, or that did not come through in the time it had."""

    def __init__(self, method: str, error: grpc.aio.AioRpcError, attempts: int) -> None:
        self.method = method
        self.code = error.code()
        self.attempts = attempts
        self.details = tuple(_details(error))
        #: of a refused request: field and description
        self.violations = tuple(_violations(error))
        after = f" ({attempts} attempts)" if attempts > 1 else ""
        # The message says in one language what the details say in both.
        text = "; ".join(self.details) or error.details() or ""
        super().__init__(f"{method}: {self.code.name}{after}: {text}")

    @property
    def is_disk_full(self) -> bool:
        """Whether the service has no room in its database: trying again helps once somebody has made some."""
        return any(each.startswith("DISK_FULL") for each in self.details)

    @property
    def is_kafka_away(self) -> bool:
        """Whether the service answered that it does not reach Kafka."""
        return any(each.startswith("KAFKA_AWAY") for each in self.details)

    @property
    def is_unreachable(self) -> bool:
        """Whether nobody answered, rather than said no."""
        return self.code in RETRIED


def retry_delay_s(error: grpc.aio.AioRpcError) -> float | None:
    """How long the server asks to wait before the next try; None when it does not say."""
    for detail in _status(error).details:
        if detail.Is(error_details_pb2.RetryInfo.DESCRIPTOR):
            info = error_details_pb2.RetryInfo()
            detail.Unpack(info)
            return float(info.retry_delay.ToTimedelta().total_seconds())
    return None


def _status(error: grpc.aio.AioRpcError) -> status_pb2.Status:
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                break
    return status_pb2.Status()


def _violations(error: grpc.aio.AioRpcError) -> Iterator[tuple[str, str]]:
    for detail in _status(error).details:
        if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            yield from ((each.field, each.description) for each in bad.field_violations)


def _details(error: grpc.aio.AioRpcError) -> Iterator[str]:
    for detail in _status(error).details:
        if detail.Is(error_details_pb2.BadRequest.DESCRIPTOR):
            bad = error_details_pb2.BadRequest()
            detail.Unpack(bad)
            yield from (f"{each.field} {each.description}".strip() for each in bad.field_violations)
        elif detail.Is(error_details_pb2.PreconditionFailure.DESCRIPTOR):
            failure = error_details_pb2.PreconditionFailure()
            detail.Unpack(failure)
            yield from (f"{each.type}: {each.description}" for each in failure.violations)
        elif detail.Is(error_details_pb2.LocalizedMessage.DESCRIPTOR):
            localized = error_details_pb2.LocalizedMessage()
            detail.Unpack(localized)
            yield localized.message
        elif detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR):
            info = error_details_pb2.ErrorInfo()
            detail.Unpack(info)
            yield ", ".join(
                (info.reason, *(f"{key} {value}" for key, value in sorted(info.metadata.items())))
            )
        elif detail.Is(error_details_pb2.ResourceInfo.DESCRIPTOR):
            resource = error_details_pb2.ResourceInfo()
            detail.Unpack(resource)
            yield f"{resource.resource_type} {resource.resource_name}"
