"""Asks what is in force, for many who were refused at once."""

from collections.abc import Sequence
from typing import Any

from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks
from services.shared.eventstore.batching import Batcher
from services.shared.eventstore.units import RequestRecord, Standing

_SQL = load_blocks("services.shared.eventstore.sql", "event_store.sql")

#: Of many who are refused at once each comes as soon as it was decided: without a pause nearly every one
#: would have a statement of its own. Who is alone does not wait.
_GATHERING_S = 0.002

_Question = tuple[str, tuple[str, ...]]


class Standings:
    """Concurrent questions are gathered into one statement."""

    def __init__(self, reading: Database, *, batch_max: int, queue_max: int) -> None:
        self._reading = reading
        self._questions: Batcher[_Question, Standing] = Batcher(
            self._ask, batch_max=batch_max, queue_max=queue_max, name="standing", gathering_s=_GATHERING_S
        )

    async def close(self) -> None:
        await self._questions.close()

    async def of(self, request_id: str, stream_ids: Sequence[str]) -> Standing:
        """Raises Overloaded, DependencyDown."""
        return await self._questions.submit((request_id, tuple(stream_ids)))

    async def _ask(self, questions: Sequence[_Question]) -> Sequence[Standing]:
        names = {name for _, stream_ids in questions for name in stream_ids}
        rows = await self._reading.fetch_for_caller(
            _SQL["standing"], list(names), [request_id for request_id, _ in questions]
        )
        versions = {row["stream_id"]: row["version"] for row in rows if row["request_id"] is None}
        requests = {str(row["request_id"]): _request(row) for row in rows if row["request_id"] is not None}
        return [
            Standing(
                versions={name: versions[name] for name in stream_ids if name in versions},
                request=requests.get(request_id),
            )
            for request_id, stream_ids in questions
        ]


def _request(row: Any) -> RequestRecord:
    found = {name: row[name] for name in ("digest", "stream_id", "version")}
    return RequestRecord(request_id=str(row["request_id"]), **found)
