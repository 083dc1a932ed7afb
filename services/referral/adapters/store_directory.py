"""The directory in force, kept at hand and followed in the store."""

import asyncio
import contextlib

import structlog

from services.referral.application.aggregates import Aggregates
from services.referral.domain.directory_state import DIRECTORY_NAME, EMPTY_DIRECTORY, Directory
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import EventStore
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)


class StoreDirectory:
    """Implements `KnownDirectory`. Another process may apply a directory: `run` looks for it."""

    def __init__(
        self, store: EventStore, runner: CommandRunner, kinds: Aggregates, *, interval_s: float = 2.0
    ) -> None:
        self._store = store
        self._runner = runner
        self._kinds = kinds
        self._interval_s = interval_s
        self._current = EMPTY_DIRECTORY
        self._stopping = asyncio.Event()

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

    async def stop(self) -> None:
        """Ends `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Follows the store until it is stopped."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), self._interval_s)
            try:
                version = await self._version()
                if version > self._current.version:
                    await self.refresh()
                    _log.info("directory_refreshed", version=self._current.version)
            except DependencyDown:
                _log.warning("directory_not_refreshed", version=self._current.version)

    async def _version(self) -> int:
        stored = await self._store.load(DIRECTORY_NAME)
        return 0 if stored is None else stored.version
