"""A webhook that its receiver can trust: signed, dated and numbered as the Standard Webhooks say (version 1).

`webhook-id` is the idempotency key, `webhook-timestamp` seconds since 1970, `webhook-signature`
`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
"""

import base64
import binascii
import hmac
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from services.notification.adapters.channels.http_answers import new_client, post
from services.notification.application.channels import ChannelRefused, Parcel, Receipt
from services.notification.domain.delivery import ChannelDeliveryState

_SECRET_PREFIX = "whsec_"
#: Another try may end otherwise; every other refusal of the request itself is final.
_AGAIN = frozenset({408, 409, 425, 429})
_TOLD = {
    "delivered": ChannelDeliveryState.DELIVERED,
    "seen": ChannelDeliveryState.SEEN,
}


class SignedWebhook:
    """Implements `Channel`. Without a URL or secret of its own it takes the recipient's."""

    def __init__(self, *, url: str, secret: str, timeout_s: float, now: Callable[[], datetime]) -> None:
        self._url = url
        self._secret = secret
        self._now = now
        self._client = new_client(timeout_s)

    async def send(self, parcel: Parcel) -> Receipt:
        secret = parcel.secret or self._secret
        if not secret:
            raise ChannelRefused("NO_SECRET", is_final=True, is_recipients=True)
        body = _body(parcel)
        at = str(int(self._now().timestamp()))
        key = parcel.idempotency_key
        status, answer = await post(
            self._client,
            self._url or parcel.address,
            content=body,
            headers={
                "content-type": "application/json",
                "webhook-id": key,
                "webhook-timestamp": at,
                "webhook-signature": sign(secret, key, at, body),
                "idempotency-key": key,
            },
        )
        if not 200 <= status < 300:
            is_final = 400 <= status < 500 and status not in _AGAIN
            raise ChannelRefused(f"HTTP {status}", is_final=is_final, is_unknown=status >= 500)
        return _receipt(answer)

    async def close(self) -> None:
        await self._client.aclose()


def sign(secret: str, key: str, timestamp: str, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{key}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key_bytes(secret), signed, "sha256")).decode()


def _key_bytes(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise ChannelRefused("SECRET_IS_NOT_BASE64", is_final=True) from error


def _body(parcel: Parcel) -> bytes:
    message = parcel.message
    return msgspec.json.encode(
        {
            "type": "tierlink.alert.call",
            "id": parcel.idempotency_key,
            "recipient": parcel.recipient,
            "language": message.language,
            "text": message.text,
            "headline": message.headline,
            "values": {name: value for name, value in message.values.items() if name != "code"},
            "link": message.link,
        }
    )


def _receipt(answer: bytes) -> Receipt:
    """What the receiver says; an answer that says nothing means that it took the message."""
    try:
        content = msgspec.json.decode(answer, type=dict[str, Any])
    except msgspec.MsgspecError:
        return Receipt()
    state = _TOLD.get(str(content.get("state", "")), ChannelDeliveryState.SENT)
    return Receipt(state=state, reference=str(content.get("reference", ""))[:200])
