"""Commands of the state table as a hospital's system gives them: who may, and when.

Each story takes its commands through gRPC and PostgreSQL and first has them refused: to a stranger, to a
party whose turn it is not, and in a state that does not allow them. A refusal writes nothing.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, CITY, COUNTY, OTHER, accept_request, new_id
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

ANYWHERE = [
    {"rule": rule, "reason": {"code": "PATIENT_CHOICE", "text": "家属要求"}}
    for rule in ("NEAREST_CAPABLE", "LEVEL_BY_LEVEL", "NEW_DESTINATION")
]
NO_BED = {"code": "NO_BED", "text": "满员"}
ADVANCED = {"crew_level": "CREW_LEVEL_ADVANCED", "vehicle": "120"}
HANDOVER = {"summary": "生命体征平稳", "medications_given": ["阿替普酶"]}
Code = grpc.StatusCode


def pb_state(name: str) -> int:
    """The number of a referral's state."""
    return referral_pb2.ReferralState.Value(f"REFERRAL_STATE_{name}")


def call(site: Site, command: str, name: str, facility: str, *roles: Role, **fields: Any) -> Any:
    """A command on the referral `name` by somebody of a facility."""
    request = getattr(pb, f"{command}Request")(request_id=new_id(), name=name, **fields)
    return getattr(site.hospital.referrals, command)(request, metadata=site.hospital.as_(facility, *roles))


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What a refusal for state or guards says."""

    rules: set[str]
    state: str
    allowed: str


async def done(site: Site, command: str, name: str, facility: str, *roles: Role, **fields: Any) -> Any:
    return (await call(site, command, name, facility, *roles, **fields)).referral


async def not_allowed(site: Site, command: str, name: str, facility: str, *roles: Role, **fields: Any) -> Any:
    """The failed rules' codes, the state and what is allowed in it, of a refusal that writes nothing."""
    before = len(await site.payloads(name))
    found = await refused(call(site, command, name, facility, *roles, **fields), Code.FAILED_PRECONDITION)
    assert len(await site.payloads(name)) == before
    metadata = found["ErrorInfo"].metadata
    rules = {each.type for each in found["PreconditionFailure"].violations}
    return Refusal(rules=rules, state=metadata["state"], allowed=metadata["allowed_commands"])


async def strangers_learn_nothing(site: Site, command: str, name: str, **fields: Any) -> None:
    before = len(await site.payloads(name))
    await refused(call(site, command, name, OTHER, **fields), Code.NOT_FOUND)
    assert len(await site.payloads(name)) == before


async def to_the_city(site: Site) -> Any:
    """A routine referral out of the county: it needs the lead's approval."""
    return await site.hospital.create(
        destinations=[CITY],
        urgency="URGENCY_ROUTINE",
        pathway="PATHWAY_STROKE",
        patient=f"P-{new_id()[:8]}",
        overrides=ANYWHERE[:2],
    )


async def accepted(site: Site, **changes: Any) -> Any:
    created = await site.hospital.create(patient=f"P-{new_id()[:8]}", **changes)
    facility = created.offers[0].facility
    reply = await site.hospital.referrals.AcceptReferral(
        accept_request(created.name), metadata=site.hospital.as_(facility)
    )
    return reply.referral


async def on_the_road(site: Site) -> Any:
    name = (await accepted(site)).name
    await done(site, "ArrangeTransport", name, BRANCH, transport=ADVANCED)
    return await done(site, "DepartPatient", name, BRANCH, handover_document=HANDOVER)


async def test_the_leads_referral_office_approves(site: Site) -> None:
    await site.hospital.apply_directory(city_region="652300")
    referral = await to_the_city(site)
    assert referral.state == pb_state("AWAITING_APPROVAL")
    await refused(call(site, "ApproveReferral", referral.name, BRANCH), Code.PERMISSION_DENIED)
    await refused(
        call(site, "ApproveReferral", referral.name, BRANCH, Role.REFERRAL_OFFICE), Code.PERMISSION_DENIED
    )
    refusal = await not_allowed(
        site, "ProvideInformation", referral.name, BRANCH, Role.CLINICIAN, answers=["无"]
    )
    assert refusal.state == "AWAITING_APPROVAL"
    assert "ApproveReferral" in refusal.allowed
    approved = await done(site, "ApproveReferral", referral.name, COUNTY, Role.REFERRAL_OFFICE)
    assert approved.state == pb_state("REQUESTED")
    assert [offer.facility for offer in approved.offers] == [CITY]
    await not_allowed(site, "ApproveReferral", referral.name, COUNTY, Role.REFERRAL_OFFICE)


async def test_a_refused_approval_can_be_sent_another_way(site: Site) -> None:
    await site.hospital.apply_directory(city_region="652300")
    referral = await to_the_city(site)
    office = (COUNTY, Role.REFERRAL_OFFICE)
    await refused(
        call(site, "RefuseApproval", referral.name, *office, reason={"code": ""}), Code.INVALID_ARGUMENT
    )
    declined = await done(
        site, "RefuseApproval", referral.name, *office, reason={"code": "NOT_INDICATED", "text": "县内可治"}
    )
    assert declined.state == pb_state("DECLINED")
    rerouted = await done(site, "RerouteReferral", referral.name, BRANCH, destinations=[COUNTY])
    assert rerouted.state == pb_state("REQUESTED")
    assert rerouted.offers[-1].facility == COUNTY
    assert rerouted.hop_count == 1


async def test_a_question_goes_back_and_comes_answered(site: Site) -> None:
    name = (await site.hospital.create(patient=f"P-{new_id()[:8]}")).name
    await not_allowed(site, "ProvideInformation", name, BRANCH, answers=["无"])
    await strangers_learn_nothing(site, "RequestInformation", name, questions=["过敏史？"])
    await refused(call(site, "RequestInformation", name, COUNTY, questions=[]), Code.INVALID_ARGUMENT)
    asked = await done(site, "RequestInformation", name, COUNTY, questions=["抗凝药？", "过敏史？"])
    assert asked.state == pb_state("INFO_REQUESTED")
    await refused(call(site, "ProvideInformation", name, COUNTY, answers=["无"]), Code.PERMISSION_DENIED)
    answered = await done(site, "ProvideInformation", name, BRANCH, answers=["未服用", "无"])
    assert answered.state == pb_state("REQUESTED")


async def test_a_declined_referral_is_sent_on_at_most_five_times(site: Site) -> None:
    name = (await site.hospital.create(patient=f"P-{new_id()[:8]}")).name
    await not_allowed(site, "RerouteReferral", name, BRANCH, destinations=[CITY])
    for hop in range(6):
        facility = (COUNTY, CITY)[hop % 2]
        await done(site, "DeclineReferral", name, facility, reason=NO_BED)
        reroute = {"destinations": [(CITY, COUNTY)[hop % 2]], "overrides": ANYWHERE}
        if hop == 5:
            refusal = await not_allowed(site, "RerouteReferral", name, BRANCH, **reroute)
            assert "HOPS_EXHAUSTED" in refusal.rules
            return
        await strangers_learn_nothing(site, "RerouteReferral", name, **reroute)
        assert (await done(site, "RerouteReferral", name, BRANCH, **reroute)).hop_count == hop + 1


async def test_an_acceptance_is_withdrawn_by_who_gave_it(site: Site) -> None:
    name = (await accepted(site)).name
    await refused(call(site, "WithdrawAcceptance", name, BRANCH, reason=NO_BED), Code.PERMISSION_DENIED)
    withdrawn = await done(site, "WithdrawAcceptance", name, COUNTY, reason=NO_BED)
    assert withdrawn.state == pb_state("DECLINED")
    await not_allowed(site, "WithdrawAcceptance", name, COUNTY, reason=NO_BED)


async def test_who_does_not_come_is_missed_only_after_the_window(site: Site) -> None:
    name = (await accepted(site)).name
    refusal = await not_allowed(site, "ReportNoShow", name, COUNTY)
    assert refusal.rules == {"WINDOW_NOT_PASSED"}
    await refused(call(site, "ReportNoShow", name, BRANCH), Code.PERMISSION_DENIED)


async def test_a_patient_on_the_road_is_diverted_and_arrives_there(site: Site) -> None:
    name = (await on_the_road(site)).name
    await not_allowed(site, "CancelReferral", name, BRANCH, reason=NO_BED)
    to_city = {"destination_facility": CITY, "reason": {"code": "ROAD_CLOSED", "text": "道路中断"}}
    await refused(call(site, "DivertPatient", name, COUNTY, **to_city), Code.PERMISSION_DENIED)
    await strangers_learn_nothing(site, "DivertPatient", name, **to_city)
    diverted = await done(site, "DivertPatient", name, BRANCH, Role.AMBULANCE, **to_city)
    assert diverted.state == pb_state("IN_TRANSIT")
    assert (diverted.destination_facility, diverted.custodian_facility) == (CITY, BRANCH)
    patient = diverted.patient
    await refused(call(site, "ReportArrival", name, COUNTY, patient=patient), Code.PERMISSION_DENIED)
    await not_allowed(site, "ReportArrival", name, CITY, patient="P-somebody-else")
    arrived = await done(site, "ReportArrival", name, CITY, patient=patient)
    assert (arrived.state, arrived.custodian_facility) == (pb_state("ARRIVED"), CITY)


async def test_a_death_is_recorded_by_who_has_the_patient(site: Site) -> None:
    name = (await on_the_road(site)).name
    died = {"died_at": datetime.now(UTC) - timedelta(minutes=1), "certifier": "李医生"}
    await refused(call(site, "RecordDeath", name, COUNTY, **died), Code.PERMISSION_DENIED)
    await strangers_learn_nothing(site, "RecordDeath", name, **died)
    later = {**died, "died_at": datetime.now(UTC) + timedelta(hours=1)}
    await refused(call(site, "RecordDeath", name, BRANCH, **later), Code.INVALID_ARGUMENT)
    assert (await done(site, "RecordDeath", name, BRANCH, **died)).state == pb_state("DECEASED")
    for command, fields in (("ReportArrival", {"patient": "P"}), ("RecordDeath", died)):
        refusal = await not_allowed(
            site, command, name, COUNTY if command == "ReportArrival" else BRANCH, **fields
        )
        assert (refusal.state, refusal.allowed) == ("DECEASED", "MarkEnteredInError")


async def test_what_was_entered_in_error_is_marked_and_takes_nothing_more(site: Site) -> None:
    name = (await site.hospital.create(patient=f"P-{new_id()[:8]}")).name
    wrong = {"reason": {"code": "WRONG_PATIENT", "text": "患者选错"}}
    await refused(call(site, "MarkEnteredInError", name, COUNTY, **wrong), Code.PERMISSION_DENIED)
    await strangers_learn_nothing(site, "MarkEnteredInError", name, **wrong)
    marked = await done(site, "MarkEnteredInError", name, BRANCH, **wrong)
    assert marked.state == pb_state("ENTERED_IN_ERROR")
    assert not marked.allowed_commands
    await not_allowed(site, "MarkEnteredInError", name, BRANCH, **wrong)
    await not_allowed(site, "AcceptReferral", name, COUNTY, accepting_clinician={"user": "b", "name": "B"})


async def test_a_cancellation_after_acceptance_waits_for_the_destination(site: Site) -> None:
    name = (await accepted(site)).name
    asked = await done(
        site, "CancelReferral", name, BRANCH, reason={"code": "PATIENT_REFUSED", "text": "拒转"}
    )
    assert asked.state == pb_state("CANCEL_REQUESTED")
    await refused(call(site, "ConfirmCancellation", name, BRANCH), Code.PERMISSION_DENIED)
    assert (await done(site, "ConfirmCancellation", name, COUNTY)).state == pb_state("CANCELLED")
    await not_allowed(site, "ConfirmCancellation", name, COUNTY)
