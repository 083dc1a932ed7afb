"""Which shards this relay may publish: leases in the database, in the database's time.

The holder counts a lease from before it asked for it, on a clock that goes on while the process is stopped,
so it believes in the end of its lease no later than the database does. A process that was stopped and comes
back finds its leases over before its next send; what it had begun to send is a repetition of what its
successor sends, in the same order; and its deletes carry an epoch that is no longer the current one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from services.shared.clocks.day_clock import steady_s
from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import SHARDS
from services.shared.outbox.table import CHANNEL, LEASES_FREE, SQL

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldLease:
    epoch: int
    #: on the lease clock
    ends_s: float


class Leases:
    """The leases of one relay. `tick` is called by one task; the rest by any."""

    def __init__(
        self,
        database: Database,
        *,
        owner: str,
        lease_s: float,
        clock: Callable[[], float] = steady_s,
    ) -> None:
        self._database = database
        self._owner = owner
        self._lease_s = lease_s
        self._clock = clock
        self._held: dict[int, HeldLease] = {}
        self._surplus: frozenset[int] = frozenset()

    @property
    def owner(self) -> str:
        return self._owner

    @property
    def held(self) -> frozenset[int]:
        """Shards whose lease was this relay's when it last asked."""
        return frozenset(self._held)

    def usable(self, shards: Iterable[int]) -> dict[int, int]:
        """The epochs of those among `shards` that may be published now.

        A sixth of the lease must be left: what begins now should be over before the lease is.
        """
        latest_s = self._clock() + self._lease_s / 6
        return {
            shard: held.epoch
            for shard in shards
            if (held := self._held.get(shard)) is not None
            and held.ends_s > latest_s
            and shard not in self._surplus
        }

    def lose(self, shards: Iterable[int]) -> None:
        """The database has said that these are another's."""
        for shard in shards:
            self._held.pop(shard, None)

    async def tick(self, busy: frozenset[int]) -> frozenset[int]:
        """Prolongs, takes or gives up leases, and returns the shards that are new.

        Shards that are `busy` are given up at a later tick. Raises DependencyDown when the database is away:
        what is held then runs out by itself.
        """
        asked_s = self._clock()
        row = await self._database.fetch_row(
            SQL["attend_leases"], self._owner, timedelta(seconds=self._lease_s)
        )
        assert row is not None, "an aggregate query has a row"
        before = {shard: held.epoch for shard, held in self._held.items()}
        ends_s = asked_s + self._lease_s
        self._held = {
            shard: HeldLease(epoch=epoch, ends_s=ends_s)
            for shard, epoch in zip(row["shards"], row["epochs"], strict=True)
        }
        share = -(-SHARDS // (row["others"] + 1))
        self._surplus = frozenset(sorted(self._held)[share:])
        if self._surplus:
            await self._release(self._surplus - busy)
        elif len(self._held) < share:
            await self._take(share - len(self._held))
        return frozenset(shard for shard, held in self._held.items() if before.get(shard) != held.epoch)

    async def depart(self) -> None:
        """Gives everything up. Raises DependencyDown when the database is away."""
        await self._release(frozenset(range(SHARDS)))
        await self._database.execute(SQL["leave_members"], self._owner)

    async def _take(self, wanted: int) -> None:
        asked_s = self._clock()
        rows = await self._database.fetch(
            SQL["take_leases"], self._owner, timedelta(seconds=self._lease_s), wanted
        )
        for row in rows:
            self._held[row["shard"]] = HeldLease(epoch=row["epoch"], ends_s=asked_s + self._lease_s)
        if rows:
            _log.info("relay_leases_taken", owner=self._owner, shards=sorted(row["shard"] for row in rows))

    async def _release(self, shards: frozenset[int]) -> None:
        if not shards:
            return
        self.lose(shards)
        await self._database.fetch(SQL["release_leases"], self._owner, sorted(shards), CHANNEL, LEASES_FREE)
        _log.info("relay_leases_released", owner=self._owner, shards=sorted(shards))
