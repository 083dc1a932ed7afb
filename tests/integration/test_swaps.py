"""Swaps against the running service: gRPC, the program, and what the person who is asked is told."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc

from services.notification.domain.alert_state import alert_name
from services.notification.domain.swap_alerts import answer_key
from services.shared.kernel.actor import Role
from tests.doubles.gateway import Answer, Gateway, Posted, running_gateway
from tests.integration.hospital import BRANCH, COUNTY, new_id
from tests.integration.notification_site import NotificationSite, notification_site
from tests.integration.referral_site import refused
from tests.integration.roster_site import Site, roster_file, site
from tests.stack import CreateDatabase, SharedStack
from tierlink.notification.v1 import (
    alert_pb2,
    roster_plan_pb2,
    roster_service_pb2,
    roster_service_pb2_grpc,
)

PERSONAL: Any = {"code": "PERSONAL"}


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
        # An operator asked for Dr Li: both are told what became of it.
        (answered,) = await at.alerts(rule="SWAP_ANSWERED")
        assert "dr-li" in {each.user for each in answered.escalation[0].recipients}
        assert answered.title.en.endswith("is agreed")

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
        (told,) = await at.alerts(rule="SWAP_WITHDRAWN")
        assert [each.user for each in told.escalation[0].recipients] == ["dr-li", "dr-wang"]
        assert await holders(at, today) == ["dr-li", "dr-wang"]
        assert (await at.run("swap", "list", COUNTY)).exit_code == 0


async def test_who_asked_is_told_of_a_decline_by_one_message_although_the_process_is_killed(
    stack: SharedStack, tmp_path: Path
) -> None:
    killed = asyncio.Event()

    async def respond(posted: Posted) -> Answer:
        return Answer() if killed.is_set() else Answer(hang=True)

    async with (
        running_gateway(respond) as gateway,
        notification_site(stack, tmp_path, gateway, more_channels=_known_channel(gateway)) as site,
    ):
        swap = await _asked_among_shifts(site)
        async with _rosters(site) as rosters:
            await rosters.DeclineSwap(
                roster_service_pb2.DeclineSwapRequest(request_id=new_id(), swap=swap, reason=PERSONAL),
                metadata=site.as_(COUNTY, user="dr-wang"),
            )
        await gateway.wait_for(1)
        site.process.kill()
        killed.set()
        site.process.start()
        (shown,) = await site.until_state(alert_name(answer_key(swap), None), "SENT")
        assert shown.recipient == "dr-li"
        assert gateway.keys == {shown.id}, "the same message again, and no other"


def _known_channel(gateway: Gateway) -> str:
    """A channel for what is to be known, by which Dr Li alone is called."""
    return f"""
  known:
    type: signed_webhook
    url: {gateway.url}/alerts
    secret: ${{TIERLINK_CHANNEL_SECRET}}
    personal: true
    severities: [INFORMATION]
    timeout_s: 3
    attempts_max: 4
    retry_first_s: 0.05
    retry_max_s: 0.2
"""


async def _asked_among_shifts(site: NotificationSite) -> str:
    """Two people have a shift each; Dr Li asks Dr Wang to take over tomorrow's."""
    begins = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)

    def shift(user: str, days: int, *channels: str) -> Any:
        times = {
            "starts_at": begins + timedelta(days=days),
            "ends_at": begins + timedelta(days=days, hours=8),
        }
        who = {"facility": COUNTY, "user": user, "name": user, "channels": channels}
        return {"role": "STROKE", "step": "duty", **who, **times}

    first: Any = {
        "post": {"role": "STROKE", "step": "duty", "seat": 1},
        "starts_at": begins,
        "user": "dr-li",
    }
    async with _rosters(site) as rosters:
        await rosters.ApplyRoster(
            roster_service_pb2.ApplyRosterRequest(
                request_id=new_id(), facility=COUNTY, shifts=[shift("dr-li", 0, "known"), shift("dr-wang", 2)]
            ),
            metadata=site.as_(COUNTY, Role.REFERRAL_OFFICE, user="office"),
        )
        asked = await rosters.ProposeSwap(
            roster_service_pb2.ProposeSwapRequest(
                request_id=new_id(),
                first=first,
                taker="dr-wang",
                reason=PERSONAL,
            ),
            metadata=site.as_(COUNTY),
        )
    return str(asked.swap.name)


@contextlib.asynccontextmanager
async def _rosters(site: NotificationSite) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(site.process.ready.grpc) as channel:
        yield roster_service_pb2_grpc.RosterServiceStub(channel)


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
