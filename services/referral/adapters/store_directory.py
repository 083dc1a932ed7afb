"""The directory in force, kept at hand and followed in the store."""

import asyncio
from uuid import UUID

import structlog

from services.referral.application.aggregates import Aggregates
from services.referral.domain.directory_state import DIRECTORY_NAME, EMPTY_DIRECTORY, Directory
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.loops.recurring import Recurring

_log = structlog.get_logger(__name__)

#: A question about versions may ask for a request too; this one is nobody's.
_NO_REQUEST = str(UUID(int=0))


class StoreDirectory(Recurring):
    """Implements `KnownDirectory`. Another process may apply a directory: `run` looks for it."""

    def __init__(
        self,
        store: EventStore,
        runner: CommandRunner,
        kinds: Aggregates,
        *,
        interval_s: float = 2.0,
        look_interval_s: float = 0.1,
    ) -> None:
        super().__init__(interval_s=interval_s, undone="directory_not_refreshed")
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._current = EMPTY_DIRECTORY
        self._look_interval_s = look_interval_s
        self._looking = asyncio.Lock()
        self._next_look: asyncio.Task[None] | None = None
        self._look_from_s = 0.0

    def current(self) -> Directory:
        return self._current

    def replace(self, directory: Directory) -> None:
        if directory.version > self._current.version:
            self._current = directory

    async def is_newer_than(self, version: int) -> bool:
        """Whether a directory newer than `version` is in force; it is at hand then.

        The store is asked if none is known, by a look that begins after the question. All who wait share one;
        looks begin an interval apart and one at a time, so however many ask, the store hears of few.
        Raises Overloaded, DependencyDown.
        """
        if self._current.version <= version:
            if self._next_look is None:
                self._next_look = asyncio.create_task(self._look())
            # One of many who wait may give up.
            await asyncio.shield(self._next_look)
        return self._current.version > version

    async def _look(self) -> None:
        clock = asyncio.get_running_loop()
        async with self._looking:
            await asyncio.sleep(self._look_from_s - clock.time())
            # Who asks from here on needs the next: this one's answer may be older than the question.
            self._next_look = None
            self._look_from_s = clock.time() + self._look_interval_s
            await self.round()

    async def refresh(self) -> None:
        """Reads the directory in force. Raises DependencyDown when the store is away."""
        loaded = await self._runner.read(self._kinds.directory, DIRECTORY_NAME)
        if loaded.state is not None:
            self.replace(loaded.state)

    async def round(self) -> bool:
        """Follows the store. Raises Overloaded, DependencyDown when it is away."""
        if await self._version() > self._current.version:
            await self.refresh()
            _log.info("directory_refreshed", version=self._current.version)
        return False

    async def _version(self) -> int:
        standing = await self._store.standing(_NO_REQUEST, (DIRECTORY_NAME,))
        return standing.versions.get(DIRECTORY_NAME, 0)
