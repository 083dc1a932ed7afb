"""From which sequence number on a relay looks for messages.

Without a floor each fetch walks over the index entries of all that was deleted and that a held snapshot keeps
from being vacuumed: 35 times slower. A floor that is too high loses messages for ever: numbers are drawn
before the commit, so a lower one may appear after higher ones were published and deleted. What has been seen
or published therefore says nothing. This is what does:

1. Read the last number drawn, N.
2. Then read which transactions hold the lock that an INSERT takes on the outbox before it draws a number and
   until it ends. Whoever has drawn a number up to N and has not ended is among them.
3. Once none of them is there any more, every number up to N is either visible or will never be. N is settled.

A fetch that starts after that sees all there will ever be up to N, so the floor of a shard becomes the first
message which that fetch finds, or N + 1 when that is lower or there is none.

(Transaction ids and snapshots would not do: a transaction may draw its number before it has an id.)
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol


class DrawnNumbers(Protocol):
    """What the floors ask the database; `OutboxTable` answers."""

    async def last_drawn(self) -> int: ...

    async def open_writers(self) -> frozenset[str]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Aim:
    """Where one fetch looks, as it stood before the fetch."""

    #: floor by shard
    floors: Mapping[int, int]
    #: every number up to it was settled before the fetch
    settled: int
    #: how often everything had been forgotten by then
    generation: int


class Floors:
    """The floors of one relay's shards."""

    def __init__(
        self,
        numbers: DrawnNumbers,
        *,
        probe_s: float = 0.25,
        rescan_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._numbers = numbers
        self._probe_s = probe_s
        self._rescan_s = rescan_s
        self._clock = clock
        self._probing = False
        self._next_probe_s = 0.0
        self._next_rescan_s = clock() + rescan_s
        self._generation = 0
        self.forget()

    def forget(self) -> None:
        """Looks from the start again: after an outage another server may answer, whose sequence is behind."""
        self._generation += 1
        self._settled = 0
        self._pending: tuple[int, frozenset[str]] | None = None
        self._floors: dict[int, int] = {}
        self._stirred = True

    def aim(self, shards: Iterable[int]) -> Aim:
        """Where to fetch `shards` from."""
        return Aim(
            floors={shard: self._floors.get(shard, 0) for shard in shards},
            settled=self._settled,
            generation=self._generation,
        )

    def learn(self, aim: Aim, first_found: Mapping[int, int]) -> None:
        """After a fetch at `aim` that found `first_found` as the lowest number of each shard that had any."""
        if first_found:
            self._stirred = True
        if aim.generation != self._generation:
            return
        for shard, floor in aim.floors.items():
            found = first_found.get(shard, aim.settled + 1)
            assert found >= floor or shard not in first_found, f"{found} was found below the floor {floor}"
            self._floors[shard] = max(floor, min(found, aim.settled + 1))

    async def advance(self) -> None:
        """Settles more numbers, at most every `probe_s` and only while there is something to gain.

        Raises DependencyDown when the database is away.
        """
        now_s = self._clock()
        if now_s >= self._next_rescan_s:
            # Costs one slow fetch a minute; makes up for whatever may have moved the sequence back unseen.
            self._next_rescan_s = now_s + self._rescan_s
            self.forget()
        if self._probing or now_s < self._next_probe_s or not (self._stirred or self._pending):
            return
        # One at a time: the writers seen by one probe say nothing about the number read by another.
        self._probing, self._stirred = True, False
        generation = self._generation
        try:
            drawn = await self._numbers.last_drawn()
            writers = await self._numbers.open_writers()
        finally:
            self._probing = False
            self._next_probe_s = self._clock() + self._probe_s
        if generation == self._generation:
            self._settle(drawn, writers)

    def _settle(self, drawn: int, writers: frozenset[str]) -> None:
        if not writers:
            self._settled, self._pending = max(self._settled, drawn), None
            return
        if self._pending is not None:
            number, awaited = self._pending
            awaited &= writers
            if awaited:
                self._pending = (number, awaited)
                return
            self._settled = max(self._settled, number)
        self._pending = (drawn, writers)
