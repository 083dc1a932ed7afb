"""Lists of visits through gRPC: what is filtered out never takes a place on a page."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from tests.integration.hospital import (
    BRANCH,
    COUNTY,
    Hospital,
    referral_service,
)
from tests.integration.referral_site import refused
from tests.integration.standing_kit import (
    WHY,
    accepted,
    day,
    give,
    scheduled,
    stub,
)
from tests.stack import CreateDatabase
from tierlink.referral.v1 import standing_pb2
from tierlink.referral.v1 import standing_service_pb2 as pb


async def test_visits_are_filtered_before_a_page_is_full(database: CreateDatabase, tmp_path: Path) -> None:
    """One order of three has a visit that was moved, and it is not the one that changed last."""
    async with referral_service(tmp_path, dsn=await database()) as (hospital, _):
        orders = [await scheduled(hospital, await accepted(hospital)) for _ in range(3)]
        await give(
            hospital,
            "MoveVisit",
            BRANCH,
            orders[0].name,
            visit="v1",
            starts_at=datetime.now(UTC) + timedelta(hours=1),
            reason=WHY,
            asked_by="VISIT_ASKER_PATIENT",
        )
        for order in orders[1:]:
            await give(hospital, "SuspendStanding", BRANCH, order.name, from_on=day(20), reason=WHY)
        moved = {"states": [standing_pb2.VISIT_STATE_MOVED], "page_size": 1}
        found = await page(hospital, **moved)
        assert [(each.standing_order, each.visit.id) for each in found.visits] == [(orders[0].name, "v1")]
        assert found.next_page_token == ""

        asked = {"states": [standing_pb2.VISIT_STATE_SCHEDULED], "day": day(2), "page_size": 1}
        walked, token = [], ""
        while len(walked) < 10:
            found = await page(hospital, page_token=token, **asked)
            walked += [each.standing_order for each in found.visits]
            token = found.next_page_token
            if not token:
                break
        assert walked == [orders[2].name, orders[1].name, orders[0].name]

        first = await page(hospital, **asked)
        other = page(hospital, page_token=first.next_page_token, **{**asked, "day": day(3)})
        refusal = await refused(other, grpc.StatusCode.INVALID_ARGUMENT)
        assert [each.field for each in refusal["BadRequest"].field_violations] == ["page_token"]


async def page(hospital: Hospital, **asked: Any) -> Any:
    return await stub(hospital).ListVisits(pb.ListVisitsRequest(**asked), metadata=hospital.as_(COUNTY))
