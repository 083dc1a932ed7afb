"""Encrypts who patients are: AES-256-GCM with a fresh nonce, keys of a file, rotated by order.

The file has one key a line, `<id> <32 bytes in base64>`; the first encrypts, the others still decrypt. Lines
that begin with # are comments. Associated data bind a ciphertext to its patient, version and key: moved to
another row it does not open.
"""

import hmac
import os
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.referral.application.patient_identities import IdentityUnreadable, Sealed
from services.referral.domain.patient_identity import IdentityDetails

KEY_SIZE_BYTES = 32
_NONCE_SIZE_BYTES = 12
_KEYS_MAX = 32
_ID_LENGTH_MAX = 64
_PURPOSE = b"tierlink/patient-identity/1"
_TAG_PURPOSE = b"tierlink/patient-identity/request/1"


class IdentityKeysInvalid(ValueError):
    """A file of keys cannot be used. The message names the file and line, never a key."""


class IdentityKey:
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
        return f"IdentityKey({self.key_id!r}, …)"

    def cipher(self) -> AESGCM:
        return AESGCM(self._secret)

    def tag_key(self) -> bytes:
        """A key of its own for tags, so that no key serves two purposes."""
        return hmac.digest(self._secret, _TAG_PURPOSE, sha256)


class KeyedIdentityCipher:
    """Implements `IdentityCipher`."""

    def __init__(self, keys: Sequence[IdentityKey]) -> None:
        """The first key encrypts. Raises ValueError without keys, or for an id that stands twice."""
        if not keys:
            raise ValueError("no key is given")
        if len({key.key_id for key in keys}) != len(keys):
            raise ValueError("a key id stands twice")
        self._first = keys[0].key_id
        self._ciphers = {key.key_id: key.cipher() for key in keys}
        self._tag_keys = {key.key_id: key.tag_key() for key in keys}

    def seal(self, details: IdentityDetails, patient: str, version: int) -> Sealed:
        nonce = os.urandom(_NONCE_SIZE_BYTES)
        plain = msgspec.msgpack.encode(details)
        bound_to = _bound_to(patient, version, self._first)
        ciphertext = self._ciphers[self._first].encrypt(nonce, plain, bound_to)
        return Sealed(key_id=self._first, nonce=nonce, ciphertext=ciphertext)

    def open(self, sealed: Sealed, patient: str, version: int) -> IdentityDetails:
        """Raises IdentityUnreadable."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise IdentityUnreadable(f"the key {sealed.key_id!r} is not given")
        bound_to = _bound_to(patient, version, sealed.key_id)
        try:
            plain = cipher.decrypt(sealed.nonce, sealed.ciphertext, bound_to)
        except (InvalidTag, ValueError):
            # Neither chained nor quoted: what was read here is a patient's.
            raise IdentityUnreadable(f"not what was written with key {sealed.key_id!r}") from None
        return msgspec.msgpack.decode(plain, type=IdentityDetails)

    def tag(self, digest: bytes, key_id: str) -> bytes:
        """Raises IdentityUnreadable without that key."""
        key = self._tag_keys.get(key_id)
        if key is None:
            raise IdentityUnreadable(f"the key {key_id!r} is not given")
        return hmac.digest(key, digest, sha256)


def read_identity_cipher(path: Path | None) -> KeyedIdentityCipher | None:
    """The cipher with the keys of a file; None without one.

    Raises IdentityKeysInvalid for a file that cannot be read or has anything but keys in it.
    """
    if path is None:
        return None
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise IdentityKeysInvalid(f"{path}: cannot be read ({type(error).__name__})") from None
    keys: list[IdentityKey] = []
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            keys.append(_key(line, f"{path}, line {number}"))
    if len(keys) > _KEYS_MAX:
        raise IdentityKeysInvalid(f"{path}: more than {_KEYS_MAX} keys")
    try:
        return KeyedIdentityCipher(keys)
    except ValueError as error:
        raise IdentityKeysInvalid(f"{path}: {error}") from None


def _key(line: str, where: str) -> IdentityKey:
    try:
        key_id, encoded = line.split()
        return IdentityKey(key_id, b64decode(encoded, validate=True))
    except Base64Error:
        raise IdentityKeysInvalid(f"{where}: the key is not base64") from None
    except ValueError as error:
        what = str(error) if str(error).startswith(("must have", "needs")) else "must be an id and a key"
        raise IdentityKeysInvalid(f"{where}: {what}") from None


def _bound_to(patient: str, version: int, key_id: str) -> bytes:
    parts = (patient.encode(), str(version).encode(), key_id.encode())
    # Lengths before the parts: no two triples give the same bytes.
    return _PURPOSE + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
