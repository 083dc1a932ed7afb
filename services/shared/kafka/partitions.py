"""Which partition a key belongs to: the choice of Kafka's own clients, so that others agree with ours."""

from functools import lru_cache
from struct import unpack_from

_MASK = 0xFFFFFFFF
_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995

#: Keys whose hash is remembered: in pure Python the hash costs more than all else that is done to a record.
_REMEMBERED_MAX = 65_536


def partition_of(key: bytes, partitions: int) -> int:
    """The partition of `key` among `partitions`, as the Java client's default partitioner has it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions


@lru_cache(maxsize=_REMEMBERED_MAX)
def murmur2(key: bytes) -> int:
    """MurmurHash2 with Kafka's seed, unsigned."""
    length = len(key)
    words = length >> 2
    h = _SEED ^ length
    for word in unpack_from(f"<{words}I", key):
        k = word * _MULTIPLIER & _MASK
        k = (k ^ k >> 24) * _MULTIPLIER & _MASK
        h = h * _MULTIPLIER & _MASK ^ k
    tail = key[words << 2 :]
    if tail:
        h = (h ^ int.from_bytes(tail, "little")) * _MULTIPLIER & _MASK
    h = (h ^ h >> 13) * _MULTIPLIER & _MASK
    return h ^ h >> 15
