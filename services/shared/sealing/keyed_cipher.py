"""AES-256-GCM with a fresh nonce for each seal, bound to its place; several keys, of which the first seals.

Associated data bind a ciphertext to a purpose, to the row it belongs to and to its key: moved to another row
it does not open (NIST SP 800-38D).
"""

import hmac
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE_BYTES = 32
_NONCE_SIZE_BYTES = 12
_ID_LENGTH_MAX = 64


class SealUnreadable(Exception):
    """The key is not at hand, or what is stored is not what was written. Says nothing of the contents."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seal:
    """Bytes that nobody reads without the key of that id."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


class SealingKey:
    """One key with its id; neither `repr` nor `str` shows it."""

    __slots__ = ("_secret", "key_id")

    def __init__(self, key_id: str, secret: bytes) -> None:
        """Raises ValueError for a key of another size, or an id with blanks or none at all."""
        if len(secret) != KEY_SIZE_BYTES:
            raise ValueError(f"must have {KEY_SIZE_BYTES} bytes, has {len(secret)}")
        if (
            not 0 < len(key_id) <= _ID_LENGTH_MAX
            or not key_id.isascii()
            or not key_id.isprintable()
            or " " in key_id
        ):
            raise ValueError("needs an id without blanks")
        self.key_id = key_id
        self._secret = secret

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.key_id!r}, …)"

    def cipher(self) -> AESGCM:
        return AESGCM(self._secret)

    def tag_key(self, purpose: bytes) -> bytes:
        """A key of its own for tags, so that no key serves two purposes."""
        return hmac.digest(self._secret, purpose, sha256)


class KeyedCipher:
    """Seals and opens bytes for one purpose."""

    def __init__(self, keys: Sequence[SealingKey], *, purpose: bytes, tag_purpose: bytes) -> None:
        """The first key seals. Raises ValueError without keys, or for an id that stands twice."""
        if not keys:
            raise ValueError("no key is given")
        if len({key.key_id for key in keys}) != len(keys):
            raise ValueError("a key id stands twice")
        self._purpose = purpose
        self._first = keys[0].key_id
        self._ciphers = {key.key_id: key.cipher() for key in keys}
        self._tag_keys = {key.key_id: key.tag_key(tag_purpose) for key in keys}

    def seal(self, plain: bytes, *bound_to: str) -> Seal:
        """`bound_to` is the place that the bytes belong to; they open nowhere else."""
        nonce = os.urandom(_NONCE_SIZE_BYTES)
        ciphertext = self._ciphers[self._first].encrypt(nonce, plain, self._place(bound_to, self._first))
        return Seal(key_id=self._first, nonce=nonce, ciphertext=ciphertext)

    def open(self, sealed: Seal, *bound_to: str) -> bytes:
        """Raises SealUnreadable."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise SealUnreadable(f"the key {sealed.key_id!r} is not given")
        try:
            return cipher.decrypt(sealed.nonce, sealed.ciphertext, self._place(bound_to, sealed.key_id))
        except (InvalidTag, ValueError):
            # Neither chained nor quoted: what was read here is somebody's own.
            raise SealUnreadable(f"not what was written with key {sealed.key_id!r}") from None

    def tag(self, digest: bytes, key_id: str = "") -> bytes:
        """A keyed digest, comparable under the same key alone; the first key's without an id.

        A bare digest of a telephone or identity number is soon guessed. Raises SealUnreadable without that
        key.
        """
        key = self._tag_keys.get(key_id or self._first)
        if key is None:
            raise SealUnreadable(f"the key {key_id!r} is not given")
        return hmac.digest(key, digest, sha256)

    def _place(self, bound_to: Sequence[str], key_id: str) -> bytes:
        parts = (*(part.encode() for part in bound_to), key_id.encode())
        # Lengths before the parts: no two places give the same bytes.
        return self._purpose + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
