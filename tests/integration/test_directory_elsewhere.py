"""A directory that one process of the referral service applied, asked for at once at another."""

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from services.operator.platform.service_process import ServiceProcess
from services.shared.rpc.signing import write_key_files
from tests.integration.batching import item
from tests.integration.hospital import COUNTY, Hospital, create_request, new_id, referral_service
from tests.integration.referral_site import refused
from tests.stack import SharedStack
from tierlink.referral.v1 import batch_service_pb2, directory_service_pb2, directory_service_pb2_grpc

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(
    stack: SharedStack, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Hospital, Hospital]]:
    """Two processes on one database."""
    dsn = await stack.create_database(f"elsewhere_{new_id()[:8]}")
    folder = tmp_path_factory.mktemp("elsewhere")
    async with referral_service(folder / "here", dsn=dsn) as (here, _):
        environment = {
            "TIERLINK_REFERRAL_DSN": dsn,
            "TIERLINK_KAFKA_BOOTSTRAP": "127.0.0.1:1",
            "TIERLINK_JWKS": str(write_key_files(here.key, folder / "keys").jwks),
            "TIERLINK_PARTS": "grpc",
        }
        other = ServiceProcess("referral", folder=folder / "there", environment=environment)
        other.start()
        try:
            async with grpc.aio.insecure_channel(other.ready.grpc) as channel:
                yield here, Hospital(key=here.key, channel=channel)
        finally:
            other.stop()
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


async def test_a_facility_is_known_at_the_other_process_at_once(two: tuple[Hospital, Hospital]) -> None:
    here, there = two
    joined: list[str] = []
    # So many that the rounds of the other process cannot have come in time for each.
    for number in range(5):
        joined.append(f"branch-{number}")
        await here.apply_directory(further=joined)
        referral = await there.create(metadata=there.as_(joined[-1]))
        assert referral.origin_facility == joined[-1]
        joined.append(f"clinic-{number}")
        await there.apply_directory(further=joined)
        assert await _facility(here, joined[-1]) == joined[-1]


async def test_as_a_destination_and_in_a_batch_too(two: tuple[Hospital, Hospital]) -> None:
    here, there = two
    await here.apply_directory(further=["asked"])
    wrong = there.referrals.CreateReferral(
        create_request(destinations=["asked", "nowhere"]), metadata=there.as_("asked")
    )
    found = (await refused(wrong, grpc.StatusCode.INVALID_ARGUMENT))["BadRequest"].field_violations
    assert [(each.field, each.reason) for each in found] == [
        ("destinations[0]", "ORIGIN"),
        ("destinations[1]", "UNKNOWN_FACILITY"),
    ]
    await here.apply_directory(further=["asked", "batching"])
    batch = batch_service_pb2.SubmitBatchRequest(items=[item(create_request())])
    reply = await there.batches.SubmitBatch(batch, metadata=there.as_("batching"))
    assert [each.WhichOneof("outcome") for each in reply.results] == ["create_referral"], reply


async def test_a_stranger_is_refused_as_before(two: tuple[Hospital, Hospital]) -> None:
    _, there = two
    call = there.create(metadata=there.as_("nobody"))
    found = await refused(call, grpc.StatusCode.PERMISSION_DENIED)
    assert found["ErrorInfo"].reason == "FACILITY_NOT_IN_DIRECTORY"


async def _facility(hospital: Hospital, name: str) -> Any:
    directory = directory_service_pb2_grpc.DirectoryServiceStub(hospital.channel)
    request = directory_service_pb2.GetFacilityRequest(id=name)
    return (await directory.GetFacility(request, metadata=hospital.as_(COUNTY))).facility.id
