"""Ids that follow from other ids, so that a command given twice names the same things twice."""

from hashlib import sha1
from uuid import UUID

_NAMESPACE = UUID("6f2d7a3e-51c4-5b0e-9a7d-3c1f0e8b2a64").bytes
#: The digit of a UUID that carries its variant, from the digit of the hash in its place (RFC 9562, 4.1).
_VARIANT = {f"{digit:x}": f"{digit & 0b0011 | 0b1000:x}" for digit in range(16)}


def derive_id(*parts: str) -> str:
    """A UUID (version 5) determined by `parts` alone.

    By hand, because each event needs some, and `str(uuid.uuid5(…))` takes three times as long.
    """
    digits = sha1(_NAMESPACE + "\x1f".join(parts).encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANT[digits[16]]
    return f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def resource_name(collection: str, *parts: str) -> str:
    """A resource name such as `referrals/0b9c…`, derived from `parts` (AIP-122)."""
    return f"{collection}/{derive_id(collection, *parts)}"
