"""Somebody of another facility gets nothing of an alert, a roster, a board or a drill: every RPC is tried."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
import pytest_asyncio

from services.shared.kernel.actor import Role
from tests.doubles.gateway import running_gateway
from tests.integration.hospital import BRANCH, COUNTY, new_id
from tests.integration.notification_site import NotificationSite, call_for, notification_site
from tests.stack import SharedStack
from tierlink.notification.v1 import (
    alert_pb2,
    alert_service_pb2,
    alert_service_pb2_grpc,
    answer_service_pb2,
    answer_service_pb2_grpc,
    board_service_pb2,
    board_service_pb2_grpc,
    drill_service_pb2,
    drill_service_pb2_grpc,
    roster_service_pb2,
    roster_service_pb2_grpc,
)

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

SERVICES: dict[str, tuple[Any, Any]] = {
    "AlertService": (alert_service_pb2, alert_service_pb2_grpc),
    "RosterService": (roster_service_pb2, roster_service_pb2_grpc),
    "BoardService": (board_service_pb2, board_service_pb2_grpc),
    "DrillService": (drill_service_pb2, drill_service_pb2_grpc),
    "AnswerService": (answer_service_pb2, answer_service_pb2_grpc),
}
#: Where somebody is, and as what.
STRANGERS = {
    "clinician": (BRANCH, Role.CLINICIAN),
    "office": (BRANCH, Role.REFERRAL_OFFICE),
    "bed desk": (BRANCH, Role.BED_DESK),
    "coordinator of elsewhere": ("horqin-general", Role.COORDINATOR),
    "ambulance": ("far-120", Role.AMBULANCE),
    "board": (BRANCH, Role.BOARD),
}
REASON = {"code": "HANDLED"}
#: Says that a screen of the caller's own facility is live: nothing of another's is in it.
OWN = {"ReportBoard"}
CODES = {grpc.StatusCode.NOT_FOUND, grpc.StatusCode.PERMISSION_DENIED}


@dataclass(kw_only=True)
class There:
    """What is at the county hospital, and nobody else's."""

    site: NotificationSite
    alert: str
    swap: str
    turn: dict[str, Any]


REQUESTS: dict[str, Callable[[There], dict[str, Any]]] = {
    "ListAlerts": lambda there: {},
    "GetAlert": lambda there: {"name": there.alert},
    "WatchAlerts": lambda there: {},
    "AcknowledgeAlert": lambda there: {"name": there.alert},
    "ResolveAlert": lambda there: {"name": there.alert, "reason": REASON},
    "PreviewRecipients": lambda there: {"event": "ReferralRequested", "facility": COUNTY},
    "ApplyRoster": lambda there: {"facility": COUNTY},
    "ListDuties": lambda there: {"facility": COUNTY},
    "GetCoverage": lambda there: {"facility": COUNTY},
    "GetHandover": lambda there: {"facility": COUNTY},
    "SetContactPoints": lambda there: {"user": "dr-li"},
    "GetContactPoints": lambda there: {"user": "dr-li"},
    "ProposeSwap": lambda there: {
        "facility": COUNTY,
        "first": there.turn,
        "taker": "dr-wang",
        "reason": REASON,
    },
    "ConfirmSwap": lambda there: {"swap": there.swap},
    "DeclineSwap": lambda there: {"swap": there.swap, "reason": REASON},
    "WithdrawSwap": lambda there: {"swap": there.swap, "reason": REASON},
    "ListSwaps": lambda there: {"facility": COUNTY},
    "ListBoards": lambda there: {},
    "WithdrawBoard": lambda there: {"facility": COUNTY, "reason": REASON},
    "StartDrill": lambda there: {"facility": COUNTY},
    "ListDrills": lambda there: {"facility": COUNTY},
    "GetDrillReport": lambda there: {
        "facility": COUNTY,
        "started_from": datetime.now(UTC) - timedelta(days=1),
        "started_before": datetime.now(UTC),
    },
    "GetAnswer": lambda there: {"code": "a" * 35},
    "RedeemAnswer": lambda there: {
        "code": "a" * 35,
        "action": answer_service_pb2.ANSWER_ACTION_ACKNOWLEDGE,
    },
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[There]:
    folder: Path = tmp_path_factory.mktemp("strangers")
    keys = folder / "contact_keys.txt"
    keys.write_text(f"own {b64encode(bytes(range(32))).decode()}\n", "ascii")
    settings = {"TIERLINK_NOTIFICATION_CONTACT_KEYS": str(keys)}
    async with (
        running_gateway() as gateway,
        notification_site(stack, folder, gateway, kafka=stack.kafka_bootstrap, settings=settings) as site,
    ):
        alert = await site.trigger(call_for("dr-li"))
        day = (datetime.now(UTC) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)
        post = {"role": "STROKE", "step": "duty"}
        turn = {"post": post, "starts_at": day, "user": "dr-li"}
        people = [{"user": user, "name": user} for user in ("dr-li", "dr-wang")]
        rotation = {
            "post": post,
            "period": "ROTATION_PERIOD_DAILY",
            "people": people,
            "starts_on": day.strftime("%Y-%m-%d"),
            "handover": "08:00",
        }
        operator = site.as_("", Role.OPERATOR, user="operator")
        await asked(site, "ApplyRoster", {"facility": COUNTY, "rotations": [rotation]}, operator)
        await asked(site, "SetContactPoints", {"user": "dr-li"}, operator)
        await asked(site, "ReportBoard", {}, site.as_(COUNTY))
        swap = await asked(
            site,
            "ProposeSwap",
            {"facility": COUNTY, "first": turn, "taker": "dr-wang", "reason": REASON},
            operator,
        )
        yield There(site=site, alert=alert, swap=swap.swap.name, turn=turn)


async def asked(site: NotificationSite, name: str, fields: dict[str, Any], by: Any) -> Any:
    """What one RPC answers; of a stream the messages of its first moment."""
    async with grpc.aio.insecure_channel(site.process.ready.grpc) as channel:
        for service, (messages, stubs) in SERVICES.items():
            if name not in messages.DESCRIPTOR.services_by_name[service].methods_by_name:
                continue
            request = getattr(messages, f"{name}Request")(**fields)
            if "request_id" in request.DESCRIPTOR.fields_by_name:
                request.request_id = new_id()
            call = getattr(getattr(stubs, f"{service}Stub")(channel), name)(request, metadata=by)
            return await (_beginning(call) if name == "WatchAlerts" else call)
    raise AssertionError(f"no service has {name}")


async def _beginning(stream: Any) -> Any:
    found = alert_service_pb2.ListAlertsResponse()
    try:
        async with asyncio.timeout(2.0):
            async for message in stream:
                found.alerts.append(message.alert)
    except TimeoutError:
        stream.cancel()
    return found


async def test_no_rpc_is_forgotten() -> None:
    every = {
        method.name
        for service, (messages, _) in SERVICES.items()
        for method in messages.DESCRIPTOR.services_by_name[service].methods
    }
    assert every == REQUESTS.keys() | OWN


@pytest.mark.parametrize("who", STRANGERS)
@pytest.mark.parametrize("name", sorted(REQUESTS))
async def test_a_stranger_gets_nothing(there: There, name: str, who: str) -> None:
    facility, role = STRANGERS[who]
    by = there.site.as_(facility, role, user="stranger")
    fields = REQUESTS[name](there)
    try:
        told = (await asked(there.site, name, fields, by)).SerializeToString()
    except grpc.aio.AioRpcError as refusal:
        assert refusal.code() in CODES, refusal
        told = str(refusal.details()).encode()
    for secret in (there.alert, there.swap, "dr-li", "dr-wang"):
        # What was asked for by name may be said again.
        assert secret.encode() not in told or secret in str(fields)


@pytest.mark.parametrize("who", STRANGERS)
async def test_a_stranger_does_not_watch_another_facility(there: There, who: str) -> None:
    facility, role = STRANGERS[who]
    by = there.site.as_(facility, role, user="stranger")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await asked(there.site, "WatchAlerts", {"facility": COUNTY}, by)
    assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_nothing_was_changed_and_the_hospitals_own_people_see_it_all(there: There) -> None:
    own = there.site.as_(COUNTY, Role.CLINICIAN, user="dr-he")
    alert = (await asked(there.site, "GetAlert", {"name": there.alert}, own)).alert
    assert alert.state == alert_pb2.ALERT_STATE_TRIGGERED
    watched = (await asked(there.site, "WatchAlerts", {}, own)).alerts
    assert there.alert in {each.name for each in watched}
    listed = (await asked(there.site, "ListAlerts", {}, own)).alerts
    assert there.alert in {each.name for each in listed}
    (swap,) = (await asked(there.site, "ListSwaps", {"facility": COUNTY}, own)).swaps
    assert (swap.name, swap.settled_by) == (there.swap, "")
    at = {"facility": COUNTY, "at": there.turn["starts_at"]}
    (slot,) = (await asked(there.site, "ListDuties", at, own)).slots
    assert slot.holder.user == "dr-li"
