"""Ids that follow from other ids, so that a command given twice names the same things twice."""

from uuid import UUID, uuid5

_NAMESPACE = UUID("6f2d7a3e-51c4-5b0e-9a7d-3c1f0e8b2a64")


def derive_id(*parts: str) -> str:
    """A UUID (version 5) determined by `parts` alone."""
    return str(uuid5(_NAMESPACE, "\x1f".join(parts)))


def resource_name(collection: str, *parts: str) -> str:
    """A resource name such as `referrals/0b9c…`, derived from `parts` (AIP-122)."""
    return f"{collection}/{derive_id(collection, *parts)}"
