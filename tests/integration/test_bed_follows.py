"""Referral and bed service over Kafka: a referral that ends holds no bed, and a hold follows its patient."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from services.shared.kernel.actor import Role
from tests.integration.county import (
    County,
    held_for,
    of_intensive_care,
    open_county,
    refused_another_bed,
    until,
)
from tests.integration.hospital import BRANCH, COUNTY, new_id
from tierlink.bed.v1 import bed_service_pb2 as bed_pb
from tierlink.referral.v1 import referral_service_pb2 as pb

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def county(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[County]:
    async with open_county(tmp_path_factory.mktemp("follows")) as found:
        yield found


async def test_each_end_of_a_referral_gives_its_bed_back(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, names = await of_intensive_care(county, "icu")
    left = set(names.values())
    taken: list[str] = []
    for end, name in names.items():
        await ends.end(end, name)
        left.remove(name)

        async def is_given_back(left: set[str] = frozenset(left)) -> bool:  # type: ignore[assignment]
            return await held_for(county, "icu") == left

        taken.append(f"{end} {await until(is_given_back, f'only those that go on have a bed: {end}'):.2f} s")
    await refused_another_bed(county, names)
    with capsys.disabled():
        print(f"\nbeds given back: {', '.join(taken)}")


async def test_what_ends_while_the_bed_service_is_away_holds_no_bed_when_it_is_back(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    await county.apply("unit", "BED_TYPE_STROKE_UNIT", 1)

    async def has(referral: str) -> bool:
        return await county.holder() == referral

    async def waits(*referrals: str) -> bool:
        return await county.waiting() == list(referrals)

    async def stands(referral: str, region: str) -> bool:
        return await county.region(referral) == region

    first = await county.accepted()
    await until(lambda: has(first), "the first has the bed")
    second, third = await county.accepted(), await county.accepted()
    await until(lambda: waits(second, third), "the others wait in order")
    await until(lambda: stands(second, "UNAVAILABLE"), "the second knows that there is no bed")

    ended = time.monotonic()
    await county.cancel(first)
    await until(lambda: has(second), "the second has the bed of the first")
    followed_s = time.monotonic() - ended
    await until(lambda: stands(second, "HELD"), "the second knows of its bed")
    assert await county.waiting() == [third]

    await asyncio.to_thread(county.bed_process.stop)
    await county.cancel(second)
    await county.cancel(third)
    await asyncio.to_thread(county.bed_process.start)
    assert await county.holder() in {second, ""}

    async def is_free() -> bool:
        return (await county.ward()).counts.free == 1

    back_s = await until(is_free, "nobody has the bed")
    await until(waits, "nobody waits")
    # A second where the machine has nothing else to do; tests share it.
    assert max(followed_s, back_s) < 10
    with capsys.disabled():
        print(f"\nfollowed in {followed_s:.2f} s; after its return in {back_s:.2f} s")


async def test_the_hold_follows_the_patient_to_a_new_time_of_arrival(county: County) -> None:
    """On the road: the hold was for one arrival, and the ambulance says another."""
    specification = {"id": "road", "bed_type": "BED_TYPE_STROKE_UNIT", "bed_count": 3}
    apply = bed_pb.ApplyWardsRequest(request_id=new_id(), facility=COUNTY, wards=[specification])
    await county.beds.ApplyWards(apply, metadata=county.hospital.as_("", Role.OPERATOR))
    referral = await county.accepted()

    async def is_held() -> bool:
        return await county.region(referral) == "HELD"

    await until(is_held, "it has a bed")
    hospital = county.hospital
    depart = pb.DepartPatientRequest(
        request_id=new_id(),
        name=referral,
        transport={"crew_level": "CREW_LEVEL_ADVANCED"},  # type: ignore[arg-type]
        handover_document={"summary": "交接"},  # type: ignore[arg-type]
    )
    await hospital.referrals.DepartPatient(depart, metadata=hospital.as_(BRANCH))
    eta = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=5)
    changed = pb.UpdateArrivalEstimateRequest(
        request_id=new_id(),
        name=referral,
        estimated_arrival_time=eta,  # type: ignore[arg-type]
    )
    await hospital.referrals.UpdateArrivalEstimate(changed, metadata=hospital.as_(BRANCH, Role.AMBULANCE))

    async def is_held_until_then() -> bool:
        found = await county.beds.ListBeds(bed_pb.ListBedsRequest(facility=COUNTY), metadata=county.desk)
        holds = [bed.hold for ward in found.wards for bed in ward.beds if bed.hold.referral == referral]
        return [(hold.patient_in_transit, hold.expires_at.ToDatetime(UTC)) for hold in holds] == [
            (True, eta + timedelta(minutes=30))
        ]

    await until(is_held_until_then, "the hold ends half an hour after the new time of arrival")
