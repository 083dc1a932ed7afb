"""Brings the projections of aggregates that have not changed for long up to what the code now makes of them.

A change writes its own rows of lists and readings of clocks. What was written before a filter, a clock or a
site's target existed would get them only at its next change: a pass over all aggregates writes them instead,
a few at a time, and goes on where it was after a restart. So with a deadline that states began to have when
they were stored already: of those no event would write it.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import structlog

from services.referral.application.aggregates import Aggregates
from services.referral.domain.deadlines import Due
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.kernel.command import Deadline
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)

#: Looked at with one statement, which holds their rows.
BATCH = 100
#: Between two batches: whoever commands goes first.
_REST_S = 0.2
_AGAIN_S = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pass:
    """How far a pass has come."""

    #: what the projections are made by; another one begins anew
    made_by: str
    #: the last aggregate that was looked at
    after: str = ""
    is_finished: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Projected:
    """What one version of an aggregate is filtered and counted by."""

    stream_id: str
    version: int
    facets: dict[str, Any]
    #: of those that an older version did not have
    deadlines: tuple[Deadline, ...]


class Projections(Protocol):
    """Raises DependencyDown when the store is away."""

    async def progress(self) -> Pass | None: ...

    async def keep(self, progress: Pass) -> None: ...

    async def renew(self, projected: Sequence[Projected]) -> int:
        """Writes what is not so already, of versions that are still the latest; how many aggregates' rows."""
        ...


class ProjectionRenewal:
    """One pass, in the background. Several processes may do it at once: what is right stays as it is."""

    def __init__(
        self,
        *,
        store: EventStore,
        runner: CommandRunner,
        kinds: Aggregates,
        projections: Projections,
        made_by: str,
        rest_s: float = _REST_S,
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = {name: kind for name, kind in kinds.by_name().items() if name != kinds.directory.name}
        self._projections = projections
        self._made_by = made_by
        self._rest_s = rest_s
        self._stopping = asyncio.Event()

    async def stop(self) -> None:
        """Ends `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Until the pass is finished or stopped; outlives outages."""
        while not self._stopping.is_set():
            rest_s = self._rest_s
            try:
                if (await self.step()).is_finished:
                    break
            except DependencyDown:
                rest_s = _AGAIN_S
                _log.warning("projections_not_renewed")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), rest_s)
        await self._stopping.wait()

    async def step(self) -> Pass:
        """The next few aggregates; how far the pass is then. Raises DependencyDown."""
        progress = await self._projections.progress()
        if progress is None or progress.made_by != self._made_by:
            progress = Pass(made_by=self._made_by)
        if progress.is_finished:
            return progress
        stored = await self._store.scan(kind="", after_stream_id=progress.after, limit=BATCH)
        projected: list[Projected] = []
        for stream in stored:
            kind = self._kinds.get(stream.kind)
            loaded = None if kind is None else await self._runner.revive(kind, stream)
            if kind is not None and loaded is not None and loaded.state is not None:
                facets = dict(kind.facets(loaded.state))
                later = tuple(
                    each for each in kind.deadlines(loaded.state) if each.key.startswith(f"{Due.ERROR_MARK}:")
                )
                projected.append(
                    Projected(
                        stream_id=stream.stream_id, version=stream.version, facets=facets, deadlines=later
                    )
                )
        renewed = await self._projections.renew(projected) if projected else 0
        if stored:
            progress = replace(progress, after=stored[-1].stream_id)
        progress = replace(progress, is_finished=len(stored) < BATCH)
        await self._projections.keep(progress)
        if renewed or progress.is_finished:
            _log.info("projections_renewed", renewed=renewed, finished=progress.is_finished)
        return progress
