"""W3C trace context: pure functions from headers and drawn bits to headers.

Nothing here draws a random number: whoever receives a call or a record draws the bits and hands them in.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

#: bits that `continue_trace` needs: 64 for the span, 128 for a trace that has no parent
TRACE_BITS = 192

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_TRACEPARENT_LENGTH_MAX = 256
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16
_SPAN_MASK = (1 << 64) - 1
_TRACE_MASK = (1 << 128) - 1


@dataclass(frozen=True, kw_only=True, slots=True)
class TraceContext:
    """One span's place in a trace."""

    #: 32 lower-case hexadecimal digits
    trace_id: str
    #: 16 lower-case hexadecimal digits
    span_id: str
    #: the span that caused this one; empty for the first of a trace
    parent_span_id: str
    #: the caller records this trace, so this process should too
    sampled: bool

    @property
    def traceparent(self) -> str:
        """The header to pass on, version 00."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


def parse_traceparent(header: str) -> TraceContext | None:
    """The span that a `traceparent` header names, or None when the header is absent or wrong.

    A later version than 00 is read by its first four parts, as the standard asks; version ff is invalid.
    """
    parts = _match(header)
    if parts is None:
        return None
    trace_id, span_id, flags = parts
    return TraceContext(trace_id=trace_id, span_id=span_id, parent_span_id="", sampled=_is_sampled(flags))


def continue_trace(header: str, *, random_bits: int, sample_new: bool = False) -> TraceContext:
    """A new span below the one that `header` names; the first span of a new trace when it names none.

    `random_bits` are TRACE_BITS random bits drawn by the caller. `sample_new` decides for a new trace only:
    the head of a trace decides whether it is recorded.
    """
    # An id of zeros means "none" in the standard, so zero becomes one.
    span_id = f"{(random_bits & _SPAN_MASK) or 1:016x}"
    parent = _match(header)
    if parent is None:
        trace_id = f"{(random_bits >> 64 & _TRACE_MASK) or 1:032x}"
        return TraceContext(trace_id=trace_id, span_id=span_id, parent_span_id="", sampled=sample_new)
    trace_id, parent_span_id, flags = parent
    return TraceContext(
        trace_id=trace_id, span_id=span_id, parent_span_id=parent_span_id, sampled=_is_sampled(flags)
    )


def _match(header: str) -> tuple[str, str, str] | None:
    """Trace id, span id and flags of a valid header."""
    if not header or len(header) > _TRACEPARENT_LENGTH_MAX:
        return None
    match = _TRACEPARENT.fullmatch(header)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if version == "ff" or (version == "00" and rest is not None):
        return None
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return trace_id, span_id, flags


def _is_sampled(flags: str) -> bool:
    return flags[1] in "13579bdf"  # the lowest bit of two hexadecimal digits


def is_chosen(trace_id: str, ratio: float) -> bool:
    """Whether a new trace is of the share `ratio` that is recorded: by its id, so that all decide alike."""
    return int(trace_id[16:], 16) < round(ratio * (1 << 64))


class SpanKind(StrEnum):
    """What a span is to the others of its trace, by OpenTelemetry's names."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    PRODUCER = "PRODUCER"
    CONSUMER = "CONSUMER"


#: Names and values; never of a patient, and ids only where log lines have them too.
Attributes = tuple[tuple[str, str | int | tuple[str, ...]], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class FinishedSpan:
    """One piece of work that is over, as a recorder wants it."""

    name: str
    kind: SpanKind
    context: TraceContext
    #: nanoseconds since 1970-01-01 UTC
    started_ns: int
    ended_ns: int
    #: what kind of error it ended with; empty when it ended as it should
    error: str = ""
    attributes: Attributes = ()
    #: spans of other traces that this one is the work of
    links: tuple[TraceContext, ...] = ()


class SpanRecorder(Protocol):
    """Takes finished spans. Never blocks and never raises: tracing must not slow or fail a call."""

    def record(self, span: FinishedSpan) -> None: ...
