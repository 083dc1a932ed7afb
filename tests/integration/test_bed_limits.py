"""What the bed service shows to whom, and for how long people may hold a bed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from services.shared.kernel.actor import Role
from tests.integration.bed_desks import HOLD_MAX_S, STALE_AFTER_S, Desk, desk, hold_request
from tests.integration.hospital import COUNTY, OTHER, details, new_id
from tierlink.bed.v1 import bed_pb2
from tierlink.bed.v1 import bed_service_pb2 as pb

__all__ = ["desk"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_counts_are_shown_with_the_age_from_which_they_are_stale(desk: Desk) -> None:
    listing = pb.ListBedsRequest(facility=COUNTY)
    counting = pb.GetAvailabilityRequest(facilities=[COUNTY])
    answers = (
        await desk.beds().ListBeds(listing, metadata=desk.desk_of()),
        await desk.beds().GetAvailability(counting, metadata=desk.desk_of()),
    )
    assert [answer.stale_after_s for answer in answers] == [STALE_AFTER_S, STALE_AFTER_S]


async def test_who_lies_where_is_shown_to_those_who_give_the_beds_and_to_nobody_else(desk: Desk) -> None:
    await desk.apply("seen", 30)
    await desk.beds().HoldBed(hold_request(patient="P-held"), metadata=desk.desk_of())
    admit = pb.AdmitPatientRequest(
        request_id=new_id(), patient="P-lies", encounter="E-lies", bed_type="BED_TYPE_STROKE_UNIT"
    )
    await desk.beds().AdmitPatient(admit, metadata=desk.desk_of())

    async def shown(*who: Any) -> tuple[str, bed_pb2.WardCounts]:
        metadata = desk.hospitals[0].as_(*who)
        page = await desk.beds().ListBeds(pb.ListBedsRequest(facility=COUNTY), metadata=metadata)
        (ward,) = [ward for ward in page.wards if ward.id == "seen"]
        states = [bed.state for bed in ward.beds]
        assert states.count(bed_pb2.BED_STATE_HELD) == ward.counts.held == 1
        assert states.count(bed_pb2.BED_STATE_OCCUPIED) == ward.counts.occupied == 1
        return str(ward.beds), ward.counts

    secrets = ("P-held", "P-lies", "E-lies", "referrals/", "fencing_token", "holds/")
    for stranger in [(OTHER, Role.BED_DESK), (OTHER,), (COUNTY, Role.AMBULANCE)]:
        beds, _ = await shown(*stranger)
        assert not [secret for secret in secrets if secret in beds], stranger
    for entitled in [(COUNTY, Role.REFERRAL_OFFICE), (COUNTY,), ("", Role.OPERATOR)]:
        beds, _ = await shown(*entitled)
        assert all(secret in beds for secret in secrets), entitled


async def test_people_hold_no_bed_for_longer_than_the_sites_limit(desk: Desk) -> None:
    await desk.apply("lease", 40)
    most = timedelta(seconds=HOLD_MAX_S)
    held = await desk.beds().HoldBed(
        hold_request(expires_at=datetime.now(UTC) + most - timedelta(minutes=1)), metadata=desk.desk_of()
    )
    late = datetime.now(UTC) + most + timedelta(minutes=1)
    extend = pb.ExtendHoldRequest(
        request_id=new_id(),
        hold=held.hold.name,
        fencing_token=held.hold.fencing_token,
        expires_at=late,  # type: ignore[arg-type]
    )
    join = pb.JoinWaitingListRequest(
        request_id=new_id(),
        facility=COUNTY,
        referral=f"referrals/{new_id()}",
        patient="P-2",
        bed_type="BED_TYPE_ICU",
        urgency="URGENCY_ROUTINE",
        hold_until=late,  # type: ignore[arg-type]
    )
    beds = desk.beds()
    asked: list[tuple[Any, Any, str]] = [
        (beds.HoldBed, hold_request(expires_at=late), "expires_at"),
        (beds.ExtendHold, extend, "expires_at"),
        (beds.JoinWaitingList, join, "hold_until"),
    ]
    for call, request, field in asked:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call(request, metadata=desk.desk_of())
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        (violation,) = details(caught.value)["BadRequest"].field_violations
        assert (violation.field, violation.reason) == (field, "TOO_LATE")
    kept = {bed.hold.name: bed.hold.expires_at for bed in (await desk.ward("lease")).beds}
    assert kept[held.hold.name] == held.hold.expires_at
