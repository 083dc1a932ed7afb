"""How relays learn that there is something to publish: in the process at once, across processes by NOTIFY.

The NOTIFY is sent outside the commands' transactions: inside, it takes a lock until the commit, and commits
would queue. It is only a hint; each relay looks by itself every second.
"""

import asyncio
from collections.abc import Callable

import structlog

from services.shared.database.pool import Database
from services.shared.eventstore.postgres_store import SHARDS, shard_of
from services.shared.eventstore.units import AppendUnit
from services.shared.kafka.backoff import Backoff
from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.stopping import Stopping, comes_within
from services.shared.outbox.relay import ALL_SHARDS, Relay
from services.shared.outbox.table import CHANNEL, LEASES_FREE, SQL

_log = structlog.get_logger(__name__)


def nobody_here(shards: frozenset[int]) -> frozenset[int]:
    """For a process that appends and has no relay."""
    return shards


class CoalescedNotifier:
    """Tells the relays of what was appended: `appended` is a PostgresEventStore's `on_appended`.

    `wake` is this process's `Relay.wake`; other processes are told only of shards that it does not hold. At
    most one NOTIFY is under way, and what is appended meanwhile shares the next.
    """

    def __init__(
        self,
        database: Database,
        *,
        wake: Callable[[frozenset[int]], frozenset[int]] = nobody_here,
        pause_s: float = 0.002,
    ) -> None:
        self._database = database
        self._wake = wake
        self._pause_s = pause_s
        self._waiting: frozenset[int] = frozenset()
        self._flight: asyncio.Task[None] | None = None

    def appended(self, units: tuple[AppendUnit, ...]) -> None:
        """Called after a commit, within the event loop. Never blocks, never raises."""
        shards = frozenset(shard_of(message.key) for unit in units for message in unit.messages)
        elsewhere = self._wake(shards) if shards else shards
        if not elsewhere:
            return
        self._waiting |= elsewhere
        if self._flight is None:
            self._flight = asyncio.create_task(self._fly(), name="outbox-notify")

    async def stop(self) -> None:
        """Lets the NOTIFY under way end."""
        if self._flight is not None:
            await asyncio.wait((self._flight,))

    async def _fly(self) -> None:
        try:
            while self._waiting:
                shards, self._waiting = self._waiting, frozenset()
                payload = ",".join(str(shard) for shard in sorted(shards))
                await self._database.fetch_row(SQL["notify_outbox"], CHANNEL, payload)
                await asyncio.sleep(self._pause_s)
        except DependencyDown as error:
            # The relays look by themselves; what matters is in the outbox.
            _log.warning("outbox_notify_failed", error=str(error))
        except Exception:
            _log.exception("outbox_notify_failed")
        finally:
            self._flight = None


class OutboxListener:
    """Wakes this process's relay when other processes append, or give leases up."""

    def __init__(self, database: Database, relay: Relay, *, probe_s: float = 10.0) -> None:
        """`probe_s` is how often it asks whether it is still connected, and how long it waits to be told."""
        self._database = database
        self._relay = relay
        self._probe_s = probe_s
        self._stopping = Stopping()
        self._disconnected = asyncio.Event()

    async def run(self) -> None:
        """Listens until stopped or cancelled, and again after every loss of the connection."""
        backoff = Backoff(first_s=0.1, last_s=5.0)
        while not self._stopping.told.is_set():
            try:
                await self._listen(backoff)
            except DependencyDown as error:
                _log.warning("outbox_not_listening", error=str(error))
            except Exception:
                _log.exception("outbox_not_listening")
            if not self._stopping.told.is_set():
                await self._stopping.pause(backoff.next_s())

    async def stop(self) -> None:
        """Ends `run`."""
        self._stopping.told.set()
        self._disconnected.set()

    async def _listen(self, backoff: Backoff) -> None:
        async with self._database.connection() as connection:
            self._disconnected.clear()
            connection.add_termination_listener(self._lost)
            await connection.add_listener(CHANNEL, self._heard)
            try:
                backoff.reset()
                # Whatever was said while nobody listened.
                self._relay.wake_leases()
                self._relay.wake(ALL_SHARDS)
                # Nothing else is said on this connection: it could be dead for ever, and nobody the wiser.
                while not self._stopping.told.is_set():
                    if await comes_within(self._disconnected, self._probe_s):
                        break
                    await connection.fetchval("SELECT true", timeout=self._probe_s)
            finally:
                # Nobody else is to be given it: to say on it that it listens no more, it must not be dead.
                connection.remove_termination_listener(self._lost)
                connection.terminate()

    def _lost(self, _connection: object) -> None:
        self._disconnected.set()

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if payload == LEASES_FREE:
            self._relay.wake_leases()
            return
        try:
            shards = frozenset(int(shard) for shard in str(payload).split(","))
        except ValueError:
            shards = ALL_SHARDS
        self._relay.wake(shards if max(shards) < SHARDS else ALL_SHARDS)
