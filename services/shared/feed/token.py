"""Resume tokens: opaque to clients, checked when they come back."""

import base64
import binascii
import zlib
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from services.shared.kernel.refusals import FieldViolation, InvalidInput

#: Next offset by partition.
Positions = Mapping[int, int]
#: What a reader has been shown already of what is still to come in its stream: versions, by `mark` of a key.
Shown = Mapping[str, int]
NOTHING_SHOWN: Shown = {}

_VERSION = 1
_FIELD = "resume_token"
_LENGTH_MAX = 16_384
_CHECKSUM_BYTES = 4
_MARK_BYTES = 8
_OFFSET_MAX = 2**63 - 1


def mark(key: str) -> str:
    """A key in few letters: a token has room for some of them."""
    return blake2b(key.encode(), digest_size=_MARK_BYTES).hexdigest()


def encode_token(topic: str, positions: Positions, shown: Shown = NOTHING_SHOWN) -> str:
    """A token of URL-safe characters, good for `topic` alone."""
    content: dict[str, object] = {
        "v": _VERSION,
        "p": {str(partition): offset for partition, offset in sorted(positions.items())},
    }
    if shown:
        content["s"] = shown
    payload = orjson.dumps(content)
    return base64.urlsafe_b64encode(_checksum(topic, payload) + payload).rstrip(b"=").decode()


def decode_token(topic: str, token: str) -> dict[int, int]:
    """The positions in a token. Raises InvalidInput when it is not one of this topic's."""
    try:
        positions = {int(partition): offset for partition, offset in _content(topic, token)["p"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise bad_token("is not a token of this stream") from error
    if not all(
        isinstance(offset, int) and 0 <= offset <= _OFFSET_MAX and partition >= 0
        for partition, offset in positions.items()
    ):
        raise bad_token("is not a token of this stream")
    return positions


def decode_shown(topic: str, token: str) -> dict[str, int]:
    """What a token's reader was shown before. Raises InvalidInput when it is not one of this topic's."""
    shown = _content(topic, token).get("s", {})
    if not isinstance(shown, dict) or not all(isinstance(version, int) for version in shown.values()):
        raise bad_token("is not a token of this stream")
    return shown


def _content(topic: str, token: str) -> dict[str, Any]:
    if not 0 < len(token) <= _LENGTH_MAX:
        raise bad_token("is not a token of this stream")
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise bad_token("is not a token of this stream") from error
    checksum, payload = raw[:_CHECKSUM_BYTES], raw[_CHECKSUM_BYTES:]
    if checksum != _checksum(topic, payload):
        raise bad_token("is damaged, or a token of another stream")
    try:
        content = orjson.loads(payload)
        version = content["v"]
    except (ValueError, KeyError, TypeError) as error:
        raise bad_token("is not a token of this stream") from error
    if version != _VERSION:
        raise bad_token("is of a version that is not known here")
    return dict(content)


def bad_token(description: str, *, reason: str = "RESUME_TOKEN") -> InvalidInput:
    """The refusal of a token."""
    return InvalidInput(FieldViolation(field=_FIELD, reason=reason, description=description))


def _checksum(topic: str, payload: bytes) -> bytes:
    return zlib.crc32(payload, zlib.crc32(topic.encode())).to_bytes(_CHECKSUM_BYTES, "big")
