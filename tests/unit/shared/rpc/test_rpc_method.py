"""What happens around a handler: credentials, contract, context, bounds, metrics, cancellation."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
import structlog

from services.shared.kernel.refusals import DependencyDown, NotFound
from services.shared.rpc.call import ANONYMOUS, Call, RpcRuntime
from services.shared.rpc.error_table import failure_of
from services.shared.rpc.method import UnaryMethod, service_handler
from services.shared.telemetry.log_context import log_fields
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind, parse_traceparent
from tests.doubles.spans import Kept
from tests.unit.shared.rpc.rpc_probe import CLINICIAN, REQUEST_ID, SERVICE, ProbeKit, details_of, refused

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


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
    served = await kit.serve([kit.echo()])
    error = await refused(served.probe(kit.request(request_id="not a uuid"), metadata=metadata))
    assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert details_of(error)["ErrorInfo"][0].reason == reason
    assert kit.count("Probe", "UNAUTHENTICATED") == 1


async def test_the_scheme_is_read_in_any_case(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
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
        "services.shared.rpc.call_frame.failure_of",
        lambda refusal: traces.append(log_fields()["trace_id"]) or failure_of(refusal),
    )
    served = await kit.serve([kit.echo()])
    await refused(served.probe(kit.request(), metadata=(("traceparent", TRACEPARENT),)))
    assert traces == ["4bf92f3577b34da6a3ce929d0e0e4736"]


async def test_one_line_for_a_refused_call_and_none_for_a_quick_one(kit: ProbeKit) -> None:
    async def handler(request: Any, _call: Call) -> Any:
        if request.text:
            raise NotFound("Referral", "referrals/1")
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)], slow_call_s=3600.0)
    with structlog.testing.capture_logs() as lines:
        await served.probe(kit.request(), metadata=kit.metadata())
        await refused(served.probe(kit.request(text="x"), metadata=kit.metadata()))
    assert [(line["log_level"], line["code"]) for line in lines] == [("debug", "OK"), ("info", "NOT_FOUND")]


async def test_a_slow_call_is_told(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()], slow_call_s=0.0)
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


async def test_finished_spans_are_recorded(kit: ProbeKit) -> None:
    recorder = Kept()

    async def handler(request: Any, _call: Call) -> Any:
        if request.text == "x":
            raise NotFound("Referral", "referrals/1")
        if request.text == "y":
            raise DependencyDown("postgresql", "away")
        return kit.pb2.ProbeResponse()

    served = await kit.serve([kit.unary(handler)], tracer=Tracer(recorder, ratio=1.0))
    await served.probe(kit.request(), metadata=kit.metadata(("traceparent", TRACEPARENT)))
    await served.probe(kit.request(), metadata=kit.metadata(("traceparent", f"{TRACEPARENT[:-1]}0")))
    await refused(served.probe(kit.request(text="x"), metadata=kit.metadata()))
    await refused(served.probe(kit.request(text="y"), metadata=kit.metadata()))
    # The second call's caller does not record its trace.
    ok, missing, away = recorder.spans
    assert (ok.name, ok.kind, ok.error) == (f"{SERVICE}/Probe", SpanKind.SERVER, "")
    assert ok.context.parent_span_id == "00f067aa0ba902b7"
    assert missing.context.sampled, "a new trace is sampled where the ratio says so"
    assert ok.started_ns <= ok.ended_ns
    assert dict(missing.attributes) == {
        "rpc.system.name": "grpc",
        "rpc.method": f"{SERVICE}/Probe",
        "rpc.response.status_code": "NOT_FOUND",
    }
    # What the caller did wrong is no error of this server.
    assert (missing.error, away.error) == ("", "UNAVAILABLE")


@pytest.mark.parametrize("name", ["probe", "watch"])
async def test_the_flag_of_who_is_not_let_in_records_nothing(kit: ProbeKit, name: str) -> None:
    async def nothing(_request: Any, _call: Call) -> AsyncGenerator[Any, None]:
        for message in ():
            yield message

    async def asked(recorder: Kept, ratio: float, *metadata: tuple[str, str], **fields: Any) -> Any:
        served = await kit.serve([kit.echo(), kit.stream(nothing)], tracer=Tracer(recorder, ratio=ratio))
        call = getattr(served, name)(kit.request(**fields), metadata=metadata)
        return (await refused(call if name == "probe" else call.read())).code()

    flag, unasked, known, share = ("traceparent", TRACEPARENT), Kept(), Kept(), Kept()
    for stranger in ((flag,), (("authorization", "Bearer x"), flag)):
        assert await asked(unasked, 1.0, *stranger) is grpc.StatusCode.UNAUTHENTICATED
    assert unasked.spans == []
    # Whoever is known and asks for what is wrong has it recorded, to see why.
    code = await asked(known, 0.0, *kit.metadata(flag), count=-1)
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert [span.context.trace_id for span in known.spans] == [TRACEPARENT.split("-")[1]]
    # And of what begins here, the share is recorded whoever asks.
    await asked(share, 1.0)
    assert len(share.spans) == 1


async def test_a_unary_method_shows_no_streams(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
    await served.probe(kit.request(), metadata=kit.metadata())
    shown = {sample.name for family in kit.registry.collect() for sample in family.samples}
    assert "tierlink_rpc_call_seconds_bucket" in shown
    assert not {"tierlink_rpc_open_streams", "tierlink_rpc_stream_messages_total"} & shown


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
