"""What every call goes through before and after its handler: credentials, contract, metrics, one log line."""

import asyncio
import random
import time
from dataclasses import replace
from typing import Any, Generic, TypeVar
from uuid import uuid4

import grpc
import structlog
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.kernel.actor import Actor
from services.shared.kernel.refusals import DependencyDown, Refused, Unauthenticated
from services.shared.rpc.call import ANONYMOUS, Call, CarriedOut, RpcRuntime
from services.shared.rpc.error_table import GrpcFailure, failure_of, internal_failure
from services.shared.rpc.validation import RequestContract
from services.shared.telemetry.log_context import log_fields, set_log_fields
from services.shared.telemetry.tracer import moment_ns
from services.shared.telemetry.tracing import (
    TRACE_BITS,
    FinishedSpan,
    SpanKind,
    TraceContext,
    continue_trace,
)

RequestT = TypeVar("RequestT", bound=Message)
ResponseT = TypeVar("ResponseT", bound=Message)
Context = grpc.aio.ServicerContext[Any, Any]

#: refusals for overload are logged at most once in this time and method: logging each would add to the load
_OVERLOAD_LINE_S = 1.0

#: Statuses that are this server's own failure, as OpenTelemetry's conventions for gRPC have it.
_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})


class ReaderGoneError(Exception):
    """A stream's reader went away while a message was on its way to it."""


class CallFrame(Generic[RequestT, ResponseT]):
    """The steps that unary calls and streams share, for one method."""

    def __init__(
        self,
        *,
        method: str,
        public: bool,
        unary: bool,
        contract: RequestContract[RequestT],
        response_type: type[ResponseT],
        runtime: RpcRuntime,
    ) -> None:
        self.method = method
        self.runtime = runtime
        self.metrics = runtime.metrics.for_method(method)
        self._public = public
        self._unary = unary
        self._contract = contract
        self.request_type = contract.request_type
        field = contract.request_type.DESCRIPTOR.fields_by_name.get("request_id")
        self._has_request_id = field is not None and field.type == FieldDescriptor.TYPE_STRING
        self.response_type = response_type
        # Bound here: an unbound structlog logger is put together anew on every call.
        self._log = structlog.get_logger("services.shared.rpc").bind()
        self._overload_logged_at_s = 0.0

    def begin_trace(self, traceparent: str) -> TraceContext:
        """Draws this call's span."""
        if self.runtime.tracer is not None:
            return self.runtime.tracer.begin(traceparent)
        # Ids of spans need not be secret, only unlikely to collide: the cheap generator does.
        return continue_trace(traceparent, random_bits=random.getrandbits(TRACE_BITS))

    async def authenticate(self, authorization: str) -> Actor:
        """Who calls. Raises Unauthenticated."""
        if self._public:
            return ANONYMOUS
        token = _bearer_token(authorization)
        authenticator = self.runtime.authenticator
        return authenticator.remembered(token) or await authenticator.verify(token)

    def open(
        self,
        trace: TraceContext,
        actor: Actor,
        data: bytes,
        remaining_s: float | None,
        *,
        is_brief: bool = False,
    ) -> tuple[RequestT, Call]:
        """What is asked; what is logged from here on says so, and by whom. Raises InvalidInput."""
        received_at = DAY_CLOCK.now()
        request = self._contract.read(data)
        set_log_fields(
            {
                "trace_id": trace.trace_id,
                "span_id": trace.span_id,
                "rpc": self.method,
                "user": actor.user,
                "request_id": request.request_id if self._has_request_id else "",  # type: ignore[attr-defined]
            }
        )
        call = Call(
            actor=actor,
            received_at=received_at,
            traceparent=trace.traceparent,
            method=self.method,
            deadline_remaining_s=remaining_s,
            is_brief=is_brief,
        )
        return request, call

    def checked(self, response: ResponseT) -> ResponseT:
        """Raises TypeError when the handler answered with another type."""
        if not isinstance(response, self.response_type):
            raise TypeError(f"{self.method} answered with {type(response).__name__}")
        return response

    def checked_brief(self, response: ResponseT | CarriedOut) -> ResponseT | CarriedOut:
        """Raises TypeError when the handler of a brief call answered with another type."""
        return response if isinstance(response, CarriedOut) else self.checked(response)

    def pack(self, response: ResponseT) -> bytes:
        """The response's bytes. Raises TypeError when the handler answered with another type."""
        return self.checked(response).SerializeToString()

    def conclude(self, trace: TraceContext, started_s: float) -> None:
        """Counts, times, traces and logs a call that succeeded."""
        seconds = self._measure(trace, started_s, "OK")
        if self._unary and seconds > self.runtime.slow_call_s:
            self._log.info("slow call", code="OK", ms=_ms(seconds))
        else:
            self._log.debug("call ended", code="OK", ms=seconds * 1000)

    def conclude_failed(
        self, trace: TraceContext, started_s: float, error: BaseException, *, is_caller_known: bool = True
    ) -> GrpcFailure:
        """The status to answer with; logs what the caller does not get. Raises this call's cancellation."""
        if not is_caller_known and trace.parent_span_id:
            # Whoever has no token, or finds no place, must not fill the collector by setting a flag.
            trace = replace(trace, sampled=False)
        if log_fields().get("span_id") != trace.span_id:  # refused before it was known who calls
            set_log_fields({"trace_id": trace.trace_id, "span_id": trace.span_id, "rpc": self.method})
        if _nobody_waits(error):
            seconds = self._measure(trace, started_s, "CANCELLED")
            self._log.debug("call ended", code="CANCELLED", ms=_ms(seconds))
            raise asyncio.CancelledError from error
        if isinstance(error, asyncio.CancelledError):
            # Something that the handler awaited was cancelled, not the call. grpc would send no status at all
            # and the caller would wait for ever; what was begun may or may not have happened.
            error = DependencyDown("handler", "interrupted, the outcome is unknown; ask again")
        failure = self._explain(error)
        code = failure.code.name
        seconds = self._measure(trace, started_s, code)
        if failure.code is not grpc.StatusCode.RESOURCE_EXHAUSTED or self._may_log_overload():
            self._log.info("call refused", code=code, ms=_ms(seconds), message=failure.message)
        return failure

    def _explain(self, error: BaseException) -> GrpcFailure:
        if isinstance(error, Refused):
            try:
                return failure_of(error)
            except LookupError as missing:
                error = missing
        error_id = str(uuid4())
        self._log.error("call failed", error_id=error_id, exc_info=error)
        return internal_failure(error_id)

    def _measure(self, trace: TraceContext, started_s: float, code: str) -> float:
        seconds = time.perf_counter() - started_s
        self.metrics.count(code)
        if self._unary:
            self.metrics.observe(seconds)
        if self.runtime.tracer is not None and trace.sampled:
            self.runtime.tracer.record(self._span(trace, started_s, seconds, code))
        return seconds

    def _span(self, trace: TraceContext, started_s: float, seconds: float, code: str) -> FinishedSpan:
        started_ns = moment_ns(int(started_s * 1e9))
        return FinishedSpan(
            name=self.method,
            kind=SpanKind.SERVER,
            context=trace,
            started_ns=started_ns,
            ended_ns=started_ns + int(seconds * 1e9),
            error=code if code in _ERRORS else "",
            attributes=(
                ("rpc.system.name", "grpc"),
                ("rpc.method", self.method),
                ("rpc.response.status_code", code),
            ),
        )

    def _may_log_overload(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._overload_logged_at_s < _OVERLOAD_LINE_S:
            return False
        self._overload_logged_at_s = now_s
        return True


def _bearer_token(authorization: str) -> str:
    if authorization[:7].lower() != "bearer ":
        raise Unauthenticated("NO_TOKEN", "send a token as `authorization: Bearer …`")
    return authorization[7:]


def _nobody_waits(error: BaseException) -> bool:
    """Whether the call itself is over: its caller left, or the server gave it up."""
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is not None and task.cancelling() > 0
    return isinstance(error, ReaderGoneError)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
