"""AES-256-GCM for cookies."""

import base64
import binascii
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
#: Bound to what it is for: nothing else that may once be sealed with the key passes for a session.
_PURPOSE = b"tierlink/board/session/1"


class SealKeyError(Exception):
    """The key file cannot be used; says why."""


class CookieSeal:
    """Implements `Seal`."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, content: bytes) -> str:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, content, _PURPOSE)
        return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, sealed: str) -> bytes | None:
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _PURPOSE)
        except (binascii.Error, ValueError, InvalidTag):
            return None


def read_seal(path: Path | None) -> CookieSeal:
    """A seal with the key of a file: 32 bytes in base64. Without a file the key lives as long as the process.

    Raises SealKeyError.
    """
    if path is None:
        return CookieSeal(secrets.token_bytes(_KEY_BYTES))
    try:
        key = base64.b64decode(path.read_bytes().strip(), validate=True)
    except (OSError, binascii.Error) as error:
        raise SealKeyError(f"{path}: {error}") from error
    if len(key) != _KEY_BYTES:
        raise SealKeyError(f"{path}: {_KEY_BYTES} bytes in base64 are expected")
    return CookieSeal(key)
