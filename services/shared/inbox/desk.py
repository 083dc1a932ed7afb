"""Where it is decided what becomes of dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.shared.database.pool import Database
from services.shared.inbox.parking import SQL
from services.shared.kafka.cloud_events import Headers
from services.shared.outbox.publisher import decode_headers


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


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterRecord:
    """A dead letter with the record as it came."""

    letter: DeadLetter
    key: bytes | None
    value: bytes | None
    headers: Headers
    is_open: bool
    #: no event before it is missing: it may be given up
    is_next: bool
    #: events of the same aggregate that wait
    parked_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterReason:
    """How many open letters of a topic have the same error."""

    topic: str
    error: str
    letters_count: int
    oldest_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ParkedAggregate:
    """An aggregate whose events wait."""

    topic: str
    aggregate: str
    letters_count: int
    parked_count: int
    handled_version: int
    waits_since: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class LetterSummary:
    """All that is open, bounded in what is listed and not in what is counted."""

    reasons: tuple[LetterReason, ...]
    parked: tuple[ParkedAggregate, ...]
    letters_count: int
    parked_aggregates_count: int


class DeadLetterDesk:
    """What an operator does with dead letters. The consumer takes up what is ready within its sweep.

    Raises DependencyDown wherever the database is away.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open_letters(self, *, after_id: int = 0, limit: int = 100) -> tuple[DeadLetter, ...]:
        """Dead letters that nobody has decided on, the oldest first."""
        rows = await self._database.fetch_for_caller(SQL["open_letters"], after_id, limit)
        return tuple(_letter(row) for row in rows)

    async def record(self, letter_id: int) -> LetterRecord | None:
        """One letter, open or not; None when there is no such one."""
        rows = await self._database.fetch_for_caller(SQL["letter"], letter_id)
        if not rows:
            return None
        row = rows[0]
        return LetterRecord(
            letter=_letter(row),
            key=row["key"],
            value=row["value"],
            headers=decode_headers(row["headers"]),
            is_open=row["is_open"],
            is_next=row["is_next"],
            parked_count=row["parked"],
        )

    async def letters_of(self, topic: str, aggregate_id: str) -> tuple[int, ...]:
        """The ids of an aggregate's open letters, in order."""
        rows = await self._database.fetch_for_caller(SQL["letters_of"], topic, aggregate_id)
        return tuple(row["id"] for row in rows)

    async def summary(self, *, reasons_max: int = 100, parked_max: int = 200) -> LetterSummary:
        """What is open, by reason and by aggregate."""
        reasons = await self._database.fetch(SQL["letter_reasons"], reasons_max)
        parked = await self._database.fetch(SQL["parked_depths"], parked_max)
        return LetterSummary(
            reasons=tuple(
                LetterReason(
                    topic=row["source"],
                    error=row["error"],
                    letters_count=row["letters"],
                    oldest_at=row["oldest_at"],
                )
                for row in reasons
            ),
            parked=tuple(
                ParkedAggregate(
                    topic=row["source"],
                    aggregate=row["aggregate_id"],
                    letters_count=row["letters"],
                    parked_count=row["parked"],
                    handled_version=row["handled"],
                    waits_since=row["since"],
                )
                for row in parked
            ),
            letters_count=int(reasons[0]["total"]) if reasons else 0,
            parked_aggregates_count=int(parked[0]["total"]) if parked else 0,
        )

    async def redrive(self, topic: str, aggregate_id: str, letters: Sequence[int] | None = None) -> int:
        """Has an aggregate's dead letters, all or these, handled again, and then what waits behind them.

        Returns how many. What fails again is a dead letter again.
        """
        return int(await self._database.fetch_value(SQL["redrive_letters"], topic, aggregate_id, letters))

    async def skip(self, letter_id: int) -> bool:
        """Gives a dead letter up: what waits behind it is handled as if this event had had no effect.

        False when there is no such open letter, or an event before it is missing still.
        """
        return bool(await self._database.fetch_value(SQL["skip_letter"], letter_id))


def _letter(row: Any) -> DeadLetter:
    return DeadLetter(
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
