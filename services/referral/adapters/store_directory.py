"""The directory in force, kept at hand and followed in the store."""

import structlog

from services.referral.application.aggregates import Aggregates
from services.referral.domain.directory_state import DIRECTORY_NAME, EMPTY_DIRECTORY, Directory
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.loops.recurring import Recurring

_log = structlog.get_logger(__name__)


class StoreDirectory(Recurring):
    """Implements `KnownDirectory`. Another process may apply a directory: `run` looks for it."""

    def __init__(
        self, store: EventStore, runner: CommandRunner, kinds: Aggregates, *, interval_s: float = 2.0
    ) -> None:
        super().__init__(interval_s=interval_s, undone="directory_not_refreshed")
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._current = EMPTY_DIRECTORY

    def current(self) -> Directory:
        return self._current

    def replace(self, directory: Directory) -> None:
        if directory.version > self._current.version:
            self._current = directory

    async def refresh(self) -> None:
        """Reads the directory in force. Raises DependencyDown when the store is away."""
        loaded = await self._runner.read(self._kinds.directory, DIRECTORY_NAME)
        if loaded.state is not None:
            self.replace(loaded.state)

    async def round(self) -> bool:
        """Follows the store. Raises DependencyDown when it is away."""
        if await self._version() > self._current.version:
            await self.refresh()
            _log.info("directory_refreshed", version=self._current.version)
        return False

    async def _version(self) -> int:
        stored = await self._store.load(DIRECTORY_NAME)
        return 0 if stored is None else stored.version
