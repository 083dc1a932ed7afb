"""Batches as a hospital sends them after an outage: order, repetition, limits, deadlines, kill -9."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.platform.service_process import ServiceProcess
from services.referral.adapters.aggregate_codecs import REFERRAL_TOPIC
from services.shared.kernel.ids import resource_name
from tests.integration.batching import code, reply, submit
from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    accept_request,
    create_request,
    new_id,
    referral_service,
)
from tests.integration.messaging import Seen, first_occurrences, reader, until
from tests.integration.referral_site import Site
from tests.stack import SharedStack
from tierlink.referral.v1 import batch_service_pb2
from tierlink.referral.v1 import consultation_service_pb2 as consultation_pb
from tierlink.referral.v1 import episode_service_pb2 as episode_pb
from tierlink.referral.v1 import referral_service_pb2 as pb

pytestmark = pytest.mark.asyncio(loop_scope="module")

Code = grpc.StatusCode
_HOLD = 52
#: Has whoever records a cancellation wait while the test holds a lock.
_TRIGGER = f"""
CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock({_HOLD}); RETURN NEW; END $$;
CREATE TRIGGER wait_for_test BEFORE INSERT ON events
FOR EACH ROW WHEN (NEW.type = 'ReferralCancelled') EXECUTE FUNCTION wait_for_test()
"""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A service that publishes, and what stands behind it."""

    site: Site
    process: ServiceProcess
    kafka: str

    @property
    def branch(self) -> Any:
        return self.site.hospital.as_(BRANCH)

    async def sent(self, *requests: Any, **options: Any) -> list[Any]:
        return await submit(self.site.hospital, options.pop("who", self.branch), *requests, **options)

    @asynccontextmanager
    async def cancellations_wait(self) -> AsyncIterator[None]:
        connection = await asyncpg.connect(self.site.dsn)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _HOLD)
            yield
        finally:
            await connection.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gateway]:
    dsn = await stack.create_database(f"batches_{new_id()[:8]}")
    kafka = stack.kafka_bootstrap
    async with referral_service(
        tmp_path_factory.mktemp("batches"), dsn=dsn, kafka=kafka, parts="grpc,relay"
    ) as (hospital, process):
        site = Site(hospital, dsn)
        await site.execute(_TRIGGER)
        yield Gateway(site=site, process=process, kafka=kafka)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


def new_patient() -> str:
    return f"P-{new_id()[:8]}"


def name_of(request: Any) -> str:
    """The name of what a request creates."""
    collection = {"CreateReferral": "referrals", "OpenEpisode": "episodes"}
    return resource_name(collection[request.DESCRIPTOR.name.removesuffix("Request")], request.request_id)


def cancel(name: str, **fields: Any) -> pb.CancelReferralRequest:
    return pb.CancelReferralRequest(
        request_id=new_id(), name=name, reason={"code": "PATIENT_REFUSED"}, **fields
    )


async def test_a_patient_s_way_is_carried_out_in_the_order_of_the_batch(gateway: Gateway) -> None:
    # Given: what a branch stored while it was cut off, of several patients and in the order of its days.
    patients = [new_patient() for _ in range(8)]
    opened = [
        episode_pb.OpenEpisodeRequest(request_id=new_id(), patient=patient, pathway="PATHWAY_STROKE")
        for patient in patients
    ]
    created = [
        create_request(patient=patient, episode=name_of(episode))
        for patient, episode in zip(patients, opened, strict=True)
    ]
    cancelled = [cancel(name_of(each), expected_version=1) for each in created]
    again = [
        create_request(patient=patient, episode=name_of(episode))
        for patient, episode in zip(patients, opened, strict=True)
    ]
    # When: it is sent at once.
    results = await gateway.sent(*opened, *created, *cancelled, *again)
    # Then: each found what came before it: an episode takes the second referral only after the first is over.
    assert [code(result) for result in results] == [Code.OK] * 32
    assert {reply(result).referral.patient for result in results[24:]} == set(patients)


async def test_one_that_is_refused_refuses_nobody_else(gateway: Gateway) -> None:
    first, second = create_request(patient=new_patient()), create_request(patient=new_patient())
    stale = cancel(name_of(first), expected_version=7)
    results = await gateway.sent(
        first,
        create_request(patient="", urgency=77),
        stale,
        cancel("referrals/" + new_id()),
        accept_request(name_of(first)),
        cancel(name_of(first)),
        cancel(name_of(first)),
        second,
        consultation_pb.ClaimConsultationRequest(request_id=new_id(), name="consultations/" + new_id()),
        create_request(request_id=second.request_id, patient=new_patient()),
    )
    assert [code(result) for result in results] == [
        Code.OK,
        Code.INVALID_ARGUMENT,
        Code.ABORTED,
        Code.NOT_FOUND,
        Code.PERMISSION_DENIED,
        Code.OK,
        Code.FAILED_PRECONDITION,
        Code.OK,
        Code.NOT_FOUND,
        Code.ALREADY_EXISTS,
    ]
    assert len(await gateway.site.payloads(name_of(second))) == 1


async def test_a_batch_sent_again_gets_the_first_replies_and_writes_nothing(gateway: Gateway) -> None:
    created = [create_request(patient=new_patient()) for _ in range(20)]
    batch = [*created, *(cancel(name_of(each)) for each in created[:10])]
    first = await gateway.sent(*batch)
    before = await gateway.site.events()
    again = await gateway.sent(*batch)
    mixed = await gateway.sent(*reversed(created), *batch[20:])
    assert again == first
    assert mixed == [*reversed(first[:20]), *first[20:]]
    assert await gateway.site.events() == before
    # What a batch carried out, a call of the same request knows.
    call = await gateway.site.hospital.referrals.CreateReferral(created[0], metadata=gateway.branch)
    assert call == reply(first[0])


async def test_an_item_twice_in_a_batch_is_carried_out_once(gateway: Gateway) -> None:
    created = create_request(patient=new_patient())
    cancelled = cancel(name_of(created))
    results = await gateway.sent(created, created, cancelled, cancelled, created)
    assert [code(result) for result in results] == [Code.OK] * 5
    assert results[0] == results[1] == results[4]
    assert results[2] == results[3]
    assert len(await gateway.site.payloads(name_of(created))) == reply(results[2]).referral.version


async def test_the_same_batch_from_two_gateways_at_once_is_carried_out_once(gateway: Gateway) -> None:
    created = [create_request(patient=new_patient()) for _ in range(30)]
    batch = [*created, *(cancel(name_of(each)) for each in created)]
    first, second = await asyncio.gather(gateway.sent(*batch), gateway.sent(*batch))
    assert [code(result) for result in first] == [Code.OK] * 60
    assert first == second


async def test_replies_that_are_not_wanted_are_left_out(gateway: Gateway) -> None:
    created = create_request(patient=new_patient())
    cancelled = cancel(name_of(created))
    batch = (created, cancelled, cancel("referrals/" + new_id()))
    first, second, refused = await gateway.sent(*batch, brief=True)
    assert (first.carried_out.name, first.carried_out.version) == (name_of(created), 1)
    assert code(refused) is Code.NOT_FOUND
    # Who wants the replies after all sends it again.
    replies = await gateway.sent(*batch[:2])
    assert [reply(each).referral.version for each in replies] == [1, second.carried_out.version]
    assert await gateway.sent(*batch, brief=True) == [first, second, refused]


async def test_too_many_items_and_too_much_are_refused_and_write_nothing(gateway: Gateway) -> None:
    before = await gateway.site.events()
    request = create_request(patient=new_patient())
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.sent(*[request] * 101)
    assert caught.value.code() is Code.INVALID_ARGUMENT
    large = batch_service_pb2.SubmitBatchRequest()
    large.items.add().create_referral.CopyFrom(request)
    large.items.add().create_referral.clinical_summary.symptoms = "痛" * (2 * 1024 * 1024)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.site.hospital.batches.SubmitBatch(large, metadata=gateway.branch)
    assert caught.value.code() is Code.RESOURCE_EXHAUSTED
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await gateway.sent(request, who=())
    assert caught.value.code() is Code.UNAUTHENTICATED
    assert await gateway.site.events() == before


async def test_what_does_not_end_in_time_says_so_and_is_settled_by_sending_it_again(gateway: Gateway) -> None:
    created, other = create_request(patient=new_patient()), create_request(patient=new_patient())
    batch = [created, cancel(name_of(created)), cancel(name_of(created)), other]
    async with gateway.cancellations_wait():
        results = await gateway.sent(*batch, timeout=3)
        assert [code(result) for result in results] == [
            Code.OK,
            Code.DEADLINE_EXCEEDED,
            Code.DEADLINE_EXCEEDED,
            Code.OK,
        ]
    results = await gateway.sent(*batch)
    assert [code(result) for result in results] == [Code.OK, Code.OK, Code.FAILED_PRECONDITION, Code.OK]


async def _published(gateway: Gateway, versions: dict[str, int]) -> dict[str, list[int]]:
    """Versions of these referrals' events on the topic in the order of their first coming, once all have."""
    wanted = {Seen(key=name, version=n + 1) for name, last in versions.items() for n in range(last)}
    seen: list[Seen] = []
    async with reader(gateway.kafka, REFERRAL_TOPIC) as consumer:

        async def all_came() -> bool:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    version = int(dict(record.headers)["ce_sequence"])
                    seen.append(Seen(key=(record.key or b"").decode(), version=version))
            return wanted <= set(seen)

        await until(all_came)
    found = first_occurrences(seen)
    return {name: found[name] for name in versions}


async def test_a_service_killed_in_the_middle_of_a_batch_does_nothing_twice(gateway: Gateway) -> None:
    created = [create_request(patient=new_patient()) for _ in range(40)]
    batch = [*created, *(cancel(name_of(each)) for each in created)]
    before = await gateway.site.events()

    async def half_is_done() -> bool:
        return await gateway.site.events() == before + 40 * 3

    async with gateway.cancellations_wait():
        call = asyncio.create_task(gateway.sent(*batch))
        # Given: every referral is there, and no cancellation; when: the process is killed.
        await until(half_is_done)
        await asyncio.to_thread(gateway.process.kill)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is Code.UNAVAILABLE
    await asyncio.to_thread(gateway.process.start)

    # Then: the same batch again has every item carried out, once.
    results = await gateway.sent(*batch, wait_for_ready=True)
    assert [code(result) for result in results] == [Code.OK] * 80
    for result in results[40:]:
        referral = reply(result).referral
        assert len(await gateway.site.payloads(referral.name)) == referral.version

    versions = {reply(result).referral.name: reply(result).referral.version for result in results[40:]}
    # What the dead relay sent may come again, but nothing is missing or late.
    published = await _published(gateway, versions)
    assert published == {name: list(range(1, last + 1)) for name, last in versions.items()}


async def test_a_destination_answers_many_offers_at_once(gateway: Gateway) -> None:
    created = [create_request(patient=new_patient()) for _ in range(64)]
    await gateway.sent(*created)
    county = gateway.site.hospital.as_(COUNTY)
    results = await gateway.sent(*(accept_request(name_of(each)) for each in created), who=county)
    assert [reply(result).referral.version for result in results] == [2] * 64
