"""What the RPC layer measures of itself: also the pattern for other mechanisms' metrics."""

from functools import cached_property

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.shared.telemetry.metrics import LATENCY_BUCKETS_S


class RpcMetrics:
    """The metrics of all methods of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "tierlink_rpc_calls", "Calls and streams that ended.", ["method", "code"], registry=registry
        )
        self._seconds = Histogram(
            "tierlink_rpc_call_seconds",
            "Time from a unary call's arrival to its answer.",
            ["method"],
            buckets=LATENCY_BUCKETS_S,
            registry=registry,
        )
        self._streams = Gauge("tierlink_rpc_open_streams", "Streams open now.", ["method"], registry=registry)
        self._messages = Counter(
            "tierlink_rpc_stream_messages", "Messages sent on streams.", ["method"], registry=registry
        )

    def for_method(self, method: str) -> "MethodMetrics":
        """The series of one method, looked up once, so that a call looks nothing up."""
        return MethodMetrics(
            calls=self._calls,
            method=method,
            seconds=self._seconds,
            streams=self._streams,
            messages=self._messages,
        )


class MethodMetrics:
    """The series of one method."""

    def __init__(
        self, *, calls: Counter, method: str, seconds: Histogram, streams: Gauge, messages: Counter
    ) -> None:
        self._all_streams = streams
        self._all_messages = messages
        self._all_seconds = seconds
        self._calls = calls
        self._method = method
        # One series for each status code: 17 at most.
        self._by_code = {"OK": calls.labels(method, "OK")}

    def count(self, code: str) -> None:
        """Counts the end of a call or stream with this status."""
        series = self._by_code.get(code)
        if series is None:
            series = self._by_code[code] = self._calls.labels(self._method, code)
        series.inc()

    # Each made when it is first asked for: a unary method has no streams to show, nor a stream a time.

    @cached_property
    def streams(self) -> Gauge:
        """Streams of the method that are open."""
        return self._all_streams.labels(self._method)

    @cached_property
    def messages(self) -> Counter:
        """Messages sent on its streams."""
        return self._all_messages.labels(self._method)

    @cached_property
    def _seconds(self) -> Histogram:
        return self._all_seconds.labels(self._method)

    def observe(self, seconds: float) -> None:
        """Records how long a unary call took."""
        self._seconds.observe(seconds)
