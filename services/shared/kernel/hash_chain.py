"""The tamper-evident chain of one aggregate's events.

A link is SHA-256 over the previous link and the bytes as stored. The bytes are never serialised again:
protobuf serialisation is not canonical, so only what was stored can be hashed a second time.
"""

from hashlib import sha256

HASH_SIZE_BYTES = 32


def genesis(kind: str, stream_id: str) -> bytes:
    """The link before the first event: bound to the aggregate's name, so that chains cannot be swapped."""
    return sha256(f"tierlink/{kind}/{stream_id}".encode()).digest()


def link(previous_hash: bytes, stored_bytes: bytes) -> bytes:
    """The hash of one event. Raises ValueError when `previous_hash` is not a SHA-256 digest."""
    if len(previous_hash) != HASH_SIZE_BYTES:
        raise ValueError(f"previous hash has {len(previous_hash)} bytes, not {HASH_SIZE_BYTES}")
    return sha256(previous_hash + stored_bytes).digest()
