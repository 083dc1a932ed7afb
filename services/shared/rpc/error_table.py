"""The one table from refusals to gRPC statuses with google.rpc details (docs/guide-integration.md).

A status travels in trailing metadata, of which a client takes about 8 KB; above, it fails the call with an
error of its own. So every text and the number of entries are bounded, and what was cut says so.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2 as details_pb2
from google.rpc import status_pb2

from services.shared.kernel.refusals import (
    DependencyDown,
    DiskFull,
    InvalidInput,
    KafkaAway,
    NotAllowed,
    NotFound,
    NotPermitted,
    OutOfTime,
    Overloaded,
    Refused,
    RequestIdReused,
    StaleVersion,
    Unauthenticated,
)
from services.shared.kernel.text import BilingualText

DOMAIN = "tierlink"
DETAILS_KEY = "grpc-status-details-bin"

# Together these keep a status below 8 KB on the wire, where details may travel in base64 (4 bytes for 3) and
# the message percent-encoded (3 bytes for each that is not ASCII); a test holds the worst case of each row.
_MESSAGE_BYTES_MAX = 300
_VIOLATIONS_BYTES_MAX = 4000
_RULES_BYTES_MAX = 1800
_ENTRY_BYTES_MAX = 600
_TEXT_BYTES_MAX = 500
_RETRY_AFTER_S_MAX = 300.0

E = TypeVar("E", bound=Message)


@dataclass(frozen=True, kw_only=True, slots=True)
class GrpcFailure:
    """A status as grpc.aio takes it in `context.abort`."""

    code: grpc.StatusCode
    message: str
    details: tuple[Message, ...] = ()

    def status(self) -> status_pb2.Status:
        """The same as a message."""
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        for detail in self.details:
            packed = AnyMessage()
            packed.Pack(detail)
            status.details.append(packed)
        return status

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The google.rpc.Status for clients that read details, such as `grpc_status.rpc_status.from_call`."""
        return ((DETAILS_KEY, self.status().SerializeToString()),)


def failure_of(refusal: Refused) -> GrpcFailure:
    """The status of a refusal. Raises LookupError for a class that the table does not know."""
    for kind in type(refusal).__mro__:
        row = _TABLE.get(kind)
        if row is not None:
            code, details = row
            return GrpcFailure(
                code=code, message=_cut(_message(refusal), _MESSAGE_BYTES_MAX), details=details(refusal)
            )
    raise LookupError(f"{type(refusal).__name__} is not in the error table")


def internal_failure(error_id: str) -> GrpcFailure:
    """The status of an unexpected exception: an id to look for in the log, and nothing of its text."""
    return GrpcFailure(
        code=grpc.StatusCode.INTERNAL,
        message=f"internal error {error_id}",
        details=(_info("INTERNAL", error_id=error_id),),
    )


def _message(refusal: Refused) -> str:
    if isinstance(refusal, NotAllowed) and not refusal.failed_rules:
        return f"not allowed in state {refusal.state}"
    return str(refusal) or type(refusal).__name__


def _invalid_input(refusal: InvalidInput) -> tuple[Message, ...]:
    entries = (
        details_pb2.BadRequest.FieldViolation(
            field=_cut(violation.field, 200),
            reason=_cut(violation.reason, 60),
            description=_cut(violation.description, _TEXT_BYTES_MAX),
        )
        for violation in refusal.violations
    )
    kept, cut_count = _within_bytes(entries, _VIOLATIONS_BYTES_MAX)
    if cut_count:
        kept.append(
            details_pb2.BadRequest.FieldViolation(
                reason="CUT", description=f"{cut_count} more violations are not listed here"
            )
        )
    return (details_pb2.BadRequest(field_violations=kept),)


def _not_allowed(refusal: NotAllowed) -> tuple[Message, ...]:
    subject = _cut(refusal.resource_name, 200)
    violation = details_pb2.PreconditionFailure.Violation
    entries = (
        violation(
            type=_cut(rule.code, 60),
            subject=subject,
            description=_cut(f"{rule.text.zh} / {rule.text.en}", _ENTRY_BYTES_MAX),
        )
        for rule in refusal.failed_rules
    )
    kept, cut_count = _within_bytes(entries, _RULES_BYTES_MAX)
    if cut_count:
        kept.append(violation(type="CUT", subject=subject, description=f"{cut_count} more rules failed"))
    text = BilingualText(
        zh="；".join(rule.text.zh for rule in refusal.failed_rules) or f"状态 {refusal.state} 下不允许此操作",
        en=_message(refusal),
    )
    return (
        details_pb2.PreconditionFailure(violations=kept),
        _info(
            "NOT_ALLOWED",
            state=_cut(refusal.state, 60),
            allowed_commands=_joined(refusal.allowed_commands, 800),
        ),
        *_localized(text),
    )


def _not_permitted(refusal: NotPermitted) -> tuple[Message, ...]:
    return (_info(refusal.reason), *_localized(refusal.text))


def _not_found(refusal: NotFound) -> tuple[Message, ...]:
    return (
        details_pb2.ResourceInfo(
            resource_type=_cut(refusal.resource_type, 100), resource_name=_cut(refusal.resource_name, 300)
        ),
    )


def _stale_version(refusal: StaleVersion) -> tuple[Message, ...]:
    return (
        _info(
            "STALE_VERSION",
            resource_name=_cut(refusal.resource_name, 300),
            expected_version=str(refusal.expected),
            current_version=str(refusal.current),
        ),
    )


def _retry(refusal: Overloaded | DependencyDown | OutOfTime) -> tuple[Message, ...]:
    delay = Duration()
    delay.FromMilliseconds(round(min(max(refusal.retry_after_s, 0.0), _RETRY_AFTER_S_MAX) * 1000))
    return (details_pb2.RetryInfo(retry_delay=delay),)


def _named_outage(reason: str, refusal: DiskFull | KafkaAway) -> tuple[Message, ...]:
    return (
        _info(reason, dependency=refusal.dependency),
        *_localized(refusal.text),
        *_retry(refusal),
    )


# A row's function takes the row's own class, which a dict's type cannot say: hence Any.
_TABLE: dict[type, tuple[grpc.StatusCode, Callable[[Any], tuple[Message, ...]]]] = {
    InvalidInput: (grpc.StatusCode.INVALID_ARGUMENT, _invalid_input),
    Unauthenticated: (grpc.StatusCode.UNAUTHENTICATED, lambda refusal: (_info(refusal.reason),)),
    NotPermitted: (grpc.StatusCode.PERMISSION_DENIED, _not_permitted),
    NotFound: (grpc.StatusCode.NOT_FOUND, _not_found),
    RequestIdReused: (
        grpc.StatusCode.ALREADY_EXISTS,
        lambda refusal: (_info("REQUEST_ID_REUSED", request_id=_cut(refusal.request_id, 100)),),
    ),
    NotAllowed: (grpc.StatusCode.FAILED_PRECONDITION, _not_allowed),
    StaleVersion: (grpc.StatusCode.ABORTED, _stale_version),
    Overloaded: (grpc.StatusCode.RESOURCE_EXHAUSTED, _retry),
    DependencyDown: (grpc.StatusCode.UNAVAILABLE, _retry),
    OutOfTime: (
        grpc.StatusCode.DEADLINE_EXCEEDED,
        lambda refusal: (_info(refusal.reason), *_retry(refusal)),
    ),
    DiskFull: (grpc.StatusCode.UNAVAILABLE, lambda refusal: _named_outage("DISK_FULL", refusal)),
    KafkaAway: (grpc.StatusCode.UNAVAILABLE, lambda refusal: _named_outage("KAFKA_AWAY", refusal)),
}


def _info(reason: str, **metadata: str) -> details_pb2.ErrorInfo:
    return details_pb2.ErrorInfo(reason=_cut(reason, 60), domain=DOMAIN, metadata=metadata)


def _localized(text: BilingualText) -> tuple[Message, ...]:
    return (
        details_pb2.LocalizedMessage(locale="zh-CN", message=_cut(text.zh, _TEXT_BYTES_MAX)),
        details_pb2.LocalizedMessage(locale="en-US", message=_cut(text.en, _TEXT_BYTES_MAX)),
    )


def _joined(names: Sequence[str], bytes_max: int) -> str:
    """Names with commas between, whole names only; the count of those left out at the end."""
    kept: list[str] = []
    size = 0
    for name in names:
        size += len(name.encode()) + 1
        if size > bytes_max:
            return ",".join([*kept, f"+{len(names) - len(kept)}"])
        kept.append(name)
    return ",".join(kept)


def _within_bytes(entries: Iterable[E], bytes_max: int) -> tuple[list[E], int]:
    """The first entries that fit, and the number of those that do not."""
    kept: list[E] = []
    cut_count = size = 0
    for entry in entries:
        size += entry.ByteSize() + 3
        if size > bytes_max:
            cut_count += 1
        else:
            kept.append(entry)
    return kept, cut_count


def _cut(text: str, bytes_max: int) -> str:
    """`text` in at most `bytes_max` bytes of UTF-8, with … where it was cut."""
    encoded = text.encode(errors="replace")
    if len(encoded) <= bytes_max:
        return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
    return _cut(encoded[: bytes_max - 3].decode(errors="ignore"), bytes_max) + "…"
