"""One run: fold what the sources have, compare, and follow for a while what was still on its way."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum

from aiokafka.errors import KafkaError

from services.shared.database.pool import Database
from services.shared.kernel.refusals import DependencyDown, DiskFull
from services.shared.refolding.comparing import Comparison, DatabaseComparison
from services.shared.refolding.faults import Faults
from services.shared.refolding.replica import SQL, Replica
from services.shared.refolding.rounds import OnRead, Rounds
from services.shared.refolding.subject import Subject
from services.shared.refolding.topic_source import TopicSource, open_topics

#: What the live database has gone on with may still be on its way through outbox and topic: so often, and so
#: far apart, it is looked for.
_LOOKS = 20
_LOOK_S = 0.5
#: PostgreSQL or Kafka may be away for so long before a run is given up: it goes on where it was when it is
#: begun again.
_PATIENCE_S = 60.0
_AGAIN_S = 1.0


class Source(StrEnum):
    """Where the events come from; what is not published comes from the store in any case."""

    KAFKA = "kafka"
    STORE = "store"


@dataclass(frozen=True, kw_only=True, slots=True)
class Amount:
    """What there is to fold."""

    events: int
    folded: int


class Verification:
    """Folds one service into a new database, and compares."""

    def __init__(self, subject: Subject, source: Source, live: Database, new: Database) -> None:
        self._subject = subject
        self._source = source
        self._live = live
        self._new = new
        self._replica = Replica(new)
        self._is_derived = False
        self.faults = Faults()

    async def prepare(self, live_name: str) -> Amount:
        """Makes the new database's tables; what there is to do. Raises NotEmpty, DependencyDown."""
        await self._replica.prepare(
            self._subject.migrations, service=self._subject.service, source=self._source.value, live=live_name
        )
        kinds: list[str] = []
        return Amount(
            events=int(await self._live.fetch_value(SQL["count_events"], kinds)),
            folded=int(await self._new.fetch_value(SQL["count_events"], kinds)),
        )

    async def fold(self, on_read: OnRead) -> int:
        """Everything that there is now, from where an earlier run was; how many events.

        Raises RecordsGone, OtherFold, and DependencyDown when PostgreSQL or Kafka stay away.
        """
        until_s = time.monotonic() + _PATIENCE_S

        def read(count: int) -> None:
            nonlocal until_s
            until_s = time.monotonic() + _PATIENCE_S
            # Also where the round is cut after it: the next one may find nothing more to read.
            self._is_derived = False
            on_read(count)

        while True:
            try:
                return await self._fold_once(read)
            except DiskFull:
                # Nobody makes room within a minute; until then it would be written to in vain.
                raise
            except (DependencyDown, KafkaError, OSError) as error:
                if time.monotonic() > until_s:
                    # Of a topic, but for what PostgreSQL's own pool says.
                    dependency = error.dependency if isinstance(error, DependencyDown) else "kafka"
                    raise DependencyDown(dependency, str(error) or repr(error)) from error
                await asyncio.sleep(_AGAIN_S)

    async def _fold_once(self, on_read: OnRead) -> int:
        count = 0
        rounds = Rounds(self._subject, self._replica, on_read)
        try:
            if self._source is Source.STORE:
                count = await rounds.from_store(self._live, ())
            else:
                async with self._topics() as topics:
                    if topics is not None:
                        count = await rounds.from_topics(topics)
                if self._subject.unpublished:
                    count += await rounds.from_store(self._live, self._subject.unpublished)
            if not self._is_derived:
                await rounds.derive()
                self._is_derived = True
            return count
        finally:
            self.faults.take(rounds.faults)

    @asynccontextmanager
    async def _topics(self) -> AsyncIterator[TopicSource | None]:
        if not self._subject.topics:
            yield None
            return
        async with open_topics(self._subject.kafka, self._subject.topics) as source:
            yield source

    async def compare(self, shown_max: int, on_read: OnRead) -> Comparison:
        """Both databases, while commands go on in the live one. Raises as `fold`."""
        comparison = DatabaseComparison(self._subject, self._live, self._new, Comparison(shown_max=shown_max))
        ahead: Sequence[str] = await comparison.of_all()
        for _ in range(_LOOKS):
            if not ahead:
                break
            await asyncio.sleep(_LOOK_S)
            await self.fold(on_read)
            ahead = await comparison.of(ahead)
        await comparison.settle(ahead)
        await self._compare_claims(comparison, on_read)
        return comparison.found

    async def _compare_claims(self, comparison: DatabaseComparison, on_read: OnRead) -> None:
        claims = await comparison.of_claims()
        for _ in range(_LOOKS):
            if claims.is_same or not await self.fold(on_read):
                break
            claims = await comparison.of_claims()
        comparison.found.take(claims)
