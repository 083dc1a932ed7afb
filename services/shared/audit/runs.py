"""Chains put together from events in whatever order they lie: a sieve that lets the whole ones go.

It accuses nobody: whatever does not come together is looked at event by event (`verify_chain`), which says
what it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, pairwise
from operator import attrgetter
from struct import unpack
from typing import NamedTuple

from services.shared.kernel.hash_chain import HASH_SIZE_BYTES, genesis

_VERSION_SIZE_BYTES = 8
_LENGTH_SIZE_BYTES = 4
#: Between the names of a block. A name that has it makes the block one that is not understood.
SEPARATOR = ","
#: What an aggregate's row says of its chain: whose it is, its kind, its version and its last event's hash. No
#: class of its own: to make one takes as long as all that is compared.
ChainHead = tuple[str, str, int, bytes]


class EventBlock(NamedTuple):
    """Events as they lie, column by column.

    Versions are eight bytes each and hashes thirty-two; a link is a previous hash with the payload behind it,
    and the links' lengths are four bytes each, as they are when a previous hash has thirty-two.
    """

    stream_ids: str
    versions: bytes
    hashes: bytes
    lengths: bytes
    links: bytes


class HeadBlock(NamedTuple):
    """Aggregates' rows as they lie, column by column, like the events of an `EventBlock`."""

    stream_ids: str
    kinds: str
    versions: bytes
    hashes: bytes

    def heads(self) -> Iterator[ChainHead]:
        """Row by row; none where they are not what a store writes, so that nobody is let go by them."""
        ids, kinds = self.stream_ids.split(SEPARATOR), self.kinds.split(SEPARATOR)
        hashes = _slices(self.hashes, HASH_SIZE_BYTES)
        if not len(ids) == len(kinds) == len(hashes) == len(self.versions) / _VERSION_SIZE_BYTES:
            return iter(())
        return zip(ids, kinds, unpack(f">{len(ids)}q", self.versions), hashes, strict=True)


class Run(NamedTuple):
    """Events of one aggregate that follow each other, each hash computed anew from the one before."""

    stream_id: str
    first_version: int
    #: what the first one leans on
    root: bytes
    last_version: int
    last_hash: bytes


@dataclass(slots=True)
class _Growing:
    """A run without its name, which is changed with each event."""

    first_version: int
    root: bytes
    last_version: int
    last_hash: bytes

    def takes_on(self, run: "_Growing") -> bool:
        """Grows by that one if it leans on this one; whether it did."""
        if self.last_hash != run.root or self.last_version != run.first_version - 1:
            return False
        self.last_version, self.last_hash = run.last_version, run.last_hash
        return True


class Runs:
    """The runs of a store, or of a part of it, as far as they are known: a name and 300 bytes for each."""

    def __init__(self) -> None:
        self._runs: dict[str, _Growing] = {}
        #: those that came before what they lean on
        self._aside: dict[str, list[_Growing]] = {}
        #: those that are never let go
        self.suspects: set[str] = set()

    def __len__(self) -> int:
        return len(self._runs) + sum(map(len, self._aside.values()))

    @property
    def unsettled(self) -> set[str]:
        """Whatever has events and was not let go."""
        return self.suspects | self._runs.keys()

    @property
    def open_count(self) -> int:
        """How many may yet come together."""
        return len(self._runs)

    @property
    def open(self) -> tuple[str, ...]:
        """Those that may yet come together, in the order in which they were met."""
        return tuple(self._runs)

    def take(self, block: EventBlock) -> int | None:
        """Hashes a block's events; their count, or None when the block is not what a store writes.

        Whoever has events in such a block is to be told of with `suspect`.
        """
        bounds = _bounds(block)
        ids = block.stream_ids.split(SEPARATOR)
        if bounds is None or not len(bounds) - 1 == len(ids) == len(block.hashes) / HASH_SIZE_BYTES:
            return None
        links = block.links
        # In one go, so that each link is gone before the next one needs its room.
        digests = [sha256(links[begin:end]).digest() for begin, end in pairwise(bounds)]
        if b"".join(digests) != block.hashes:
            self.suspects.update(_altered(ids, digests, block.hashes))
        roots = [links[begin : begin + HASH_SIZE_BYTES] for begin in bounds]
        self._extend(ids, unpack(f">{len(ids)}q", block.versions), roots, digests)
        return len(ids)

    def suspect(self, stream_ids: Iterable[str]) -> None:
        """Never lets these go."""
        self.suspects.update(stream_ids)

    def merge(self, runs: Iterable[Run]) -> None:
        """Adds what was found in another part of the store."""
        for stream_id, first_version, root, last_version, last_hash in runs:
            run = _Growing(first_version, root, last_version, last_hash)
            if self._runs.setdefault(stream_id, run) is not run:
                self._aside.setdefault(stream_id, []).append(run)

    def settle(self, heads: Iterable[ChainHead]) -> Iterator[ChainHead]:
        """Lets those go that are whole, and names them.

        Whole is who has every version from 1 to its row's and no other, each hash, computed anew from the
        aggregate's own beginning over the stored bytes, being the stored one, the last of them the row's.
        What columns and state say beside the bytes is not looked at.
        """
        for head in heads:
            stream_id, kind, version, head_hash = head
            run = self._runs.get(stream_id)
            if run is None:
                continue
            if stream_id in self._aside:
                self._put_together(stream_id)
                run = self._runs[stream_id]
            if (
                run.last_version == version
                and run.last_hash == head_hash
                and run.first_version == 1
                and run.root == genesis(kind, stream_id)
                and stream_id not in self._aside
                and stream_id not in self.suspects
            ):
                del self._runs[stream_id]
                yield head

    def give_up(self) -> None:
        """Leaves those that are open to be looked at, and forgets what is known of them."""
        self.suspects.update(self._runs)
        self._runs.clear()
        self._aside.clear()

    def rest(self) -> Iterator[Run]:
        """What is known of those that are open."""
        for stream_id in tuple(self._aside):
            self._put_together(stream_id)
        for stream_id, run in self._runs.items():
            for each in (run, *self._aside.get(stream_id, ())):
                yield Run(stream_id, each.first_version, each.root, each.last_version, each.last_hash)

    def _extend(
        self, ids: Sequence[str], versions: Sequence[int], roots: Sequence[bytes], digests: Sequence[bytes]
    ) -> None:
        runs = self._runs
        known = runs.get
        for stream_id, version, root, digest in zip(ids, versions, roots, digests, strict=False):
            run = known(stream_id)
            if run is None:
                runs[stream_id] = _Growing(version, root, version, digest)
            elif run.last_hash == root and run.last_version == version - 1:
                run.last_version = version
                run.last_hash = digest
            else:
                self._put_aside(stream_id, _Growing(version, root, version, digest))

    def _put_aside(self, stream_id: str, run: _Growing) -> None:
        aside = self._aside.setdefault(stream_id, [])
        if not (aside and aside[-1].takes_on(run)):
            aside.append(run)

    def _put_together(self, stream_id: str) -> None:
        """Makes as few runs as there can be of an aggregate's."""
        pieces = sorted((self._runs[stream_id], *self._aside.pop(stream_id)), key=attrgetter("first_version"))
        joined = pieces[:1]
        for piece in pieces[1:]:
            if not joined[-1].takes_on(piece):
                joined.append(piece)
        self._runs[stream_id] = joined[0]
        if len(joined) > 1:
            self._aside[stream_id] = joined[1:]


def _bounds(block: EventBlock) -> list[int] | None:
    """Where links begin and the last one ends; None where that is not the end, or a link has no version."""
    count = len(block.lengths) // _LENGTH_SIZE_BYTES
    bounds = [0, *accumulate(unpack(f">{count}i", block.lengths))]
    if bounds[-1] != len(block.links) or len(block.versions) != count * _VERSION_SIZE_BYTES:
        return None
    return bounds


def _slices(column: bytes, size: int) -> list[bytes]:
    return [column[begin : begin + size] for begin in range(0, len(column), size)]


def _altered(ids: Sequence[str], digests: Sequence[bytes], hashes: bytes) -> Iterator[str]:
    """Whose stored hash is not the one of the bytes."""
    for place, (stream_id, digest) in enumerate(zip(ids, digests, strict=True)):
        begin = place * HASH_SIZE_BYTES
        if hashes[begin : begin + HASH_SIZE_BYTES] != digest:
            yield stream_id
