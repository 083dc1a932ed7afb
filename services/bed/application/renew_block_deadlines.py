"""Beds that were blocked before the end of a block had a deadline: their end is waited for as well.

A deadline is written when the state begins to have it. Of a block of earlier it always had it, by today's
fold, so no event of the ward would write it. Done at each start; where nothing is missing it changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from services.bed.application.aggregates import Aggregates
from services.bed.domain import ward as wards
from services.bed.domain.values import BedState
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.kernel.command import Deadline
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)

_SCAN = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class WardDeadline:
    """A deadline that a ward has at a version."""

    stream_id: str
    version: int
    deadline: Deadline


class MissingDeadlines(Protocol):
    async def set_missing(self, deadlines: Sequence[WardDeadline]) -> None:
        """Sets those that are not there. Raises DependencyDown."""


class BlockDeadlineRenewal:
    """Looks at every ward."""

    def __init__(
        self, store: EventStore, runner: CommandRunner, kinds: Aggregates, missing: MissingDeadlines
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._missing = missing

    async def renew(self) -> None:
        """Without the store nothing is done: a start must not wait for it."""
        try:
            await self._renew()
        except DependencyDown as error:
            _log.warning("block_deadlines_not_renewed", error=str(error))

    async def _renew(self) -> None:
        after = ""
        while True:
            kind = self._kinds.ward
            streams = await self._store.scan(kind=kind.name, after_stream_id=after, limit=_SCAN)
            found: list[WardDeadline] = []
            for stream in streams:
                ward = (await self._runner.revive(kind, stream)).state
                if ward is not None and any(bed.state is BedState.BLOCKED for bed in ward.beds):
                    found.extend(
                        WardDeadline(stream_id=stream.stream_id, version=stream.version, deadline=deadline)
                        for deadline in wards.deadlines(ward)
                    )
            if found:
                await self._missing.set_missing(found)
            if len(streams) < _SCAN:
                return
            after = streams[-1].stream_id
