"""Encrypts who patients are, with keys of a file; bound to the patient and the version of the details."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from services.referral.application.patient_identities import IdentityUnreadable, Sealed
from services.referral.domain.patient_identity import IdentityDetails
from services.shared.sealing.key_file import SealingKeysInvalid as IdentityKeysInvalid
from services.shared.sealing.key_file import read_sealing_keys
from services.shared.sealing.keyed_cipher import KeyedCipher, Seal, SealUnreadable
from services.shared.sealing.keyed_cipher import SealingKey as IdentityKey

__all__ = ["IdentityKey", "IdentityKeysInvalid", "KeyedIdentityCipher", "read_identity_cipher"]

_PURPOSE = b"tierlink/patient-identity/1"
_TAG_PURPOSE = b"tierlink/patient-identity/request/1"


class KeyedIdentityCipher:
    """Implements `IdentityCipher`."""

    def __init__(self, keys: Sequence[IdentityKey]) -> None:
        """The first key encrypts. Raises ValueError without keys, or for an id that stands twice."""
        self._cipher = KeyedCipher(keys, purpose=_PURPOSE, tag_purpose=_TAG_PURPOSE)

    def seal(self, details: IdentityDetails, patient: str, version: int) -> Sealed:
        seal = self._cipher.seal(msgspec.msgpack.encode(details), patient, str(version))
        return Sealed(key_id=seal.key_id, nonce=seal.nonce, ciphertext=seal.ciphertext)

    def open(self, sealed: Sealed, patient: str, version: int) -> IdentityDetails:
        """Raises IdentityUnreadable."""
        seal = Seal(key_id=sealed.key_id, nonce=sealed.nonce, ciphertext=sealed.ciphertext)
        try:
            plain = self._cipher.open(seal, patient, str(version))
        except SealUnreadable as error:
            raise IdentityUnreadable(str(error)) from None
        return msgspec.msgpack.decode(plain, type=IdentityDetails)

    def tag(self, digest: bytes, key_id: str) -> bytes:
        """Raises IdentityUnreadable without that key."""
        try:
            return self._cipher.tag(digest, key_id)
        except SealUnreadable as error:
            raise IdentityUnreadable(str(error)) from None


def read_identity_cipher(path: Path | None) -> KeyedIdentityCipher | None:
    """The cipher with the keys of a file; None without one.

    Raises IdentityKeysInvalid for a file that cannot be read or has anything but keys in it.
    """
    return None if path is None else KeyedIdentityCipher(read_sealing_keys(path))
