"""On every RPC of the referral service, whoever takes no part is told that there is nothing."""

import base64
import os
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.shared.kernel.actor import Role
from tests.integration.batching import as_a_call_s, reply, status_of, submit
from tests.integration.hospital import (
    BRANCH,
    CITY,
    COUNTY,
    OTHER,
    Hospital,
    details,
    new_id,
    referral_service,
)
from tests.integration.strangers import REQUESTS, There
from tests.integration.test_standing_orders import accepted, scheduled
from tests.stack import SharedStack
from tierlink.audit.v1 import audit_service_pb2, audit_service_pb2_grpc
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

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = {
    "ReferralService": (referral_service_pb2, referral_service_pb2_grpc),
    "ConsultationService": (consultation_service_pb2, consultation_service_pb2_grpc),
    "EpisodeService": (episode_service_pb2, episode_service_pb2_grpc),
    "StandingService": (standing_service_pb2, standing_service_pb2_grpc),
}
#: Lists, streams and summaries show a stranger nothing: `test_reading_visibility.py`,
#: `test_watch_streams.py`, `test_standing_orders.py`, `test_clock_summaries.py`.
EMPTY = {
    "ListReferrals",
    "ListConsultations",
    "ListEpisodes",
    "ListVisits",
    "ListReads",
    "WatchReferrals",
    "WatchConsultations",
    "SummarizeClocks",
}
#: About nobody in particular: the site's own rules, and what the caller begins.
NOBODYS = {"ListClockTargets", "GetRecordRules", "OpenEpisode"}

#: Each at a facility with no part in it. The branch next door is of the same community, the city of none.
STRANGERS: dict[str, tuple[str, tuple[Role, ...]]] = {
    "a clinician next door": (OTHER, (Role.CLINICIAN,)),
    "every role of a facility": (
        OTHER,
        (Role.CLINICIAN, Role.REFERRAL_OFFICE, Role.BED_DESK),
    ),
    "a coordinator elsewhere": (CITY, (Role.CLINICIAN, Role.COORDINATOR)),
    "an ambulance elsewhere": ("far-120", (Role.CLINICIAN, Role.AMBULANCE)),
}
#: What creates needs a facility of the directory before anything else, whatever it names.
NEEDS_A_FACILITY = {"CreateReferral", "RequestConsultation", "ExplainReferral"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hospital(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hospital]:
    folder = tmp_path_factory.mktemp("strangers")
    keys = folder / "identity-keys"
    keys.write_text(f"k-1 {base64.b64encode(os.urandom(32)).decode()}\n", encoding="ascii")
    dsn = await stack.create_database(f"strangers_{new_id()[:8]}")
    settings = {"TIERLINK_REFERRAL_IDENTITY_KEYS": str(keys)}
    async with referral_service(folder, dsn=dsn, settings=settings) as (found, _):
        yield found
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(hospital: Hospital) -> There:
    name = await accepted(hospital)
    order = await scheduled(hospital, name)
    request = referral_service_pb2.GetReferralRequest(name=name)
    referral = (await hospital.referrals.GetReferral(request, metadata=hospital.as_(BRANCH))).referral
    there = There(
        referrals=name,
        episodes=referral.episode,
        consultations="",
        standing_orders=order.name,
        patient=referral.patient,
    )
    call, asked = _method(hospital, "RequestConsultation")
    fields = REQUESTS["RequestConsultation"](there)
    reply = await call(asked(request_id=new_id(), **fields), metadata=hospital.as_(BRANCH))
    found = There(**{**vars(there), "consultations": reply.consultation.name})
    call, asked = _method(hospital, "RecordIdentity")
    fields = REQUESTS["RecordIdentity"](found)
    await call(asked(request_id=new_id(), **fields), metadata=hospital.as_(BRANCH))
    return found


def _method(hospital: Hospital, name: str) -> tuple[Any, Any]:
    for service, (messages, stubs) in SERVICES.items():
        if name in messages.DESCRIPTOR.services_by_name[service].methods_by_name:
            stub = getattr(stubs, f"{service}Stub")(hospital.channel)
            return getattr(stub, name), getattr(messages, f"{name}Request")
    raise AssertionError(f"no service has {name}")


async def test_no_rpc_is_forgotten() -> None:
    every = {
        method.name
        for service, (messages, _) in SERVICES.items()
        for method in messages.DESCRIPTOR.services_by_name[service].methods
    }
    assert every == REQUESTS.keys() | EMPTY | NOBODYS


async def _told(hospital: Hospital, name: str, there: There, who: str, *, stale: bool) -> tuple[Any, ...]:
    """What a stranger is told, with the names in it left out."""
    call, request_type = _method(hospital, name)
    request = request_type(**REQUESTS[name](there))
    if "request_id" in request_type.DESCRIPTOR.fields_by_name:
        request.request_id = new_id()
        if stale and name != "RecordIdentity":
            request.expected_version = 4711
    facility, roles = STRANGERS[who]
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(request, metadata=hospital.as_(facility, *roles))
    found = details(caught.value)
    resource = found.get("ResourceInfo")
    return caught.value.code(), sorted(found), resource.resource_type if resource is not None else ""


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("name", sorted(REQUESTS))
async def test_a_stranger_is_told_that_there_is_nothing(
    hospital: Hospital, there: There, name: str, who: str
) -> None:
    needs = name in NEEDS_A_FACILITY and STRANGERS[who][0] == "far-120"
    told = await _told(hospital, name, there, who, stale=False)
    if not needs:
        assert told[0] is grpc.StatusCode.NOT_FOUND
    assert told == await _told(hospital, name, there.absent(), who, stale=False)
    assert told == await _told(hospital, name, there, who, stale=True)


COMMANDS = sorted(
    name
    for name in REQUESTS
    for messages, _ in SERVICES.values()
    if hasattr(messages, f"{name}Request")
    and "request_id" in getattr(messages, f"{name}Request").DESCRIPTOR.fields_by_name
)


@pytest.mark.parametrize("who", STRANGERS)
async def test_a_batch_tells_a_stranger_what_the_calls_do(hospital: Hospital, there: There, who: str) -> None:
    facility, roles = STRANGERS[who]
    stranger = hospital.as_(facility, *roles)
    requests = [_method(hospital, name)[1](request_id=new_id(), **REQUESTS[name](there)) for name in COMMANDS]
    results = await submit(hospital, stranger, *requests)
    for name, request, result in zip(COMMANDS, requests, results, strict=True):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _method(hospital, name)[0](request, metadata=stranger)
        assert as_a_call_s(result.status) == status_of(caught.value), name


@pytest.mark.parametrize("facility", [COUNTY, BRANCH])
@pytest.mark.parametrize("name", [*COMMANDS, "OpenEpisode"])
async def test_a_batch_tells_a_party_what_the_call_does(
    hospital: Hospital, there: There, name: str, facility: str
) -> None:
    """Whether it is carried out or refused: sent again as a call, it is answered as before."""
    call, request_type = _method(hospital, name)
    fields = REQUESTS[name](there) if name in REQUESTS else {"patient": "P-9", "pathway": "PATHWAY_STROKE"}
    request = request_type(request_id=new_id(), **fields)
    party = hospital.as_(facility, Role.CLINICIAN, Role.REFERRAL_OFFICE)
    (result,) = await submit(hospital, party, request)
    try:
        assert await call(request, metadata=party) == reply(result)
    except grpc.aio.AioRpcError as error:
        assert as_a_call_s(result.status) == status_of(error)


@pytest.mark.parametrize("name", ["AcceptReferral", "ClaimConsultation", "CloseEpisode", "EndStanding"])
async def test_a_party_is_told_of_a_stale_version(hospital: Hospital, there: There, name: str) -> None:
    call, request_type = _method(hospital, name)
    request = request_type(request_id=new_id(), expected_version=4711, **REQUESTS[name](there))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call(request, metadata=hospital.as_(COUNTY))
    assert caught.value.code() is grpc.StatusCode.ABORTED


async def _verified(hospital: Hospital, who: Any, **request: str) -> Any:
    stub = audit_service_pb2_grpc.AuditServiceStub(hospital.channel)
    stream = stub.VerifyChains(audit_service_pb2.VerifyChainsRequest(**request), metadata=who)
    return [answer async for answer in stream][-1]


async def test_a_coordinator_verifies_what_the_own_community_takes_part_in(
    hospital: Hospital, there: There
) -> None:
    own, elsewhere = hospital.as_(OTHER, Role.COORDINATOR), hospital.as_(CITY, Role.COORDINATOR)
    operator = hospital.as_("", Role.OPERATOR)
    for name in (there.referrals, there.episodes, there.consultations, there.standing_orders):
        assert (await _verified(hospital, own, aggregate_id=name)).aggregates_count == 1
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await _verified(hospital, elsewhere, aggregate_id=name)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
    everything = await _verified(hospital, operator)
    assert (await _verified(hospital, own)).aggregates_count == everything.aggregates_count
    # The directory alone, which is everybody's.
    assert (await _verified(hospital, elsewhere)).aggregates_count == 1
    assert (await _verified(hospital, elsewhere, aggregate_kind="referral")).aggregates_count == 0
