"""Consultations as a branch and a centre meet them: one claim wins, and lists say whose turn it is."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from tests.integration.hospital import BRANCH, CITY, COUNTY, OTHER, Hospital, new_id
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import consultation_pb2
from tierlink.referral.v1 import consultation_service_pb2 as pb
from tierlink.type.v1 import type_pb2

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

CLAIMERS = 24
EXPERT = "dr-expert"
REPORT = {
    "findings": "ST 段抬高",
    "conclusion": "急性心肌梗死",
    "recommendation": "RECOMMENDATION_TREAT_LOCALLY",
}
TRACING = {
    "uri": "https://pacs.example/ecg/1",
    "media_type": "application/dicom",
    "sha256": "a" * 64,
    "size_bytes": 40_000,
}


async def ask(hospital: Hospital, **changes: Any) -> Any:
    """A remote ECG from the branch to the county, unless `changes` say otherwise."""
    metadata = changes.pop("metadata", None) or hospital.as_(BRANCH)
    fields: dict[str, Any] = {
        "request_id": new_id(),
        "patient": "P-1",
        "kind": "CONSULTATION_KIND_ECG",
        "urgency": "URGENCY_EMERGENCY",
        "pathway": "PATHWAY_CHEST_PAIN",
        "centre_facility": COUNTY,
        "question": "是否 ST 段抬高？",
        "ecg": {"leads": 12, "chest_pain": True},
        "attachments": [TRACING],
    }
    request = pb.RequestConsultationRequest(**{**fields, **changes})
    return (await hospital.consultations.RequestConsultation(request, metadata=metadata)).consultation


async def give(site: Site, rpc: str, name: str, metadata: Any, **fields: Any) -> Any:
    request = getattr(pb, f"{rpc}Request")(request_id=new_id(), name=name, **fields)
    reply = await getattr(site.hospital.consultations, rpc)(request, metadata=metadata)
    return reply.consultation


async def claimed(site: Site, **changes: Any) -> tuple[str, Any]:
    """A claimed consultation and the claimer's credentials."""
    name = (await ask(site.hospital, **changes)).name
    expert = site.hospital.as_(COUNTY, user=EXPERT)
    await give(site, "ClaimConsultation", name, expert)
    return name, expert


async def test_of_many_who_claim_at_once_one_wins(site: Site) -> None:
    for _ in range(4):
        name = (await ask(site.hospital)).name
        before = await site.events()
        results = await asyncio.gather(
            *(
                give(site, "ClaimConsultation", name, site.hospital.as_(COUNTY, user=f"dr-{number}"))
                for number in range(CLAIMERS)
            ),
            return_exceptions=True,
        )
        won = [result for result in results if not isinstance(result, BaseException)]
        lost = [result for result in results if isinstance(result, grpc.aio.AioRpcError)]
        assert (len(won), len(lost)) == (1, CLAIMERS - 1)
        assert {error.code() for error in lost} == {grpc.StatusCode.FAILED_PRECONDITION}
        assert await site.events() == before + 1
        found = await refused(
            give(site, "ClaimConsultation", name, site.hospital.as_(COUNTY, user="late")),
            grpc.StatusCode.FAILED_PRECONDITION,
        )
        (violation,) = found["PreconditionFailure"].violations
        assert COUNTY in violation.description
        assert found["ErrorInfo"].metadata["state"] == "CLAIMED"
        now = await site.hospital.consultations.GetConsultation(
            pb.GetConsultationRequest(name=name), metadata=site.hospital.as_(BRANCH)
        )
        assert now.consultation.claimed_by.user == won[0].claimed_by.user


async def test_a_released_claim_is_free_for_the_next(site: Site) -> None:
    name, expert = await claimed(site)
    await refused(
        give(site, "ReleaseClaim", name, site.hospital.as_(COUNTY, user="another")),
        grpc.StatusCode.PERMISSION_DENIED,
    )
    await give(site, "ReleaseClaim", name, expert)
    again = await give(site, "ClaimConsultation", name, site.hospital.as_(COUNTY, user="another"))
    assert again.claimed_by.user == "another"


async def test_what_was_returned_is_sent_again_or_called_off_by_who_asked(site: Site) -> None:
    branch, unclear = site.hospital.as_(BRANCH), {"code": "MISSING_LEAD", "text": "缺 V4–V6"}
    for ending in ("ResubmitConsultation", "CancelConsultation"):
        name, expert = await claimed(site)
        fields: dict[str, Any] = {"reason": {"code": "NO_LONGER_NEEDED", "text": "已转院"}}
        if ending == "ResubmitConsultation":
            fields = {"attachments": [TRACING | {"sha256": "b" * 64}], "ecg": {"leads": 12}}
        await refused(give(site, ending, name, branch, **fields), grpc.StatusCode.FAILED_PRECONDITION)
        await give(site, "ReturnConsultation", name, expert, reason=unclear)
        before = len(await site.payloads(name))
        await refused(give(site, ending, name, expert, **fields), grpc.StatusCode.PERMISSION_DENIED)
        assert len(await site.payloads(name)) == before
        ended = await give(site, ending, name, branch, **fields)
        if ending == "CancelConsultation":
            assert ended.state == consultation_pb2.CONSULTATION_STATE_CANCELLED
            await refused(give(site, "ClaimConsultation", name, expert), grpc.StatusCode.FAILED_PRECONDITION)
            continue
        assert ended.state == consultation_pb2.CONSULTATION_STATE_REQUESTED
        again = await give(site, "ClaimConsultation", name, expert)
        assert again.attachments[-1].sha256 == "b" * 64


async def test_what_is_wrong_with_a_question_is_named(site: Site) -> None:
    before = await site.events()
    found = await refused(
        ask(
            site.hospital,
            imaging={"modality": "MODALITY_CT", "body_part": "头颅"},
            attachments=[TRACING | {"uri": "data:application/dicom;base64,AAAA"}],
        ),
        grpc.StatusCode.INVALID_ARGUMENT,
    )
    fields = {violation.field for violation in found["BadRequest"].field_violations}
    assert fields == {"imaging", "attachments[0].uri"}
    assert await site.events() == before


async def test_a_critical_value_waits_until_it_is_acknowledged(site: Site) -> None:
    name, expert = await claimed(site)
    report = REPORT | {"critical_values": [{"item": "ST 段", "value": "抬高 0.3", "unit": "mV"}]}
    reported = await give(site, "ReportConsultation", name, expert, report=report)
    notice = reported.critical_value_notice
    assert reported.report.critical_value
    half_an_hour = timedelta(minutes=30)
    assert notice.acknowledge_by.ToDatetime() - notice.told_at.ToDatetime() == half_an_hour
    branch = site.hospital.as_(BRANCH, user="dr-branch")
    assert name in await listed(site, branch, queue="CONSULTATION_QUEUE_CRITICAL_VALUE_FOR_MY_FACILITY")
    assert name in await listed(site, branch, states=["CONSULTATION_STATE_REPORTED"])
    done = await give(site, "AcknowledgeCriticalValue", name, branch, handling="溶栓")
    assert done.critical_value_notice.acknowledged_by.user == "dr-branch"
    assert name not in await listed(site, branch, queue="CONSULTATION_QUEUE_CRITICAL_VALUE_FOR_MY_FACILITY")
    assert name in await listed(site, branch, states=["CONSULTATION_STATE_REPORTED"])


async def test_both_wordings_of_an_amended_report_stay_in_the_trail(site: Site) -> None:
    name, expert = await claimed(site)
    await give(site, "ReportConsultation", name, expert, report=REPORT)
    better = REPORT | {"conclusion": "急性前壁心肌梗死"}
    amended = await give(site, "AmendReport", name, expert, report=better, reason={"code": "MORE_PRECISE"})
    assert (amended.amendments, amended.report.conclusion) == (1, "急性前壁心肌梗死")
    kept = await site.payloads(name)
    assert ["急性心肌梗死".encode() in payload for payload in kept[-2:]] == [True, False]
    assert "急性前壁心肌梗死".encode() in kept[-1]


async def test_an_experts_visit_is_confirmed_and_held(site: Site) -> None:
    name, expert = await claimed(site)
    visit = {"expert": "外科主任", "from_facility": CITY, "visit_at": datetime.now(UTC) + timedelta(days=2)}
    report = REPORT | {"recommendation": "RECOMMENDATION_EXPERT_VISIT", "expert_visit": visit}
    planned = await give(site, "ReportConsultation", name, expert, report=report)
    assert planned.report.expert == "外科主任"
    branch = site.hospital.as_(BRANCH)
    await give(site, "ConfirmExpertVisit", name, branch)
    held = await give(site, "RecordExpertVisit", name, branch, summary="手术顺利")
    assert held.expert_visit_state == consultation_pb2.EXPERT_VISIT_STATE_HELD
    await refused(
        give(site, "CancelExpertVisit", name, expert, reason={"code": "ROADS_CLOSED"}),
        grpc.StatusCode.FAILED_PRECONDITION,
    )


async def listed(site: Site, metadata: Any, **fields: Any) -> list[str]:
    """Names of every page, two at a time."""
    names: list[str] = []
    token = ""
    while True:
        request = pb.ListConsultationsRequest(page_size=2, page_token=token, **fields)
        page = await site.hospital.consultations.ListConsultations(request, metadata=metadata)
        names += [consultation.name for consultation in page.consultations]
        token = page.next_page_token
        if not token:
            return names


async def test_lists_say_whose_turn_it_is(site: Site) -> None:
    patient = f"P-{new_id()[:8]}"
    other = site.hospital.as_(OTHER, user="dr-other")
    waiting = [(await ask(site.hospital, patient=patient, metadata=other)).name for _ in range(3)]
    routine = await ask(
        site.hospital,
        patient=patient,
        metadata=other,
        urgency="URGENCY_ROUTINE",
        kind="CONSULTATION_KIND_LAB",
        ecg=None,
    )
    taken, expert = await claimed(site, patient=patient, metadata=other)
    back, _ = await claimed(site, patient=patient, metadata=other)
    await give(site, "ReturnConsultation", back, expert, reason={"code": "MISSING_LEAD"})
    everything = {*waiting, routine.name, taken, back}

    async def of(metadata: Any, **fields: Any) -> set[str]:
        found = await listed(site, metadata, patient=patient, **fields)
        assert len(found) == len(set(found))
        return set(found)

    queue = "CONSULTATION_QUEUE_"
    centre = site.hospital.as_(COUNTY, user=EXPERT)
    assert await of(centre, queue=f"{queue}WAITING_FOR_MY_CENTRE") == {*waiting, routine.name}
    assert await of(centre, queue=f"{queue}CLAIMED_BY_ME") == {taken}
    assert await of(site.hospital.as_(COUNTY, user="x"), queue=f"{queue}CLAIMED_BY_ME") == set()
    assert await of(centre, queue=f"{queue}ASKED_BY_MY_FACILITY") == set()
    assert await of(other, queue=f"{queue}ASKED_BY_MY_FACILITY") == everything
    assert await of(other, queue=f"{queue}ASKED_BY_ME") == everything
    assert await of(site.hospital.as_(OTHER, user="x"), queue=f"{queue}ASKED_BY_ME") == set()
    assert await of(other, queue=f"{queue}RETURNED_TO_MY_FACILITY") == {back}
    assert await of(other, queue=f"{queue}WAITING_FOR_MY_CENTRE") == set()
    assert await of(centre, kind="CONSULTATION_KIND_LAB") == {routine.name}
    assert await of(centre, urgency="URGENCY_ROUTINE") == {routine.name}
    assert await of(centre, states=["CONSULTATION_STATE_CLAIMED", "CONSULTATION_STATE_RETURNED"]) == {
        taken,
        back,
    }
    assert await of(centre, overdue=False) == everything
    assert await of(centre, overdue=True) == set()
    assert await of(site.hospital.as_(BRANCH)) == set()


async def test_a_transfer_prefills_the_referral_that_follows(site: Site) -> None:
    hospital, patient = site.hospital, f"P-{new_id()[:8]}"
    name, expert = await claimed(site, patient=patient)
    transfer = {"destinations": [COUNTY], "bed_type": "BED_TYPE_CCU", "referral_reason": "急诊 PCI"}
    report = REPORT | {"recommendation": "RECOMMENDATION_TRANSFER", "transfer": transfer}
    asked = await give(site, "ReportConsultation", name, expert, report=report)
    bare = {"patient": patient, "consultation": name, "destinations": [], "urgency": 0, "pathway": 0}
    referral = await hospital.create(**bare, clinical_summary=None)
    assert (referral.episode, referral.consultation) == (asked.episode, name)
    assert (referral.destination_facility, referral.urgency, referral.pathway) == (
        COUNTY,
        asked.urgency,
        asked.pathway,
    )
    assert referral.bed_type == type_pb2.BED_TYPE_CCU
    assert referral.clinical_summary.diagnosis_name == "急性心肌梗死"
    assert referral.clinical_summary.referral_reason == "急诊 PCI"


async def test_a_consultation_that_advises_something_else_prefills_nothing(site: Site) -> None:
    hospital, patient = site.hospital, f"P-{new_id()[:8]}"
    name, expert = await claimed(site, patient=patient)
    await give(site, "ReportConsultation", name, expert, report=REPORT)
    before = await site.events()
    found = await refused(
        hospital.create(patient=f"{patient}-x", consultation=name), grpc.StatusCode.FAILED_PRECONDITION
    )
    codes = {violation.type for violation in found["PreconditionFailure"].violations}
    assert codes == {"CONSULTATION_ADVISES_NO_TRANSFER", "CONSULTATION_OF_ANOTHER_PATIENT"}
    await refused(
        hospital.create(patient=patient, consultation=name, metadata=hospital.as_(OTHER)),
        grpc.StatusCode.NOT_FOUND,
    )
    assert await site.events() == before
