"""What an office asks for, each filter once: the largest hospital's clinician, a coordinator, an operator."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc

from services.operator.bench.network import branch
from services.operator.bench.templates import DESTINATION
from services.shared.kernel.actor import Role
from services.shared.kernel.text import BilingualText
from tierlink.referral.v1 import referral_pb2
from tierlink.referral.v1 import referral_service_pb2 as pb
from tierlink.type.v1 import type_pb2

PATH = "/tierlink.referral.v1.ReferralService"
_LIST = f"{PATH}/ListReferrals"
#: Pages of a thousand before the deep one.
_DEEP = 10


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of request by one reader."""

    key: str
    title: BilingualText
    path: str
    requests: list[Any]
    role: Role = Role.CLINICIAN
    facility: str = DESTINATION


def _list(
    key: str, zh: str, en: str, *, role: Role = Role.CLINICIAN, facility: str = DESTINATION, **w: Any
) -> Case:
    return Case(
        key=key,
        title=BilingualText(zh=zh, en=en),
        path=_LIST,
        requests=[pb.ListReferralsRequest(**w)],
        role=role,
        facility=facility,
    )


def first_pages(names: list[str]) -> list[Case]:
    """GetReferral, and the first page of each filter."""
    state = referral_pb2.ReferralState
    long_ago = datetime.now(UTC) - timedelta(days=600)
    three_days: dict[str, Any] = {
        "created_from": long_ago - timedelta(days=3),
        "created_before": long_ago,
    }
    coordinator: dict[str, Any] = {"role": Role.COORDINATOR, "facility": branch(0, 0)}
    operator: dict[str, Any] = {"role": Role.OPERATOR, "facility": ""}
    return [
        Case(
            key="get",
            title=BilingualText(zh="GetReferral", en="GetReferral"),
            path=f"{PATH}/GetReferral",
            requests=[pb.GetReferralRequest(name=name) for name in names],
        ),
        _list("list", "列表，全部", "list, all"),
        _list("list_closed", "列表，已结案", "list, closed", states=[state.REFERRAL_STATE_CLOSED]),
        _list("list_requested", "列表，待答复", "list, requested", states=[state.REFERRAL_STATE_REQUESTED]),
        _list(
            "list_error", "列表，录入错误", "list, in error", states=[state.REFERRAL_STATE_ENTERED_IN_ERROR]
        ),
        _list("list_waiting", "列表，待我处理", "list, waiting for me", waiting_for_me=True),
        _list("list_overdue", "列表，超时", "list, overdue (none)", overdue_only=True),
        _list("list_pathway", "列表，胸痛", "list, chest pain", pathway=type_pb2.PATHWAY_CHEST_PAIN),
        _list("list_urgency", "列表，急诊", "list, emergencies", urgency=type_pb2.URGENCY_EMERGENCY),
        # The longest walk there is: through all that the hospital ever had.
        _list("list_none", "列表，新生儿（无）", "list, newborn (none)", pathway=type_pb2.PATHWAY_NEONATAL),
        _list("list_down", "列表，下转（无）", "list, down (none)", direction=referral_pb2.DIRECTION_DOWN),
        _list("list_long_ago", "列表，600 天前", "list, 600 days ago", created_before=long_ago),
        _list("list_days", "列表，600 天前三天", "list, three days long ago", **three_days),
        Case(
            key="list_patient",
            title=BilingualText(zh="列表，按患者", en="list, one patient"),
            path=_LIST,
            requests=[pb.ListReferralsRequest(patient=f"bench-{number:032x}") for number in range(100)],
        ),
        _list("coordinator_list", "协调员，全部", "coordinator, all", **coordinator),
        _list(
            "coordinator_requested",
            "协调员，待答复",
            "coordinator, requested",
            states=[state.REFERRAL_STATE_REQUESTED],
            **coordinator,
        ),
        _list("operator_list", "运维，全部", "operator, all", **operator),
        _list(
            "operator_requested",
            "运维，待答复",
            "operator, requested",
            states=[state.REFERRAL_STATE_REQUESTED],
            **operator,
        ),
        _list(
            "operator_days",
            "运维，600 天前三天",
            "operator, three days long ago",
            **three_days,
            **operator,
        ),
    ]


async def deep_pages(channel: grpc.aio.Channel, token: str) -> list[Case]:
    """The same lists far behind their first page: the token is walked for."""
    call: Any = channel.unary_unary(
        _LIST,
        request_serializer=pb.ListReferralsRequest.SerializeToString,
        response_deserializer=pb.ListReferralsResponse.FromString,
    )
    found = []
    for key, zh, en, wanted in (
        ("deep", "深页，全部", "deep page, all", {}),
        (
            "deep_closed",
            "深页，已结案",
            "deep page, closed",
            {"states": [referral_pb2.REFERRAL_STATE_CLOSED]},
        ),
        ("deep_urgency", "深页，急诊", "deep page, emergencies", {"urgency": type_pb2.URGENCY_EMERGENCY}),
    ):
        at = ""
        for _ in range(_DEEP):
            request = pb.ListReferralsRequest(page_size=1000, page_token=at, **wanted)
            page = await call(request, metadata=(("authorization", f"Bearer {token}"),))
            if not page.next_page_token:
                break
            at = page.next_page_token
        found.append(_list(f"list_{key}", zh, en, page_token=at, **wanted))
    return found
