"""The record through the running service: begun with the minimum, completed, refused where it is nonsense."""

from datetime import UTC, timedelta
from typing import Any

import grpc
import pytest

from tests.integration.hospital import BRANCH, COUNTY, new_id
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import referral_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

ICD = {"system": "ICD-10", "version": "2.0", "code": "I63.902"}


def complete_request(name: str, **changes: Any) -> pb.CompleteRecordRequest:
    fields: dict[str, Any] = {"request_id": new_id(), "name": name}
    return pb.CompleteRecordRequest(**{**fields, **changes})


async def test_an_emergency_is_completed_element_by_element(site: Site) -> None:
    referrals, branch = site.hospital.referrals, site.hospital.as_(BRANCH)
    referral = await site.hospital.create()
    rules = (await referrals.GetRecordRules(pb.GetRecordRulesRequest(), metadata=branch)).rules
    assert list(referral.missing_elements) == list(rules.elements_up)
    created = referral.create_time.ToDatetime(UTC)
    limit = timedelta(seconds=rules.completion_limit_s)
    assert (limit, rules.completion_limit_source.confidence) == (timedelta(hours=6), "B")
    assert referral.record_due_at.ToDatetime(UTC) == created + limit
    record = {
        "outpatient_number": "MZ-1",
        "sex": {"system": "GB/T 2261.1", "version": "2003", "code": "1"},
        "disease_history": "高血压10年",
        "operation_history": "无",
        "narrative": "右侧肢体无力2小时",
        "referring_physician": "张医生",
        "diagnoses": [{"code": ICD, "diagnosed_on": "2026-01-05", "facility_name": "五彩湾镇分院"}],
        "examination_results": "头颅CT未见出血",
        "origin_facility_code": {"system": "WS 218", "version": "2002", "code": "4576001230"},
        "origin_department": "急诊科",
        "disposition_plan": "转卒中单元",
    }
    half = await referrals.CompleteRecord(complete_request(referral.name, record=record), metadata=branch)
    assert list(half.referral.missing_elements) == [
        "clinical_summary.allergies",
        "clinical_summary.treatment_given",
        "clinical_summary.symptoms",
    ]
    summary = {"allergies": "无", "treatment_given": "阿替普酶", "symptoms": "右侧肢体无力"}
    whole = await referrals.CompleteRecord(
        complete_request(referral.name, clinical_summary=summary), metadata=branch
    )
    assert not whole.referral.missing_elements
    assert whole.referral.HasField("record_completed_at")
    assert [each.late for each in whole.referral.record_completions] == [False, False]
    shown = await referrals.GetReferral(
        pb.GetReferralRequest(name=referral.name), metadata=site.hospital.as_(COUNTY)
    )
    assert shown.referral.record == whole.referral.record


async def test_nonsense_is_named_field_by_field(site: Site) -> None:
    referral = await site.hospital.create()
    record = {
        "diagnoses": [{"code": {**ICD, "system": "ICD-11"}}],
        "pathway_data": {
            "trauma": {"injury_severity_score": 7},
            "maternal": {"risk_colour": "PURPLE"},
        },
    }
    found = await refused(
        site.hospital.referrals.CompleteRecord(
            complete_request(referral.name, record=record), metadata=site.hospital.as_(BRANCH)
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    assert [(each.field, each.reason) for each in found["BadRequest"].field_violations] == [
        ("record.diagnoses[0].code.system", "WRONG_CODE_SYSTEM"),
        ("record.pathway_data.trauma.injury_severity_score", "IMPOSSIBLE_SCORE"),
        ("record.pathway_data.maternal.risk_colour", "UNKNOWN_COLOUR"),
    ]


async def test_nobody_else_completes_it(site: Site) -> None:
    referral = await site.hospital.create()
    request = complete_request(referral.name, record={"narrative": "补记"})
    await refused(
        site.hospital.referrals.CompleteRecord(request, metadata=site.hospital.as_(COUNTY)),
        grpc.StatusCode.PERMISSION_DENIED,
    )
