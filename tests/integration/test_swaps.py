"""Swaps against the running service: gRPC, the program, and what the person who is asked is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc

from tests.integration.hospital import BRANCH, COUNTY, new_id
from tests.integration.referral_site import refused
from tests.integration.roster_site import Site, roster_file, site
from tests.stack import CreateDatabase, SharedStack
from tierlink.notification.v1 import (
    alert_pb2,
    roster_plan_pb2,
    roster_service_pb2,
)


async def test_a_swap_from_the_asking_to_the_one_who_takes_over(
    stack: SharedStack, database: CreateDatabase, tmp_path: Path
) -> None:
    today = datetime.now(UTC) + timedelta(hours=8)
    tomorrow, after = ((today + timedelta(days=days)).strftime("%Y-%m-%d 00:00") for days in (1, 2))
    async with site(stack, await database(), tmp_path) as at:
        file = roster_file(tmp_path, today)
        file.write_text(file.read_text("utf-8").partition("leaves:")[0], "utf-8")
        assert (await at.run("apply", str(file))).exit_code == 0
        turns = ("--role", "STROKE", "--user", "dr-li", "--at", tomorrow, "--taker", "dr-wang")
        asked = await at.run("swap", "propose", COUNTY, *turns, "--in-return", after, "--reason", "PERSONAL")
        assert asked.exit_code == 0, asked.output
        assert f"待确认: {tomorrow} 卒中中心一线值班 dr-li → dr-wang" in asked.output
        swap = asked.output.splitlines()[-1]
        assert (await at.run("swap", "list", COUNTY)).exit_code == 1
        assert await holders(at, today) == ["dr-li", "dr-wang"]

        # Who is asked is told, and nobody else answers.
        told = (await at.alerts(rule="SWAP_PROPOSED"))[0]
        assert [each.user for each in told.escalation[0].recipients] == ["dr-wang"]
        confirm = roster_service_pb2.ConfirmSwapRequest(request_id=new_id(), swap=swap)
        for by, code in (
            (at.hospital.as_(BRANCH, user="dr-wang"), grpc.StatusCode.NOT_FOUND),
            (at.hospital.as_(COUNTY, user="dr-li"), grpc.StatusCode.PERMISSION_DENIED),
        ):
            await refused(at.rosters.ConfirmSwap(confirm, metadata=by), code)
        first = await at.rosters.ConfirmSwap(confirm, metadata=at.hospital.as_(COUNTY, user="dr-wang"))
        assert first.swap.state == roster_plan_pb2.SWAP_STATE_AGREED
        again = await at.rosters.ConfirmSwap(confirm, metadata=at.hospital.as_(COUNTY, user="dr-wang"))
        assert again == first, "the same request again has the first reply"
        assert await holders(at, today) == ["dr-wang", "dr-li"]
        (told,) = await at.alerts(rule="SWAP_PROPOSED")
        assert (told.state, told.resolution) == (alert_pb2.ALERT_STATE_RESOLVED, "SwapConfirmed")

        # The file comes again and takes nothing away; a stranger is told of no swap.
        later = file.read_text("utf-8").replace("dr-chief", "dr-boss")
        file.write_text(later, "utf-8")
        assert (await at.run("apply", str(file))).exit_code == 0
        assert await holders(at, today) == ["dr-wang", "dr-li"]
        listed = at.rosters.ListSwaps(
            roster_service_pb2.ListSwapsRequest(facility=COUNTY), metadata=at.hospital.as_(BRANCH)
        )
        await refused(listed, grpc.StatusCode.PERMISSION_DENIED)
        refusal = await at.run("swap", "confirm", swap)
        assert refusal.exit_code == 2
        withdrawn = await at.run("swap", "withdraw", swap, "--reason", "MISTAKE")
        assert withdrawn.exit_code == 0, withdrawn.output
        assert await holders(at, today) == ["dr-li", "dr-wang"]
        assert (await at.run("swap", "list", COUNTY)).exit_code == 0


async def holders(at: Site, today: datetime) -> list[str]:
    """Who is on duty tomorrow, and the day after."""
    found = []
    for days in (1, 2):
        request = roster_service_pb2.ListDutiesRequest(facility=COUNTY)
        noon = today.replace(hour=12, minute=0) + timedelta(days=days) - timedelta(hours=8)
        request.at.FromDatetime(noon)
        answer = await at.rosters.ListDuties(request, metadata=at.hospital.as_(COUNTY))
        found += [slot.holder.user for slot in answer.slots if slot.post.step == "duty"]
    return found
