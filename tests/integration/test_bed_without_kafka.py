"""Kafka is away: beds are held and given up, referrals end; when it is back the beds are as they must be."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from tests.integration.county import (
    ENDS,
    County,
    held_for,
    of_intensive_care,
    open_county,
    refused_another_bed,
    until,
)
from tests.integration.hospital import COUNTY, new_id
from tierlink.bed.v1 import bed_pb2
from tierlink.bed.v1 import bed_service_pb2 as bed_pb

pytestmark = [pytest.mark.timeout(240), pytest.mark.asyncio(loop_scope="module")]

WHY = {"code": "TEST"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def county(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[County]:
    async with open_county(tmp_path_factory.mktemp("without-kafka")) as found:
        yield found


async def hold(county: County) -> bed_pb2.Hold:
    """By the bed desk, for a referral that this platform need not know of."""
    request = bed_pb.HoldBedRequest(
        request_id=new_id(),
        facility=COUNTY,
        referral=f"referrals/{new_id()}",
        patient="P-people",
        bed_type="BED_TYPE_STROKE_UNIT",  # type: ignore[arg-type]
        expires_at=datetime.now(UTC) + timedelta(hours=1),  # type: ignore[arg-type]
    )
    held = await county.beds.HoldBed(request, metadata=county.desk)
    return held.hold  # type: ignore[no-any-return]


async def give_up(county: County, held: bed_pb2.Hold) -> None:
    request = bed_pb.ReleaseHoldRequest(
        request_id=new_id(),
        hold=held.name,
        fencing_token=held.fencing_token,
        reason=WHY,  # type: ignore[arg-type]
    )
    await county.beds.ReleaseHold(request, metadata=county.desk)


async def counts_of(county: County, ward: str) -> bed_pb2.WardCounts:
    counts = (await county.ward(ward)).counts
    parts = counts.free + counts.held + counts.occupied + counts.cleaning + counts.blocked
    assert parts == counts.beds
    return counts


async def test_what_happens_without_kafka_is_true_when_it_is_back(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, names = await of_intensive_care(county, "icu")
    await county.apply("unit", "BED_TYPE_STROKE_UNIT", 4)

    county.stack.kafka.kill()
    kept, given_up = await hold(county), await hold(county)
    await give_up(county, given_up)
    for end, name in names.items():
        await ends.end(end, name)
    stays, goes = await county.accepted(), await county.accepted()
    await county.cancel(goes)
    # The service that heard of none of it is killed as well, and answers again without Kafka.
    await asyncio.to_thread(county.bed_process.kill)
    await asyncio.to_thread(county.bed_process.start)
    assert await held_for(county, "unit") == {kept.referral}
    assert (await counts_of(county, "icu")).held == len(ENDS)
    late = await hold(county)

    await asyncio.to_thread(county.stack.kafka.start)

    async def is_true() -> bool:
        icu = await counts_of(county, "icu")
        held = await held_for(county, "unit")
        return icu.free == len(ENDS) and held == {kept.referral, late.referral, stays}

    async def is_heard() -> bool:
        return await county.heard_version(goes) == await county.version(goes)

    async def knows() -> bool:
        return await county.region(stays) == "HELD"

    back_s = await until(is_true, "beds are held for those who go on, and for nobody else")
    await until(is_heard, "the bed service has heard of the cancellation")
    await until(knows, "the referral knows of its bed")
    assert await is_true()
    assert await county.waiting() == []
    await refused_another_bed(county, {**names, "cancelled without Kafka": goes})
    with capsys.disabled():
        print(f"\nthe beds were as they should be {back_s:.2f} s after Kafka was back")
