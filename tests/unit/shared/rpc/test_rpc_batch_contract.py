"""What is asked of a batch and its items, what is told of them, and what is counted."""

from typing import Any

import pytest
import structlog

from services.shared.kernel.refusals import FieldViolation, NotFound
from services.shared.rpc import batch_items, validation
from services.shared.rpc.call import Call, CarriedOut, RpcRuntime
from services.shared.rpc.method import BatchMethod, UnaryMethod, service_handlers
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import FinishedSpan, parse_traceparent
from tests.unit.shared.rpc.batch_probe import Code, echo, fields, request, said, sent, serve
from tests.unit.shared.rpc.rpc_probe import CLINICIAN, REQUEST_ID, SERVICE, ProbeKit, details_of, refused


async def test_each_item_is_checked_on_its_own(kit: ProbeKit) -> None:
    served = await serve(kit, echo(kit))
    batch = request(kit, "a", "b")
    batch.items[0].probe.request_id = "no uuid"
    batch.items[0].probe.count = 7_000
    batch.items.add()
    results = await sent(kit, served, batch)
    assert [said(result) for result in results] == [Code.INVALID_ARGUMENT, "b", Code.INVALID_ARGUMENT]
    assert fields(results[0]) == ["items[0].probe.request_id", "items[0].probe.count"]
    assert fields(results[2]) == ["items[2].command"]


async def test_what_an_item_has_and_this_version_does_not_know_refuses_it_alone(kit: ProbeKit) -> None:
    later = kit.pb2.LaterProbesRequest()
    later.items.add().probe.MergeFromString(kit.request(text="a").SerializeToString())
    later.items.add().another.code = "A"
    item = later.items.add().probe
    item.request_id, item.allergy = REQUEST_ID, "penicillin"
    item.items.add().severity = "high"
    served = await serve(kit, echo(kit))
    results = await sent(kit, served, later.SerializeToString())
    assert [said(result) for result in results] == ["a", Code.INVALID_ARGUMENT, Code.INVALID_ARGUMENT]
    assert fields(results[1]) == ["items[1].#11"]
    assert {"items[2].probe.#99", "items[2].probe.items[0].#7"} <= set(fields(results[2]))


async def test_what_stands_beside_a_command_and_is_not_known_refuses_it(kit: ProbeKit) -> None:
    later = kit.pb2.LaterProbesRequest()
    for text in ("a", "b"):
        later.items.add().probe.MergeFromString(kit.request(text=text).SerializeToString())
    later.items[0].only_if_asked = True
    served = await serve(kit, echo(kit))
    results = await sent(kit, served, later.SerializeToString())
    assert [said(result) for result in results] == [Code.INVALID_ARGUMENT, "b"]
    assert fields(results[0]) == ["items[0].#12"]
    assert (kit.count("Probe", "INVALID_ARGUMENT"), kit.count("Probe", "OK")) == (1, 1)


@pytest.mark.parametrize("method", ["probe", "probes", "item"])
async def test_very_many_unknown_fields_are_not_all_gathered(
    kit: ProbeKit, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def violation(**fields: str) -> FieldViolation:
        made.append(fields["field"])
        return FieldViolation(**fields)

    served = await serve(kit, echo(kit))
    monkeypatch.setattr(validation, "FieldViolation", violation)
    unknown = b"\xf8\x07\x01" * 5_000  # field 127
    if method == "item":
        batch = kit.pb2.ProbesRequest()
        batch.items.add().MergeFromString(unknown)
        (result,) = await sent(kit, served, batch)
        assert said(result) is Code.INVALID_ARGUMENT
    else:
        error = await refused(getattr(served, method)(unknown, metadata=kit.metadata()))
        assert error.code() is Code.INVALID_ARGUMENT
    assert 0 < len(made) < 500


async def test_a_batch_with_nothing_too_much_or_something_unknown_is_refused(kit: ProbeKit) -> None:
    served = await serve(kit, echo(kit))
    unknown = kit.pb2.LaterProbesRequest(all_or_nothing=True)
    unknown.items.add().probe.request_id = REQUEST_ID
    for batch, field in (
        (request(kit), "items"),
        (request(kit, *["a"] * 101), "items"),
        (unknown.SerializeToString(), "#9"),
        (b"\xff", ""),
    ):
        error = await refused(served.probes(batch, metadata=kit.metadata()))
        assert error.code() is Code.INVALID_ARGUMENT
        (bad,) = details_of(error)["BadRequest"]
        assert [violation.field for violation in bad.field_violations] == [field]
    assert kit.count("Probe", "OK") == 0


async def test_who_is_not_known_learns_nothing(kit: ProbeKit) -> None:
    served = await serve(kit, echo(kit))
    error = await refused(served.probes(b"\xff", metadata=(("authorization", "Bearer x"),)))
    assert error.code() is Code.UNAUTHENTICATED


async def test_where_replies_are_not_wanted_or_do_not_fit_there_is_name_and_version(
    kit: ProbeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def handler(asked: Any, _call: Call) -> Any:
        thing = kit.pb2.Thing(name=f"things/{asked.text}", version=asked.count)
        return kit.pb2.ProbeResponse(text=asked.text, thing=thing, filler=bytes(1000))

    served = await serve(kit, handler)
    for result in await sent(kit, served, request(kit, "a", "a", brief=True)):
        assert result.carried_out.name == "things/a"
    monkeypatch.setattr(batch_items, "REPLIES_BYTES_MAX", 2500)
    results = await sent(kit, served, request(kit, "a", "b", "c"))
    found = [result.WhichOneof("outcome") for result in results]
    assert found == ["probe", "probe", "carried_out"]
    assert (results[2].carried_out.name, results[2].carried_out.version) == ("things/c", 2)


async def test_a_handler_need_not_make_a_reply_that_is_not_wanted(kit: ProbeKit) -> None:
    async def handler(asked: Any, call: Call) -> Any:
        if call.is_brief:
            return CarriedOut(name=f"things/{asked.text}", version=4)
        return kit.pb2.ProbeResponse(text=asked.text)

    served = await serve(kit, handler)
    (result,) = await sent(kit, served, request(kit, "a", brief=True))
    assert (result.carried_out.name, result.carried_out.version) == ("things/a", 4)
    (result,) = await sent(kit, served, request(kit, "a"))
    assert said(result) == "a"
    assert (await served.probe(kit.request(text="a"), metadata=kit.metadata())).text == "a"


async def test_a_reply_that_is_none_is_no_reply_to_a_brief_batch_either(kit: ProbeKit) -> None:
    async def handler(_asked: Any, _call: Call) -> Any:
        return kit.pb2.Thing()

    served = await serve(kit, handler)
    (result,) = await sent(kit, served, request(kit, "a", brief=True))
    assert said(result) is Code.INTERNAL


async def test_items_are_counted_traced_and_logged_as_calls(kit: ProbeKit) -> None:
    spans: list[FinishedSpan] = []
    calls: list[Call] = []

    class Recorder:
        def record(self, span: FinishedSpan) -> None:
            spans.append(span)

    async def handler(asked: Any, call: Call) -> Any:
        calls.append(call)
        if asked.text == "b":
            raise NotFound("probe", "probes/1")
        return kit.pb2.ProbeResponse()

    served = await serve(kit, handler, tracer=Tracer(Recorder(), ratio=1.0))
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        await sent(kit, served, request(kit, "a", "b"))
    assert kit.count("Probe", "OK") == 1
    assert kit.count("Probe", "NOT_FOUND") == 1
    assert kit.count("Probes", "OK") == 1
    *items, batch = spans
    assert batch.name == f"{SERVICE}/Probes"
    assert {span.name for span in items} == {f"{SERVICE}/Probe"}
    assert {span.context.parent_span_id for span in items} == {batch.context.span_id}
    told = [parse_traceparent(call.traceparent) for call in calls]
    assert {each.span_id for each in told if each} == {span.context.span_id for span in items}
    assert {(call.actor, call.method) for call in calls} == {(CLINICIAN, f"{SERVICE}/Probe")}
    assert [line["code"] for line in lines if line["event"] == "call refused"] == ["NOT_FOUND"]


async def test_a_batch_of_what_nobody_serves_does_not_start(kit: ProbeKit, kit_runtime: RpcRuntime) -> None:
    with pytest.raises(ValueError, match="no command of this process"):
        service_handlers([(SERVICE, [kit.batch()])], kit_runtime)
    other = UnaryMethod(
        name="Probe",
        request_type=kit.pb2.ProbeRequest,
        response_type=kit.pb2.Thing,
        handler=echo(kit),
    )
    batches: tuple[UnaryMethod[Any, Any] | BatchMethod, ...] = (other, kit.batch())
    with pytest.raises(ValueError, match="is not the reply"):
        service_handlers([(SERVICE, batches)], kit_runtime)
