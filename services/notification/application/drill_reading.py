"""Reads drills: of a facility, or of all for overview roles."""

from dataclasses import dataclass
from datetime import datetime

from services.notification.application.aggregates import Aggregates
from services.notification.domain.drill import Drill
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore, StreamQuery

_PAGE = 1000
#: More than a province of centres holds in 400 days.
_REPORT_MAX = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class DrillPage:
    drills: tuple[Drill, ...]
    next_after: int | None


class DrillReading:
    """Reads drills from the store. Raises DependencyDown when it is away."""

    def __init__(self, store: EventStore, runner: CommandRunner, kinds: Aggregates) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds

    async def page(
        self,
        facilities: tuple[str, ...] | None,
        *,
        states: tuple[str, ...] = (),
        after: int | None = None,
        limit: int,
    ) -> DrillPage:
        """The latest changes first, of these facilities; None is all of them."""
        page = await self._store.find(
            StreamQuery(
                kind=self._kinds.drill.name,
                contains={},
                parties=facilities,
                states=states,
                after=after,
                limit=limit,
            )
        )
        drills = await self._runner.revive_all(self._kinds.drill, page.streams)
        return DrillPage(drills=drills, next_after=page.next_after)

    async def started_between(
        self, facilities: tuple[str, ...] | None, begin: datetime, end: datetime
    ) -> list[Drill]:
        """The latest first."""
        found: list[Drill] = []
        read, after = 0, None
        while read < _REPORT_MAX:
            page = await self.page(facilities, after=after, limit=_PAGE)
            found += [drill for drill in page.drills if begin <= drill.started_at < end]
            read += len(page.drills)
            after = page.next_after
            # A drill changes for the last time within a day: what changed earlier began earlier.
            if after is None:
                break
        return sorted(found, key=lambda drill: drill.started_at, reverse=True)
