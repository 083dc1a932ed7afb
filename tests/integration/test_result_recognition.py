"""Results through gRPC: what the destination need not repeat, and why it did."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.integration.hospital import BRANCH, CITY, COUNTY, OTHER, accept_request, new_id
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import examination_result_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


def result(item: str, facility: str, **fields: Any) -> dict[str, Any]:
    """A laboratory result of yesterday, unless `fields` say otherwise."""
    return {
        "kind": "RESULT_KIND_LAB",
        "item_name": item,
        "facility": facility,
        "performed_at": datetime.now(UTC) - timedelta(days=1),
        "value": "4.1",
        **fields,
    }


async def read(site: Site, name: str, facility: str) -> pb.GetReferralResponse:
    reply: pb.GetReferralResponse = await site.hospital.referrals.GetReferral(
        pb.GetReferralRequest(name=name), metadata=site.hospital.as_(facility)
    )
    return reply


async def test_before_a_referral_is_created_each_destination_says_what_it_would_recognise(site: Site) -> None:
    request = pb.ExplainReferralRequest(
        destinations=[COUNTY, CITY],
        urgency="URGENCY_EMERGENCY",
        pathway="PATHWAY_STROKE",
        consent={"recorded": True},
        results=[result("血钾", COUNTY), result("血常规", BRANCH)],
    )
    reply = await site.hospital.referrals.ExplainReferral(request, metadata=site.hospital.as_(BRANCH))
    county, city = sorted(reply.destinations, key=lambda each: each.facility != COUNTY)
    assert [(each.result, each.code) for each in county.recognitions] == [
        ("results/0", "RECOGNISED"),
        ("results/1", "LOWER_LEVEL"),
    ]
    assert [each.item_name for each in county.do_not_repeat] == ["血钾"]
    assert (len(city.recognitions), len(city.do_not_repeat)) == (2, 0)


async def test_the_destination_is_told_what_not_to_repeat_and_says_why_it_did(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create(
        results=[
            result("血钾", COUNTY),
            result("肌钙蛋白", CITY, mark="HR"),
            result("血常规", BRANCH),
            result("心电图", BRANCH, kind="RESULT_KIND_ECG", reported_by_facility=COUNTY),
            result("血糖", COUNTY, performed_at=datetime.now(UTC) - timedelta(days=8)),
        ]
    )
    shown = await read(site, referral.name, COUNTY)
    assert {each.item_name: each.code for each in shown.recognitions} == {
        "血钾": "RECOGNISED",
        "肌钙蛋白": "RECOGNISED",
        "血常规": "LOWER_LEVEL",
        "心电图": "RECOGNISED",
        "血糖": "TOO_OLD",
    }
    assert [each.item_name for each in shown.do_not_repeat] == ["血钾", "肌钙蛋白", "心电图"]
    assert all(each.text.zh and each.text.en and len(each.findings) == 5 for each in shown.recognitions)
    potassium = shown.do_not_repeat[0].result

    # The one that comes later is on the list at once.
    late = pb.AddResultsRequest(request_id=new_id(), name=referral.name, results=[result("凝血", COUNTY)])
    await hospital.referrals.AddResults(late, metadata=hospital.as_(BRANCH))
    shown = await read(site, referral.name, BRANCH)
    assert [each.item_name for each in shown.do_not_repeat][-1] == "凝血"

    repeat = pb.RecordRepeatRequest(
        request_id=new_id(), name=referral.name, result=potassium, reason="REPEAT_REASON_CONDITION_CHANGED"
    )
    await refused(
        hospital.referrals.RecordRepeat(repeat, metadata=hospital.as_(COUNTY)),
        grpc.StatusCode.FAILED_PRECONDITION,
    )
    await hospital.referrals.AcceptReferral(accept_request(referral.name), metadata=hospital.as_(COUNTY))
    arrival = pb.ReportArrivalRequest(request_id=new_id(), name=referral.name, patient="P-1")
    await hospital.referrals.ReportArrival(arrival, metadata=hospital.as_(COUNTY))
    repeat.request_id = new_id()
    repeated = await hospital.referrals.RecordRepeat(repeat, metadata=hospital.as_(COUNTY))
    (kept,) = repeated.referral.result_repeats
    assert (kept.result, kept.recognised) == (potassium, True)
    assert kept.reason == examination_result_pb2.REPEAT_REASON_CONDITION_CHANGED
    shown = await read(site, referral.name, COUNTY)
    assert potassium not in {each.result for each in shown.do_not_repeat}
    assert next(each.repeated_here for each in shown.recognitions)


async def test_a_wrong_result_or_reason_writes_nothing(site: Site) -> None:
    hospital = site.hospital
    referral = await hospital.create()
    before = await site.events()
    wrong = result("血钾", COUNTY, performed_at=datetime.now(UTC) + timedelta(days=1), name="results/mine")
    found = await refused(hospital.create(results=[wrong]), grpc.StatusCode.INVALID_ARGUMENT)
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["results[0].name"]
    late = pb.AddResultsRequest(request_id=new_id(), name=referral.name, results=[result("血钾", COUNTY)])
    await refused(
        hospital.referrals.AddResults(late, metadata=hospital.as_(OTHER)), grpc.StatusCode.NOT_FOUND
    )
    repeat = pb.RecordRepeatRequest(request_id=new_id(), name=referral.name, result=f"results/{new_id()}")
    found = await refused(
        hospital.referrals.RecordRepeat(repeat, metadata=hospital.as_(COUNTY)),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    assert [violation.field for violation in found["BadRequest"].field_violations] == ["reason"]
    assert await site.events() == before
