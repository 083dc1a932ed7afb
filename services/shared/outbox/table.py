"""The outbox table as a relay uses it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

SQL = load_blocks("services.shared.outbox.sql", "outbox.sql")

#: Channel on which relays are told of messages (payload: shards with commas between) and of free leases.
CHANNEL = "tierlink_outbox"

#: Payload that says: there are leases to be taken.
LEASES_FREE = "leases"

#: The table is now empty, now long, so no statistics fit it: its plans are fixed. For the relay's own pool.
RELAY_SESSION = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan", "jit": "off"}


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchBound:
    """The most that is fetched of one shard at once; one message comes whatever its size."""

    rows_max: int = 512
    bytes_max: int = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Depth:
    """What waits: messages (counted up to a bound) and the age of the oldest."""

    messages: int
    oldest_s: float


class OutboxTable:
    """Raises DependencyDown wherever the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def fetch(self, floors: Mapping[int, int], bound: FetchBound) -> Sequence[Any]:
        """The oldest messages of the shards, each from its floor on, in sequence order."""
        return await self._database.fetch(
            SQL["fetch_messages"], list(floors), list(floors.values()), bound.rows_max, bound.bytes_max
        )

    async def delete(self, owner: str, epochs: Mapping[int, int], sequences: Sequence[int]) -> frozenset[int]:
        """Deletes messages of the shards whose epoch is still the owner's, and returns these shards."""
        rows = await self._database.fetch(
            SQL["delete_published"], owner, list(epochs), list(epochs.values()), sequences
        )
        return frozenset(row["shard"] for row in rows)

    async def waiting(self, keys: Collection[str]) -> frozenset[str]:
        """Which of these aggregates have messages that are not published yet."""
        rows = await self._database.fetch_for_caller(SQL["find_waiting"], list(keys))
        return frozenset(row["key"] for row in rows)

    async def last_drawn(self) -> int:
        """The highest sequence number drawn so far; 0 when none was."""
        return int(await self._database.fetch_value(SQL["last_drawn"]))

    async def open_writers(self) -> frozenset[str]:
        """The transactions under way that may have written to the outbox."""
        return frozenset(await self._database.fetch_value(SQL["open_writers"]) or ())

    async def depth(self, floors: Mapping[int, int], *, count_max: int) -> Depth:
        """What waits in the shards, at most `count_max` of each counted."""
        row = await self._database.fetch_row(
            SQL["measure_depth"], list(floors), list(floors.values()), count_max
        )
        if row is None:
            return Depth(messages=0, oldest_s=0.0)
        return Depth(messages=row["messages"], oldest_s=max(0.0, row["oldest_s"]))
