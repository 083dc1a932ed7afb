"""What Alibaba Cloud says became of an SMS or a call: asked for, because what it pushes is signed by nobody.

SMS: QuerySendDetails (Dysmsapi 2017-05-25), `SendStatus` 1 waits, 2 failed, 3 received. Calls:
QueryCallDetailByCallId (Dyvmsapi 2017-05-25) of product 11000000300006 (语音通知); states are those of the
vendor's table of call states: 200000 listened to the end, 200001 hung up before.
"""

from collections.abc import Mapping
from datetime import timedelta, timezone
from typing import Any

import msgspec

from services.notification.adapters.channels.aliyun_call import AliyunCaller, national_number
from services.notification.application.channels import ChannelRefused, Report, SentMessage
from services.notification.domain.delivery import ChannelDeliveryState

#: Days of the vendor's are China's.
_CHINA = timezone(timedelta(hours=8))
_FAILED, _RECEIVED = "2", "3"
#: Of a message whose number is not known, so many of the telephone's day are looked through.
_PAGE_SIZE = "20"

_VOICE_NOTICE = "11000000300006"
_LISTENED = frozenset({"200000", "200001"})
#: Begun, rings, answered, speaks: asked for again.
_UNDER_WAY = frozenset({"", "200101", "200102", "200103", "200201"})


class AliyunSmsReceipts:
    """Implements `Receipts`."""

    def __init__(self, caller: AliyunCaller) -> None:
        self._caller = caller

    async def report(self, sent: SentMessage) -> Report | None:
        answer = await self._caller.query(
            "QuerySendDetails",
            f"{sent.id}-r{sent.asked}",
            {
                "PhoneNumber": national_number(sent.address),
                # Not known of a message whose answer was lost: it is found by what it was sent with.
                **({"BizId": sent.reference} if sent.reference else {}),
                "SendDate": sent.sent_at.astimezone(_CHINA).strftime("%Y%m%d"),
                "PageSize": _PAGE_SIZE,
                "CurrentPage": "1",
            },
        )
        mine = (sent.id, "") if sent.reference else (sent.id,)
        own = [each for each in _details(answer) if str(each.get("OutId", "")) in mine]
        states = {str(each.get("SendStatus", "")) for each in own}
        if _FAILED in states:
            failed = next(each for each in own if str(each.get("SendStatus", "")) == _FAILED)
            return Report(failure=f"NOT_DELIVERED {failed.get('ErrCode', '')}"[:200])
        return Report(state=ChannelDeliveryState.DELIVERED) if states == {_RECEIVED} else None


class AliyunCallReceipts:
    """Implements `Receipts`."""

    def __init__(self, caller: AliyunCaller) -> None:
        self._caller = caller

    async def report(self, sent: SentMessage) -> Report | None:
        if not sent.reference:
            return None
        answer = await self._caller.query(
            "QueryCallDetailByCallId",
            f"{sent.id}-r{sent.asked}",
            {
                "CallId": sent.reference,
                "ProdId": _VOICE_NOTICE,
                "QueryDate": str(int(sent.sent_at.timestamp() * 1000)),
            },
        )
        try:
            detail = msgspec.json.decode(str(answer.get("Data") or "{}"), type=dict[str, Any])
        except msgspec.MsgspecError as error:
            raise ChannelRefused("RECEIPT_UNREADABLE") from error
        state = str(detail.get("state", ""))
        if state in _LISTENED:
            return Report(state=ChannelDeliveryState.SEEN)
        return None if state in _UNDER_WAY else Report(failure=f"NOT_ANSWERED {state}"[:200])


def _details(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of the answer that are what they should be."""
    outer = answer.get("SmsSendDetailDTOs")
    inner = outer.get("SmsSendDetailDTO") if isinstance(outer, dict) else None
    return [each for each in inner if isinstance(each, dict)] if isinstance(inner, list) else []
