"""Who may see what: on every RPC that reads, whoever takes no part is told that there is nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, CITY, COUNTY, OTHER, Hospital, new_id
from tests.integration.referral_site import Site, refused, site
from tierlink.referral.v1 import (
    consultation_service_pb2,
    consultation_service_pb2_grpc,
    episode_service_pb2,
    episode_service_pb2_grpc,
    referral_service_pb2,
    referral_service_pb2_grpc,
    standing_service_pb2,
    standing_service_pb2_grpc,
)

__all__ = ["site"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = {
    "ReferralService": (referral_service_pb2, referral_service_pb2_grpc),
    "ConsultationService": (consultation_service_pb2, consultation_service_pb2_grpc),
    "EpisodeService": (episode_service_pb2, episode_service_pb2_grpc),
    "StandingService": (standing_service_pb2, standing_service_pb2_grpc),
}
READS = ("Get", "List", "Watch", "Verify", "ExplainReferral", "Summarize", "Search", "Export")


@dataclass(frozen=True)
class Case:
    """A patient's referral, consultation and episode, between the branch and the county hospital."""

    referral: str
    consultation: str
    episode: str


def _name_of(what: str) -> Callable[[Case], dict[str, Any]]:
    return lambda case: {"name": getattr(case, what)}


#: Of each RPC that names something, the request; what it names must not be found by others.
NAMED: dict[str, Callable[[Case], dict[str, Any]]] = {
    "GetReferral": _name_of("referral"),
    "GetTimeline": _name_of("referral"),
    "VerifyTimeline": _name_of("referral"),
    "GetConsultation": _name_of("consultation"),
    "GetEpisode": _name_of("episode"),
    "ExplainReferral": lambda case: {
        "episode": case.episode,
        "destinations": [COUNTY],
        "urgency": "URGENCY_EMERGENCY",
        "pathway": "PATHWAY_STROKE",
    },
}
#: Lists: whoever takes no part gets an empty one.
LISTS = {
    "ListReferrals": "referrals",
    "ListConsultations": "consultations",
    "ListEpisodes": "episodes",
}
#: Streams; that they show a stranger nothing stands in `test_watch_streams.py`.
STREAMS = {"WatchReferrals", "WatchConsultations"}
#: Numbers over what the caller may see anyway; `test_clock_summaries.py`.
SUMMARIES = {"SummarizeClocks", "ListClockTargets"}
#: The site's own rules, which are nobody's record.
RULES = {"GetRecordRules"}
#: With tests of their own: `test_patient_identity.py`, `test_standing_orders.py`, `test_read_log.py`.
ELSEWHERE = {"GetIdentity", "GetStandingOrder", "ListVisits", "ListReads"}


def _method(name: str, hospital: Hospital) -> tuple[Any, Any]:
    """The call of an RPC and its request's type."""
    for service, (messages, stubs) in SERVICES.items():
        if name in messages.DESCRIPTOR.services_by_name[service].methods_by_name:
            stub = getattr(stubs, f"{service}Stub")(hospital.channel)
            return getattr(stub, name), getattr(messages, f"{name}Request")
    raise AssertionError(f"no service has {name}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def case(site: Site) -> Case:
    hospital = site.hospital
    referral = await hospital.create()
    call, request_type = _method("RequestConsultation", hospital)
    reply = await call(
        request_type(
            request_id=new_id(),
            episode=referral.episode,
            patient=referral.patient,
            kind="CONSULTATION_KIND_TELECONSULTATION",
            urgency="URGENCY_EMERGENCY",
            pathway="PATHWAY_STROKE",
            centre_facility=COUNTY,
            question="是否溶栓？",
        ),
        metadata=hospital.as_(BRANCH),
    )
    return Case(referral=referral.name, consultation=reply.consultation.name, episode=referral.episode)


async def test_no_reading_rpc_is_forgotten() -> None:
    reading = {
        method.name
        for service, (messages, _) in SERVICES.items()
        for method in messages.DESCRIPTOR.services_by_name[service].methods
        if method.name.startswith(READS)
    }
    assert reading <= NAMED.keys() | LISTS.keys() | STREAMS | SUMMARIES | RULES | ELSEWHERE


@pytest.mark.parametrize("name", sorted(NAMED))
async def test_what_is_named_is_found_by_those_who_take_part_alone(site: Site, case: Case, name: str) -> None:
    hospital = site.hospital
    call, request_type = _method(name, hospital)
    request = request_type(**NAMED[name](case))
    for metadata in (
        hospital.as_(OTHER),
        hospital.as_(OTHER, Role.REFERRAL_OFFICE),
        # A coordinator, of no community that takes part.
        hospital.as_(CITY, Role.COORDINATOR),
    ):
        found = await refused(call(request, metadata=metadata), grpc.StatusCode.NOT_FOUND)
        assert found["ResourceInfo"].resource_name in (case.referral, case.consultation, case.episode)
    for metadata in (
        hospital.as_(BRANCH),
        hospital.as_(COUNTY, Role.REFERRAL_OFFICE),
        # A coordinator of the community, at a facility that takes no part.
        hospital.as_(OTHER, Role.COORDINATOR),
        hospital.as_("", Role.OPERATOR),
    ):
        if name != "ExplainReferral" or metadata == hospital.as_(BRANCH):
            await call(request, metadata=metadata)


@pytest.mark.parametrize("name", sorted(NAMED))
async def test_what_does_not_exist_looks_the_same(site: Site, case: Case, name: str) -> None:
    call, request_type = _method(name, site.hospital)
    absent = Case(
        referral=f"referrals/{new_id()}",
        consultation=f"consultations/{new_id()}",
        episode=f"episodes/{new_id()}",
    )
    request = request_type(**NAMED[name](absent))
    await refused(call(request, metadata=site.hospital.as_(BRANCH)), grpc.StatusCode.NOT_FOUND)


@pytest.mark.parametrize("name", sorted(LISTS))
async def test_a_list_has_what_the_reader_takes_part_in_alone(site: Site, case: Case, name: str) -> None:
    hospital = site.hospital
    call, request_type = _method(name, hospital)

    async def listed(*who: Any, roles: tuple[Role, ...] = ()) -> list[str]:
        reply = await call(request_type(), metadata=hospital.as_(*who, *roles))
        return [item.name for item in getattr(reply, LISTS[name])]

    assert await listed(OTHER) == []
    assert await listed(CITY, roles=(Role.COORDINATOR,)) == []
    for who, roles in ((BRANCH, ()), (COUNTY, ()), (OTHER, (Role.COORDINATOR,)), ("", (Role.OPERATOR,))):
        found = await listed(who, roles=roles)
        assert len(found) == 1, who
        assert found[0] in (case.referral, case.consultation, case.episode)


async def test_lists_and_timelines_are_recorded_with_who_what_and_trace(site: Site, case: Case) -> None:
    hospital = site.hospital
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    reading = (*hospital.as_(COUNTY, user="dr-log"), ("traceparent", f"00-{trace}-00f067aa0ba902b7-01"))
    for name, fields in (
        ("ListReferrals", {}),
        ("ListEpisodes", {}),
        ("GetTimeline", {"name": case.referral, "whole_episode": True}),
    ):
        call, request_type = _method(name, hospital)
        await call(request_type(**fields), metadata=reading)
    connection = await asyncpg.connect(site.dsn)
    rows = await connection.fetch("SELECT * FROM views WHERE user_id = 'dr-log' ORDER BY at")
    await connection.close()
    seen = [(row["method"].rpartition("/")[2], sorted(row["resources"])) for row in rows]
    members = sorted((case.referral, case.consultation))
    assert seen == [
        ("ListReferrals", [case.referral]),
        ("ListEpisodes", [case.episode]),
        ("GetTimeline", [case.referral]),
        ("GetTimeline", [case.episode]),
        ("GetTimeline", members),
    ]
    assert all(trace in row["traceparent"] for row in rows)
