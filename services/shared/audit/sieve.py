"""A sieve over chains as they are stored: an aggregate passes that is certainly whole, in little time.

It accuses nobody: whatever does not pass is looked at event by event (`verify_chain`), which says what it is.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import accumulate, pairwise
from struct import pack, unpack
from typing import NamedTuple

from services.shared.kernel.hash_chain import HASH_SIZE_BYTES, genesis

_VERSION_SIZE_BYTES = 8
_LENGTH_SIZE_BYTES = 4


class ChainRow(NamedTuple):
    """An aggregate's row with all of its events, in whatever order they lie.

    Versions are eight bytes each, hashes thirty-two, the payloads' lengths four, one after the other as the
    payloads are.
    """

    stream_id: str
    #: of the row, as the two that follow; empty and 0 where there is none
    kind: str
    version: int
    head_hash: bytes
    versions: bytes
    previous_hashes: bytes
    hashes: bytes
    lengths: bytes
    payloads: bytes

    @property
    def events_count(self) -> int:
        return len(self.versions) // _VERSION_SIZE_BYTES


def suspects(chains: Iterable[ChainRow]) -> tuple[str, ...]:
    """Those that are not certainly whole, by id.

    Who passes has every version from 1 to its row's, and each hash, computed anew from the aggregate's own
    beginning over the stored bytes, is the stored one, the last of them the row's. What columns and state
    say beside the bytes is not looked at.
    """
    return tuple(sorted(chain.stream_id for chain in chains if not _is_whole(chain)))


def _is_whole(chain: ChainRow) -> bool:
    stream_id, kind, version, head_hash, versions, previous_hashes, hashes, lengths, joined = chain
    if chain.events_count != version or not version:
        return False
    payloads = _taken_apart(lengths, joined)
    if payloads is None:
        return False
    if versions != _counted(version):
        order = _by_version(versions)
        if order is None:
            return False
        payloads = [payloads[place] for place in order]
        hashes, previous_hashes = _placed(hashes, order), _placed(previous_hashes, order)
    link = beginning = genesis(kind, stream_id)
    computed = []
    for payload in payloads:
        link = sha256(link + payload).digest()
        computed.append(link)
    return (
        link == head_hash
        and b"".join(computed) == hashes
        and beginning + hashes[:-HASH_SIZE_BYTES] == previous_hashes
    )


def _taken_apart(lengths: bytes, joined: bytes) -> list[bytes] | None:
    """Each payload; None where the lengths are not those of all of the bytes."""
    ends = [0, *accumulate(unpack(f">{len(lengths) // _LENGTH_SIZE_BYTES}i", lengths))]
    if ends[-1] != len(joined):
        return None
    return [joined[begin:end] for begin, end in pairwise(ends)]


def _by_version(versions: bytes) -> list[int] | None:
    """The places of the versions 1, 2, 3…; None where they are others."""
    found = unpack(f">{len(versions) // _VERSION_SIZE_BYTES}q", versions)
    order = sorted(range(len(found)), key=found.__getitem__)
    return order if [found[place] for place in order] == list(range(1, len(found) + 1)) else None


def _placed(hashes: bytes, order: Sequence[int]) -> bytes:
    size = HASH_SIZE_BYTES
    return b"".join([hashes[place * size : (place + 1) * size] for place in order])


def _counted(version: int) -> bytes:
    """The versions 1, 2, 3… as the database gives them."""
    if version <= _COUNTED_MAX:
        return _COUNTED[: version * _VERSION_SIZE_BYTES]
    return pack(f">{version}q", *range(1, version + 1))


_COUNTED_MAX = 1024
_COUNTED = pack(f">{_COUNTED_MAX}q", *range(1, _COUNTED_MAX + 1))
