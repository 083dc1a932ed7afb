"""What happens around a handler: credentials, contract, context, bounds, metrics, cancellation."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import protovalidate
import pytest
import structlog
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from services.shared.kernel.refusals import InvalidInput, NotFound
from services.shared.rpc.admission import Admission
from services.shared.rpc.call import ANONYMOUS, Call, RpcRuntime
from services.shared.rpc.error_table import failure_of
from services.shared.rpc.method import UnaryMethod, service_handler
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.rpc.validation import RequestContract
from services.shared.telemetry.log_context import log_fields
from services.shared.telemetry.tracing import FinishedSpan, parse_traceparent
from tests.unit.shared.rpc.rpc_probe import CLINICIAN, REQUEST_ID, SERVICE, ProbeKit, details_of, refused

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def echo(kit: ProbeKit) -> Any:
    async def handler(request: Any, _call: Call) -> Any:
        return kit.pb2.ProbeResponse(text=request.text, number=request.count)

    return kit.unary(handler)


async def test_a_call_reaches_its_handler_with_its_context(kit: ProbeKit) -> None:
    calls: list[Call] = []

    async def handler(request: Any, call: Call) -> Any:
        calls.append(call)
        return kit.pb2.ProbeResponse(text=request.text)

    served = await kit.serve([kit.unary(handler)])
    before = datetime.now(UTC)
    answer = await served.probe(
        kit.request(text="早"), metadata=kit.metadata(("traceparent", TRACEPARENT)), timeout=30
    )
    assert answer.text == "早"
    (call,) = calls
    assert call.actor == CLINICIAN
    assert call.method == f"{SERVICE}/Probe"
    assert before <= call.received_at <= datetime.now(UTC)
    assert call.received_at.utcoffset() == timedelta(0)
    # The wire rounds a timeout up, to three digits or so.
    assert call.deadline_remaining_s is not None and 20 < call.deadline_remaining_s < 31
    ours, theirs = parse_traceparent(call.traceparent), parse_traceparent(TRACEPARENT)
    assert ours and theirs
    assert ours.trace_id == theirs.trace_id
    assert ours.span_id != theirs.span_id
    assert ours.sampled


@pytest.mark.parametrize("header", [None, "rubbish", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
async def test_a_call_without_a_trace_begins_one(kit: ProbeKit, header: str | None) -> None:
    calls: list[Call] = []

    async def handler(_request: Any, call: Call) -> Any:
        calls.append(call)
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)])
    extra = () if header is None else (("traceparent", header),)
    for _ in range(2):
        await served.probe(kit.request(), metadata=kit.metadata(*extra))
    first, second = (parse_traceparent(call.traceparent) for call in calls)
    assert first and second
    assert first.trace_id != second.trace_id
    assert calls[0].deadline_remaining_s is None


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ((), "NO_TOKEN"),
        ((("authorization", "Basic dXNlcjpwdw=="),), "NO_TOKEN"),
        ((("authorization", "Bearer "),), "MALFORMED_TOKEN"),
        ((("authorization", "Bearer a.b.c"),), "MALFORMED_TOKEN"),
    ],
)
async def test_strangers_are_refused_before_their_request_is_read(
    kit: ProbeKit, metadata: tuple[tuple[str, str], ...], reason: str
) -> None:
    served = await kit.serve([echo(kit)])
    error = await refused(served.probe(kit.request(request_id="not a uuid"), metadata=metadata))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert details_of(error)["ErrorInfo"][0].reason == reason
    assert kit.count("Probe", "UNAUTHENTICATED") == 1


async def test_the_scheme_is_read_in_any_case(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    answer = await served.probe(kit.request(), metadata=(("authorization", f"bearer {kit.token()}"),))
    assert answer is not None


async def test_a_public_method_needs_no_token(kit: ProbeKit) -> None:
    actors: list[Any] = []

    async def handler(_request: Any, call: Call) -> Any:
        actors.append(call.actor)
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler, public=True)])
    await served.probe(kit.request())
    assert actors == [ANONYMOUS]
    assert not ANONYMOUS.roles


async def test_every_violation_is_told_at_once(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    item = kit.pb2.Item
    request = kit.pb2.ProbeRequest(
        request_id="no uuid",
        text="x" * 21,
        items=[item(code="OK"), item(code="lower", nested=item(code="9"))],
        labels={"left": item(code="bad code")},
        count=-1,
    )
    error = await refused(served.probe(request, metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = details_of(error)["BadRequest"][0].field_violations
    assert {(v.field, v.reason) for v in violations} == {
        ("request_id", "STRING_UUID"),
        ("text", "STRING_MAX_LEN"),
        ("items[1].code", "STRING_PATTERN"),
        ("items[1].nested.code", "STRING_PATTERN"),
        ('labels["left"].code', "STRING_PATTERN"),
        ("count", "INT32_GTE_LTE"),
    }
    assert all(v.description for v in violations)


async def test_unknown_fields_are_refused_at_every_depth(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    item = kit.pb2.LaterItem
    later = kit.pb2.LaterRequest(
        request_id=REQUEST_ID,
        allergy="penicillin",
        count=5000,
        items=[item(code="A"), item(code="B", nested=item(code="C", severity="high"))],
        labels={"left": item(code="D", severity="low")},
    )
    error = await refused(served.probe(later.SerializeToString(), metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = details_of(error)["BadRequest"][0].field_violations
    assert {(v.field, v.reason) for v in violations} == {
        ("count", "INT32_GTE_LTE"),
        ("#99", "UNKNOWN_FIELD"),
        ("items[1].nested.#7", "UNKNOWN_FIELD"),
        ('labels["left"].#7', "UNKNOWN_FIELD"),
    }
    assert "penicillin" not in str(error.details())


async def test_bytes_that_are_no_message_are_an_invalid_argument(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)])
    error = await refused(served.probe(b"\xff\xff\xff", metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details_of(error)["BadRequest"][0].field_violations[0].reason == "MALFORMED"


def test_a_flood_of_violations_is_bounded(probe_pb2: Any) -> None:
    contract = RequestContract(probe_pb2.ProbeRequest, protovalidate.Validator())
    request = probe_pb2.ProbeRequest(items=[probe_pb2.Item(code="bad") for _ in range(3000)])
    with pytest.raises(InvalidInput) as refusal:
        contract.read(request.SerializeToString())
    assert len(refusal.value.violations) == 200


async def test_a_handler_that_answers_with_another_type_is_internal(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> Any:
        return kit.pb2.Item(code="A")

    served = await kit.serve([kit.unary(handler)])
    with structlog.testing.capture_logs() as lines:
        error = await refused(served.probe(kit.request(), metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert any("answered with Item" in str(line.get("exc_info")) for line in lines)


async def test_log_lines_of_a_call_carry_its_context(kit: ProbeKit) -> None:
    seen: list[dict[str, Any]] = []

    async def handler(_request: Any, call: Call) -> Any:
        seen.append({**log_fields(), "traceparent": call.traceparent})
        raise NotFound("Referral", "referrals/1")

    served = await kit.serve([kit.unary(handler)])
    for _ in range(2):
        await refused(served.probe(kit.request(), metadata=kit.metadata()))
    for fields in seen:
        assert fields["request_id"] == REQUEST_ID
        assert fields["user"] == CLINICIAN.user
        assert fields["rpc"] == f"{SERVICE}/Probe"
        assert fields["traceparent"] == f"00-{fields['trace_id']}-{fields['span_id']}-00"
    assert seen[0]["span_id"] != seen[1]["span_id"]
    assert not log_fields(), "a call's fields leaked out of its task"


async def test_the_line_of_a_stranger_carries_its_trace(
    kit: ProbeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    traces: list[str] = []
    monkeypatch.setattr(
        "services.shared.rpc.serving.failure_of",
        lambda refusal: traces.append(log_fields()["trace_id"]) or failure_of(refusal),
    )
    served = await kit.serve([echo(kit)])
    await refused(served.probe(kit.request(), metadata=(("traceparent", TRACEPARENT),)))
    assert traces == ["4bf92f3577b34da6a3ce929d0e0e4736"]


async def test_one_line_for_a_refused_call_and_none_for_a_quick_one(kit: ProbeKit) -> None:
    async def handler(request: Any, _call: Call) -> Any:
        if request.text:
            raise NotFound("Referral", "referrals/1")
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)])
    with structlog.testing.capture_logs() as lines:
        await served.probe(kit.request(), metadata=kit.metadata())
        await refused(served.probe(kit.request(text="x"), metadata=kit.metadata()))
    assert [(line["log_level"], line["code"]) for line in lines] == [("debug", "OK"), ("info", "NOT_FOUND")]


async def test_a_slow_call_is_told(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)], slow_call_s=0.0)
    with structlog.testing.capture_logs() as lines:
        await served.probe(kit.request(), metadata=kit.metadata())
    assert [(line["event"], line["log_level"]) for line in lines] == [("slow call", "info")]


async def test_metrics_count_codes_and_time(kit: ProbeKit) -> None:
    async def handler(request: Any, _call: Call) -> Any:
        if request.text:
            raise NotFound("Referral", "referrals/1")
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)])
    for text in ("", "", "x"):
        call = served.probe(kit.request(text=text), metadata=kit.metadata())
        await asyncio.gather(call, return_exceptions=True)
    await served.server.stop()
    assert (kit.count("Probe", "OK"), kit.count("Probe", "NOT_FOUND")) == (2, 1)
    labels = {"method": f"{SERVICE}/Probe"}
    assert kit.registry.get_sample_value("tierlink_rpc_call_seconds_count", labels) == 3
    seconds = kit.registry.get_sample_value("tierlink_rpc_call_seconds_sum", labels)
    assert seconds is not None and 0 < seconds < 5


async def test_calls_over_the_bound_are_refused_and_the_place_is_given_back(kit: ProbeKit) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _call: Call) -> Any:
        entered.set()
        await leave.wait()
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)], calls_max=1)
    first = served.probe(kit.request(), metadata=kit.metadata())
    first_answer = asyncio.ensure_future(first)
    await entered.wait()
    error = await refused(served.probe(kit.request(), metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error)["RetryInfo"][0].retry_delay.ToMilliseconds() > 0
    leave.set()
    await first_answer
    await served.admission.wait_until_idle()
    assert await served.probe(kit.request(), metadata=kit.metadata()) is not None


async def test_a_refused_call_gives_its_place_back(kit: ProbeKit) -> None:
    served = await kit.serve([echo(kit)], calls_max=1)
    for _ in range(3):
        error = await refused(served.probe(kit.request()))
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
        await served.admission.wait_until_idle()


async def test_overload_is_logged_once_in_a_while(kit: ProbeKit) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _call: Call) -> Any:
        entered.set()
        await leave.wait()
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)], calls_max=1)
    first = asyncio.ensure_future(served.probe(kit.request(), metadata=kit.metadata()))
    await entered.wait()
    with structlog.testing.capture_logs() as lines:
        calls = [refused(served.probe(kit.request(), metadata=kit.metadata())) for _ in range(30)]
        await asyncio.gather(*calls)
    assert len([line for line in lines if line["log_level"] == "info"]) == 1
    assert kit.count("Probe", "RESOURCE_EXHAUSTED") == 30
    leave.set()
    await first


async def test_a_caller_that_leaves_cancels_its_handler(kit: ProbeKit) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def handler(_request: Any, _call: Call) -> Any:
        entered.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    served = await kit.serve([kit.unary(handler)])
    call = served.probe(kit.request(), metadata=kit.metadata())
    waiting = asyncio.ensure_future(call)
    await entered.wait()
    call.cancel()
    await cancelled.wait()
    await asyncio.wait({waiting})
    await served.admission.wait_until_idle()
    assert kit.count("Probe", "CANCELLED") == 1


async def test_an_inner_cancellation_is_answered_as_unknown_outcome(kit: ProbeKit) -> None:
    """grpc.aio would send nothing at all, and the caller would wait for ever."""

    async def handler(_request: Any, _call: Call) -> Any:
        commit: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        commit.cancel()
        await commit

    served = await kit.serve([kit.unary(handler)])
    error = await refused(served.probe(kit.request(), metadata=kit.metadata(), timeout=20))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert details_of(error)["RetryInfo"]


async def test_finished_spans_are_recorded(kit: ProbeKit) -> None:
    class Recorder:
        def __init__(self) -> None:
            self.spans: list[FinishedSpan] = []

        def record(self, span: FinishedSpan) -> None:
            self.spans.append(span)

    recorder = Recorder()

    async def handler(request: Any, _call: Call) -> Any:
        if request.text:
            raise NotFound("Referral", "referrals/1")
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)], spans=recorder)
    await served.probe(kit.request(), metadata=kit.metadata(("traceparent", TRACEPARENT)))
    await refused(served.probe(kit.request(text="x"), metadata=kit.metadata()))
    ok, failed = recorder.spans
    assert (ok.name, ok.succeeded, failed.succeeded) == (f"{SERVICE}/Probe", True, False)
    assert ok.context.parent_span_id == "00f067aa0ba902b7"
    assert failed.context.sampled, "a new trace is sampled where spans are recorded"
    assert ok.started_ns <= ok.ended_ns
    assert dict(failed.attributes)["rpc.grpc.status_code"] == "NOT_FOUND"


def test_two_methods_of_one_name_are_refused(kit_runtime: RpcRuntime, probe_pb2: Any) -> None:
    async def handler(_request: Any, _call: Call) -> Any:
        raise AssertionError

    method: UnaryMethod[Any, Any] = UnaryMethod(
        name="Probe",
        request_type=probe_pb2.ProbeRequest,
        response_type=probe_pb2.ProbeResponse,
        handler=handler,
    )
    with pytest.raises(ValueError, match="two methods Probe"):
        service_handler(SERVICE, [method, method], kit_runtime)


@pytest.fixture
def kit_runtime() -> RpcRuntime:
    class Nobody:
        def remembered(self, _token: str) -> None:
            return None

        async def verify(self, _token: str) -> Any:
            raise AssertionError

    return RpcRuntime(
        authenticator=Nobody(),
        admission=Admission(calls_max=1, streams_max=1),
        metrics=RpcMetrics(CollectorRegistry()),
    )


async def test_a_synchronous_client_reads_the_details(kit: ProbeKit) -> None:
    """The way that grpc's own documentation shows, with a real synchronous call."""
    served = await kit.serve([echo(kit)])

    def ask() -> Any:
        with grpc.insecure_channel(served.server.address) as channel:
            method = channel.unary_unary(f"/{SERVICE}/Probe")
            with pytest.raises(grpc.RpcError) as refusal:
                method(kit.request(count=-1).SerializeToString(), metadata=kit.metadata())
            return rpc_status.from_call(refusal.value)

    status = await asyncio.to_thread(ask)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert len(status.details) == 1


async def collect(call: Any, messages: list[Any] | None = None) -> list[Any]:
    messages = [] if messages is None else messages
    async for message in call:
        messages.append(message)
    return messages


async def test_a_stream_sends_what_its_handler_yields(kit: ProbeKit) -> None:
    async def handler(request: Any, call: Call) -> AsyncGenerator[Any, None]:
        assert call.actor == CLINICIAN
        for number in range(request.count):
            yield kit.pb2.ProbeResponse(number=number)

    served = await kit.serve([kit.stream(handler)])
    messages = await collect(served.watch(kit.request(count=5), metadata=kit.metadata()))
    assert [message.number for message in messages] == [0, 1, 2, 3, 4]
    await served.admission.wait_until_idle()
    labels = {"method": f"{SERVICE}/Watch"}
    assert kit.registry.get_sample_value("tierlink_rpc_stream_messages_total", labels) == 5
    assert kit.count("Watch", "OK") == 1


async def test_a_stream_is_refused_like_a_call(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        raise NotFound("Referral", "referrals/1")
        yield

    served = await kit.serve([kit.stream(handler)])
    error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata())))
    assert (error.code(), details_of(error)["ResourceInfo"][0].resource_name) == (
        grpc.StatusCode.NOT_FOUND,
        "referrals/1",
    )
    assert (await refused(collect(served.watch(kit.request())))).code() is grpc.StatusCode.UNAUTHENTICATED
    invalid = await refused(collect(served.watch(kit.request(count=-1), metadata=kit.metadata())))
    assert invalid.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_a_stream_that_breaks_midway_hides_why(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        yield kit.pb2.ProbeResponse(number=1)
        raise RuntimeError("hunter2")

    served = await kit.serve([kit.stream(handler)])
    messages: list[Any] = []
    with structlog.testing.capture_logs() as lines:
        error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata()), messages))
    assert [message.number for message in messages] == [1]
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "hunter2" not in str(error)
    assert any("hunter2" in str(line.get("exc_info")) for line in lines)


async def test_a_stream_that_yields_another_type_is_internal(kit: ProbeKit) -> None:
    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        yield None

    served = await kit.serve([kit.stream(handler)])
    error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata())))
    assert error.code() is grpc.StatusCode.INTERNAL


async def test_open_streams_are_bounded_and_measured(kit: ProbeKit) -> None:
    closed = asyncio.Event()

    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        try:
            yield kit.pb2.ProbeResponse(number=1)
            await asyncio.Event().wait()
        finally:
            closed.set()

    served = await kit.serve([kit.stream(handler)], streams_max=1)
    first = served.watch(kit.request(), metadata=kit.metadata())
    await first.read()
    labels = {"method": f"{SERVICE}/Watch"}
    assert kit.registry.get_sample_value("tierlink_rpc_open_streams", labels) == 1
    error = await refused(collect(served.watch(kit.request(), metadata=kit.metadata())))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error)["RetryInfo"]
    first.cancel()
    await closed.wait()
    await served.admission.wait_until_idle()
    assert kit.registry.get_sample_value("tierlink_rpc_open_streams", labels) == 0
    assert kit.count("Watch", "CANCELLED") == 1
    again = served.watch(kit.request(), metadata=kit.metadata())
    assert (await again.read()).number == 1


async def test_a_reader_that_does_not_read_is_dropped(kit: ProbeKit) -> None:
    ended = asyncio.Event()

    async def handler(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        try:
            while True:
                yield kit.pb2.ProbeResponse(filler=b"x" * 100_000)
        finally:
            ended.set()

    served = await kit.serve([kit.stream(handler)], slow_reader_s=0.05)
    call = served.watch(kit.request(), metadata=kit.metadata())
    messages = aiter(call)
    await anext(messages)
    await asyncio.wait_for(ended.wait(), 20)
    # The status waits behind what was sent: the reader finds it when it reads on.
    error = await refused(collect(messages))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert details_of(error)["RetryInfo"]
    assert kit.count("Watch", "RESOURCE_EXHAUSTED") == 1
