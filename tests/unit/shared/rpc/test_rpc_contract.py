"""What is asked of a request before its handler sees it."""

import asyncio
from typing import Any

import grpc
import protovalidate
import pytest
from grpc_status import rpc_status

from services.shared.kernel.refusals import InvalidInput
from services.shared.rpc.validation import RequestContract
from tests.unit.shared.rpc.rpc_probe import REQUEST_ID, SERVICE, ProbeKit, details_of, refused


async def test_every_violation_is_told_at_once(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
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
    served = await kit.serve([kit.echo()])
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


@pytest.mark.parametrize("where", ["top", "nested", "map"])
async def test_an_unknown_field_alone_is_enough(kit: ProbeKit, where: str) -> None:
    item = kit.pb2.LaterItem
    fields = {
        "top": {"allergy": "penicillin"},
        "nested": {"items": [item(code="A", nested=item(code="B", severity="high"))]},
        "map": {"labels": {"left": item(code="A", severity="high")}},
    }[where]
    served = await kit.serve([kit.echo()])
    later = kit.pb2.LaterRequest(request_id=REQUEST_ID, **fields)
    error = await refused(served.probe(later.SerializeToString(), metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    (violation,) = details_of(error)["BadRequest"][0].field_violations
    assert violation.reason == "UNKNOWN_FIELD"


async def test_bytes_that_are_no_message_are_an_invalid_argument(kit: ProbeKit) -> None:
    served = await kit.serve([kit.echo()])
    error = await refused(served.probe(b"\xff\xff\xff", metadata=kit.metadata()))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert details_of(error)["BadRequest"][0].field_violations[0].reason == "MALFORMED"


def test_a_flood_of_violations_is_bounded(probe_pb2: Any) -> None:
    contract = RequestContract(probe_pb2.ProbeRequest, protovalidate.Validator())
    request = probe_pb2.ProbeRequest(items=[probe_pb2.Item(code="bad") for _ in range(3000)])
    with pytest.raises(InvalidInput) as refusal:
        contract.read(request.SerializeToString())
    assert len(refusal.value.violations) == 200


async def test_a_synchronous_client_reads_the_details(kit: ProbeKit) -> None:
    """The way that grpc's own documentation shows, with a real synchronous call."""
    served = await kit.serve([kit.echo()])

    def ask() -> Any:
        with grpc.insecure_channel(served.server.address) as channel:
            method = channel.unary_unary(f"/{SERVICE}/Probe")
            with pytest.raises(grpc.RpcError) as refusal:
                method(kit.request(count=-1).SerializeToString(), metadata=kit.metadata())
            return rpc_status.from_call(refusal.value)

    status = await asyncio.to_thread(ask)
    assert status.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert len(status.details) == 1
