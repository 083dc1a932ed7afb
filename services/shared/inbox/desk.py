"""Where it is decided what becomes of dead letters."""

from dataclasses import dataclass
from datetime import datetime

from services.shared.database.pool import Database
from services.shared.inbox.parking import SQL


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A record that could not be handled, for whoever decides what becomes of it."""

    letter_id: int
    topic: str
    partition: int
    offset: int
    #: None, as the version, when the record could not be read that far
    aggregate_id: str | None
    version: int | None
    error: str
    attempts: int
    failed_at: datetime


class DeadLetterDesk:
    """What an operator does with dead letters. The consumer takes up what is ready within its sweep.

    Raises DependencyDown wherever the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_letters(self, *, after_id: int = 0, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Dead letters that nobody has decided on, the oldest first."""
        rows = await self._database.fetch(SQL["open_letters"], after_id, limit)
        return tuple(
            DeadLetter(
                letter_id=row["id"],
                topic=row["source"],
                partition=row["partition"],
                offset=row["offset"],
                aggregate_id=row["aggregate_id"],
                version=row["version"],
                error=row["error"],
                attempts=row["attempts"],
                failed_at=row["failed_at"],
            )
            for row in rows
        )

    async def redrive(self, topic: str, aggregate_id: str) -> int:
        """Has an aggregate's dead letters handled again, and then what waits behind them; returns how many.

        What fails again is a dead letter again.
        """
        return int(await self._database.fetch_value(SQL["redrive_letters"], topic, aggregate_id))

    async def skip(self, letter_id: int) -> bool:
        """Gives a dead letter up: what waits behind it is handled as if this event had had no effect.

        False when there is no such open letter, or an event before it is missing still.
        """
        return bool(await self._database.fetch_value(SQL["skip_letter"], letter_id))
