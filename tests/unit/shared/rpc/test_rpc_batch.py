"""Batches: each item as the call that it stands for, what is about the same thing in order."""

import asyncio
from typing import Any

import pytest
import structlog
from google.rpc import error_details_pb2

from services.shared.kernel.refusals import DependencyDown, FieldViolation, InvalidInput, NotFound, Overloaded
from services.shared.rpc import batch_serving
from services.shared.rpc.call import Call
from services.shared.telemetry.log_context import log_fields
from tests.unit.shared.rpc.batch_probe import Code, detail, fields, request, said, sent, serve
from tests.unit.shared.rpc.rpc_probe import SERVICE, ProbeKit, details_of, refused


async def test_each_item_has_its_own_outcome_in_the_order_of_the_batch(kit: ProbeKit) -> None:
    async def handler(asked: Any, _call: Call) -> Any:
        match asked.text:
            case "absent":
                raise NotFound("probe", "probes/1")
            case "wrong":
                raise InvalidInput(FieldViolation(field="items[0].code", reason="ODD", description="odd"))
            case "broken":
                raise RuntimeError("password=hunter2")
        return kit.pb2.ProbeResponse(text=asked.text, number=asked.count)

    served = await serve(kit, handler)
    results = await sent(kit, served, request(kit, "a", "absent", "b", "wrong", "broken", "c"))
    assert [said(result) for result in results] == [
        "a",
        Code.NOT_FOUND,
        "b",
        Code.INVALID_ARGUMENT,
        Code.INTERNAL,
        "c",
    ]
    assert [result.probe.number for result in results] == [0, 0, 2, 0, 0, 5]
    assert detail(results[1], error_details_pb2.ResourceInfo).resource_name == "probes/1"
    assert fields(results[3]) == ["items[3].probe.items[0].code"]
    assert "hunter2" not in str(results[4])


async def test_a_refusal_is_that_of_the_call(kit: ProbeKit) -> None:
    async def handler(_asked: Any, _call: Call) -> Any:
        raise NotFound("probe", "probes/1")

    served = await serve(kit, handler)
    error = await refused(served.probe(kit.request(), metadata=kit.metadata()))
    (result,) = await sent(kit, served, request(kit, ""))
    assert result.status.code == error.code().value[0]
    assert result.status.message == error.details()
    assert detail(result, error_details_pb2.ResourceInfo) == details_of(error)["ResourceInfo"][0]


async def test_what_is_about_the_same_is_in_order_and_the_rest_does_not_wait(kit: ProbeKit) -> None:
    begun: list[int] = []
    go = {text: asyncio.Event() for text in ("a", "b")}

    async def handler(asked: Any, _call: Call) -> Any:
        begun.append(asked.count)
        if asked.text == "b":
            # Given: the first about `a` is under way; when: what is about `b` is carried out.
            go["a"].set()
        else:
            await go["a"].wait()
        return kit.pb2.ProbeResponse(text=asked.text)

    served = await serve(kit, handler)
    results = await sent(kit, served, request(kit, "a", "a", "b", "a"), timeout=20)
    assert [said(result) for result in results] == ["a", "a", "b", "a"]
    # Then: it did not wait for the others, which came one after the other.
    assert begun == [0, 2, 1, 3]


async def test_what_was_named_together_is_one_thing_for_what_comes_after_it(kit: ProbeKit) -> None:
    ended: list[int] = []
    seen: dict[int, list[int]] = {}

    async def handler(asked: Any, _call: Call) -> Any:
        seen[asked.count] = list(ended)
        for _ in range(50):
            await asyncio.sleep(0)
        ended.append(asked.count)
        return kit.pb2.ProbeResponse(text=asked.text)

    # Given: a referral of a patient, and one of another; then what names the referral, and what the patient.
    served = await serve(kit, handler)
    results = await sent(
        kit, served, request(kit, "referral patient", "other stranger", "referral", "patient", "stranger")
    )
    assert [said(result) for result in results][3:] == ["patient", "stranger"]
    # Then: the patient's next found the referral's step done; the stranger's waited for his own alone.
    assert {0, 2} <= set(seen[3])
    assert 1 in seen[4]
    assert not {2, 3} & set(seen[4])


async def test_after_a_refusal_what_is_about_the_same_is_tried_all_the_same(kit: ProbeKit) -> None:
    async def handler(asked: Any, _call: Call) -> Any:
        if asked.count == 0:
            raise NotFound("probe", "probes/1")
        return kit.pb2.ProbeResponse(text=asked.text)

    served = await serve(kit, handler)
    results = await sent(kit, served, request(kit, "a", "a"))
    assert [said(result) for result in results] == [Code.NOT_FOUND, "a"]


@pytest.mark.parametrize("trouble", [DependencyDown("database", "away"), Overloaded("full")])
async def test_without_an_outcome_nothing_about_the_same_is_begun(kit: ProbeKit, trouble: Exception) -> None:
    begun: list[int] = []

    async def handler(asked: Any, _call: Call) -> Any:
        begun.append(asked.count)
        if asked.count == 1:
            raise trouble
        return kit.pb2.ProbeResponse(text=asked.text)

    served = await serve(kit, handler)
    results = await sent(kit, served, request(kit, "a", "a", "b", "a", "a"))
    assert sorted(begun) == [0, 1, 2]
    assert [said(result) for result in results][2:] == ["b", Code.UNAVAILABLE, Code.UNAVAILABLE]
    assert "items[1]" in results[3].status.message
    assert detail(results[3], error_details_pb2.RetryInfo).retry_delay.ToMilliseconds() > 0


async def test_the_answer_comes_before_the_deadline_and_says_what_was_not_begun(kit: ProbeKit) -> None:
    async def handler(asked: Any, _call: Call) -> Any:
        if asked.text == "a":
            await asyncio.Event().wait()
        return kit.pb2.ProbeResponse(text=asked.text)

    served = await serve(kit, handler)
    with structlog.testing.capture_logs(processors=[lambda *line: {**line[2], **log_fields()}]) as lines:
        results = await sent(kit, served, request(kit, "a", "b", "a"), timeout=2)
    assert [said(result) for result in results] == [Code.DEADLINE_EXCEEDED, "b", Code.DEADLINE_EXCEEDED]
    reasons = [detail(results[n], error_details_pb2.ErrorInfo).reason for n in (0, 2)]
    assert reasons == ["OUTCOME_UNKNOWN", "NOT_BEGUN"]
    assert kit.count("Probe", "DEADLINE_EXCEEDED") == 1
    # What is said of an item is not said of the batch.
    assert [(line["rpc"], line["code"]) for line in lines if "code" in line][1:] == [
        (f"{SERVICE}/Probe", "CANCELLED"),
        (f"{SERVICE}/Probe", "DEADLINE_EXCEEDED"),
        (f"{SERVICE}/Probes", "OK"),
    ]
    async with asyncio.timeout(20):
        await served.admission.wait_until_idle()


async def test_whose_caller_leaves_is_cancelled(kit: ProbeKit) -> None:
    cancelled, begun = asyncio.Event(), asyncio.Event()

    async def handler(_asked: Any, _call: Call) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    served = await serve(kit, handler)
    call = served.probes(request(kit, "a"), metadata=kit.metadata())
    await begun.wait()
    call.cancel()
    async with asyncio.timeout(20):
        await cancelled.wait()
        await served.admission.wait_until_idle()
    assert kit.count("Probe", "CANCELLED") == 1


async def test_a_server_that_stops_begins_nothing_more(kit: ProbeKit) -> None:
    admission: list[Any] = []

    async def handler(asked: Any, _call: Call) -> Any:
        admission[0].stop()
        return kit.pb2.ProbeResponse(text=asked.text)

    served = await serve(kit, handler)
    admission.append(served.admission)
    results = await sent(kit, served, request(kit, "a", "a"))
    assert [said(result) for result in results] == ["a", Code.UNAVAILABLE]


async def test_no_more_than_so_many_items_are_under_way(
    kit: ProbeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch_serving, "ITEMS_AT_ONCE", 2)
    under_way, most = 0, 0

    async def handler(asked: Any, _call: Call) -> Any:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        return kit.pb2.ProbeResponse(text=asked.text)

    served = await serve(kit, handler)
    batches = [sent(kit, served, request(kit, *"abcdef")) for _ in range(2)]
    for results in await asyncio.gather(*batches):
        assert [said(result) for result in results] == list("abcdef")
    assert most == 2
