"""The rows that one life writes: read from the service's own database, for the baselines to write as many."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import asyncpg

#: Every event of a command has the moment at which the command was received.
_EVENTS = """
SELECT e.stream_id, e.version, e.type, length(e.payload) AS payload_bytes, e.recorded_at, s.kind,
       length(s.snapshot) AS snapshot_bytes, s.facets::text AS facets
FROM events e JOIN streams s USING (stream_id)
WHERE e.stream_id = ANY ($1::text[])
ORDER BY e.recorded_at, e.stream_id, e.version
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenStream:
    """What one command wrote of one aggregate."""

    kind: str
    #: it did not exist before
    is_new: bool
    event_types: tuple[str, ...]
    #: of each event
    payload_sizes_bytes: tuple[int, ...]
    snapshot_size_bytes: int
    facets: str

    @property
    def collection(self) -> str:
        """What its name begins with."""
        return f"{self.kind}s"


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenCommand:
    """What one command wrote."""

    #: `/package.Service/Method`
    path: str
    streams: tuple[WrittenStream, ...]

    @property
    def is_new(self) -> bool:
        """Its aggregates did not exist before."""
        return self.streams[0].is_new


async def written_by(dsn: str, paths: Sequence[str], names: Sequence[str]) -> tuple[WrittenCommand, ...]:
    """What each command of one life wrote, in order. `names` are the life's aggregates.

    Raises ValueError when the commands are not those that are found.
    """
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(_EVENTS, names)
    finally:
        await connection.close()
    commands = [list(found) for _, found in groupby(rows, key=lambda row: row["recorded_at"])]
    return tuple(
        WrittenCommand(path=path, streams=_streams(found))
        for path, found in zip(paths, commands, strict=True)
    )


def _streams(rows: Sequence[Any]) -> tuple[WrittenStream, ...]:
    by_stream = [list(found) for _, found in groupby(rows, key=lambda row: row["stream_id"])]
    return tuple(
        WrittenStream(
            kind=found[0]["kind"],
            is_new=found[0]["version"] == 1,
            event_types=tuple(row["type"] for row in found),
            payload_sizes_bytes=tuple(row["payload_bytes"] for row in found),
            snapshot_size_bytes=found[0]["snapshot_bytes"],
            facets=found[0]["facets"],
        )
        for found in by_stream
    )
