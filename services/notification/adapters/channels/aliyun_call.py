"""One call of an Alibaba Cloud RPC interface, with its public parameters, signature and refusals."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from services.notification.adapters.channels.aliyun_signature import canonical_query, signature
from services.notification.adapters.channels.http_answers import new_client, post
from services.notification.application.channels import ChannelRefused, Parcel

_VERSION = "2017-05-25"
#: The nonce was used: an earlier try of this very message was taken, and its answer did not arrive.
_TAKEN_BEFORE = "SignatureNonceUsed"
#: The recipient's own: the channel is not to blame, and another try would end alike.
_NUMBER_IS_WRONG = frozenset(
    {
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.INVALID_PARAMETERS",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.TTS_NUMBER_ILLEGAL",
        "isv.CALLED_NUMBER_ILLEGAL",
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AliyunAccount:
    """Where and as whom to call."""

    endpoint: str
    access_key_id: str
    access_key_secret: str = field(repr=False)
    region: str = "cn-hangzhou"


class AliyunCaller:
    """Calls one product's interface."""

    def __init__(self, account: AliyunAccount, *, timeout_s: float, now: Callable[[], datetime]) -> None:
        self._account = account
        self._now = now
        self._client = new_client(timeout_s)

    async def call(self, action: str, parcel: Parcel, own: Mapping[str, str]) -> Mapping[str, Any]:
        """The answer whose `Code` is OK, empty when the message was taken before. Raises ChannelRefused.

        The nonce is the message's own and changes only after a refusal: the vendor takes none twice, so a
        try whose outcome is not known can be repeated.
        """
        return await self._ask(
            action,
            f"{parcel.idempotency_key}-{parcel.refused_before}",
            # Comes back in the vendor's report on the message.
            {**own, "OutId": parcel.idempotency_key},
        )

    async def query(self, action: str, nonce: str, own: Mapping[str, str]) -> Mapping[str, Any]:
        """The answer to a question, empty when it was asked under this nonce. Raises ChannelRefused."""
        return await self._ask(action, nonce, own)

    async def _ask(self, action: str, nonce: str, own: Mapping[str, str]) -> Mapping[str, Any]:
        parameters = {
            **own,
            "Action": action,
            "Version": _VERSION,
            "RegionId": self._account.region,
            "Format": "JSON",
            "AccessKeyId": self._account.access_key_id,
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "SignatureNonce": nonce,
            "Timestamp": self._now().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        parameters["Signature"] = signature(parameters, self._account.access_key_secret, method="POST")
        status, body = await post(
            self._client,
            self._account.endpoint,
            content=canonical_query(parameters).encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
        return _answer(status, body)

    async def close(self) -> None:
        await self._client.aclose()


def national_number(address: str) -> str:
    """A number of mainland China without its country code, as both interfaces take it; others stay."""
    digits = "".join(mark for mark in address if mark.isdigit())
    return digits[2:] if address.startswith("+86") else digits


def _answer(status: int, body: bytes) -> Mapping[str, Any]:
    try:
        content = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ChannelRefused(f"HTTP {status}, not JSON", is_unknown=status >= 500) from error
    code = str(content.get("Code", ""))
    if code == "OK":
        return content
    if code == _TAKEN_BEFORE:
        return {}
    raise ChannelRefused(
        f"{code} HTTP {status}"[:200],
        is_final=code in _NUMBER_IS_WRONG,
        is_unknown=status >= 500,
        is_recipients=code in _NUMBER_IS_WRONG,
    )
