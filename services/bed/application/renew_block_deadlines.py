"""Beds that were blocked before the end of a block had a deadline: their end is waited for as well.

A deadline is written when the state begins to have it. Of a block of earlier it always had it, by today's
fold, so no event of the ward would write it. Done at each start; where nothing is missing it changes nothing.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Protocol

import structlog

from services.bed.application.aggregates import Aggregates
from services.bed.domain import ward as wards
from services.bed.domain.values import BedState
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.eventstore.units import StoredStream
from services.shared.kernel.command import Deadline
from services.shared.kernel.refusals import DependencyDown
from services.shared.refolding.folding import Unfoldable, deadlines_of
from services.shared.refolding.subject import SourceEvent, source_event

_log = structlog.get_logger(__name__)

_SCAN = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class WardDeadline:
    """A deadline that a ward has at a version."""

    stream_id: str
    version: int
    deadline: Deadline
    #: the version that had it first, as the unit that wrote it would have said
    set_version: int


class MissingDeadlines(Protocol):
    async def waited_for(self, stream_ids: Sequence[str]) -> frozenset[tuple[str, str]]:
        """Which deadlines of these wards are there, by ward and key. Raises DependencyDown."""

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
            found: dict[str, tuple[Deadline, ...]] = {}
            for stream in streams:
                ward = (await self._runner.revive(kind, stream)).state
                if ward is not None and any(bed.state is BedState.BLOCKED for bed in ward.beds):
                    found[stream.stream_id] = wards.deadlines(ward)
            there = await self._missing.waited_for(list(found)) if found else frozenset()
            for stream in streams:
                deadlines = found.get(stream.stream_id, ())
                missing = {each.key for each in deadlines if (stream.stream_id, each.key) not in there}
                if missing:
                    await self._set(stream, missing)
            if len(streams) < _SCAN:
                return
            after = streams[-1].stream_id

    async def _set(self, stream: StoredStream, keys: AbstractSet[str]) -> None:
        try:
            await self._missing.set_missing(await self._as_set(stream, keys))
        except Unfoldable as error:
            # For the audit to say: one ward keeps no other from its deadlines, nor the service from starting.
            _log.warning("block_deadlines_not_renewed", ward=stream.stream_id, error=str(error))

    async def _as_set(self, stream: StoredStream, keys: AbstractSet[str]) -> list[WardDeadline]:
        """The deadlines of these keys as the ward's events set them, for a replay finds them so.

        Raises DependencyDown, Unfoldable.
        """
        events: list[SourceEvent] = []
        while len(events) < stream.version:
            page = await self._store.read_events(stream.stream_id, after_version=len(events))
            if not page:
                break
            events.extend(map(source_event, page))
        return [
            WardDeadline(
                stream_id=stream.stream_id,
                version=stream.version,
                deadline=each.deadline,
                set_version=each.set_version,
            )
            for each in deadlines_of(self._kinds.ward, events[: stream.version])
            if each.deadline.key in keys
        ]
