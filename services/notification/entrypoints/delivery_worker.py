"""The worker that plans and sends messages, beside those of other processes, within each channel's bounds."""

import asyncio
import contextlib
from collections.abc import Mapping

import structlog

from services.notification.application.channels import SiteChannel
from services.notification.application.delivery_table import DeliveryTable, DueDelivery
from services.notification.application.plan_deliveries import DeliveryPlanner
from services.notification.application.reach import Reach
from services.notification.application.send_deliveries import DeliverySender
from services.notification.application.watch_channels import ChannelWatch
from services.notification.domain.values import Recipient
from services.shared.eventstore.units import AppendUnit
from services.shared.kernel.refusals import DependencyDown
from services.shared.loops.stopping import Stopping, comes_within
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind

_log = structlog.get_logger(__name__)

#: Calls planned in one transaction.
_PLAN_MAX = 100
#: How often the worker looks without a reason.
_POLL_S = 1.0
#: The least that it sleeps: a message that another worker has in hand is due all the time.
_SLEEP_MIN_S = 0.02
#: What writing the outcome down may take beyond a channel's own timeout.
_LEASE_MARGIN_S = 5.0
_STOP_TIMEOUT_S = 5.0
_DELAY_MAX_S = 5.0
#: Outcomes of an attempt that are no error.
_WELL = frozenset({"sent", "cancelled"})


class DeliveryWorker:
    """Works until stopped. Outlives outages of PostgreSQL; what it held is another's after its lease."""

    def __init__(
        self,
        *,
        table: DeliveryTable,
        planner: DeliveryPlanner,
        sender: DeliverySender,
        watch: ChannelWatch,
        channels: Mapping[str, SiteChannel],
        reach: Reach,
        fallback: tuple[Recipient, ...],
        tracer: Tracer | None,
    ) -> None:
        """`fallback` are the people who are called when nobody else answers."""
        self._tracer = tracer
        self._fallback = fallback
        self._reach = reach
        self._table = table
        self._planner = planner
        self._sender = sender
        self._watch = watch
        self._channels = channels
        self._running: dict[asyncio.Task[None], str] = {}
        self._woken = asyncio.Event()
        self._stopping = Stopping()

    def appended(self, units: tuple[AppendUnit, ...]) -> None:
        """Wakes the worker when an alert changed. Never blocks."""
        if any(change.kind == "alert" for unit in units for change in unit.changes):
            self._woken.set()

    async def run(self) -> None:
        with self._stopping.running():
            try:
                await self._work()
            finally:
                await self._leave()

    async def _work(self) -> None:
        await self._look_at_fallback()
        delay_s = 0.1
        while not self._stopping.told.is_set():
            self._woken.clear()
            try:
                await self._round()
                delay_s = 0.1
                continue
            except DependencyDown as error:
                _log.warning("deliveries_wait", error=str(error))
            except Exception:
                _log.exception("deliveries_failed")
            await self._stopping.pause(delay_s)
            delay_s = min(delay_s * 2, _DELAY_MAX_S)

    async def stop(self) -> None:
        """Lets messages on their way arrive, within a bound."""
        self._woken.set()
        await self._stopping.end(within_s=_STOP_TIMEOUT_S * 2)
        for site in self._channels.values():
            await site.channel.close()

    async def _look_at_fallback(self) -> None:
        """Says at once what would otherwise be noticed in the worst night."""
        try:
            unreached = [each.user for each in self._fallback if not await self._reach.reaches(each)]
        except DependencyDown:
            return
        if unreached:
            _log.warning("fallback_reached_by_board_alone", users=unreached, see="docs/channels.md")

    async def _round(self) -> None:
        """Plans, sends what there is room for, looks after the channels, and sleeps."""
        planned = await self._table.plan_some(self._planner.plan, _PLAN_MAX)
        for name, site in self._channels.items():
            await self._start(name, site)
        if self._channels:
            await self._watch.look()
        if planned == _PLAN_MAX:
            return
        sleep_s = await self._table.next_due_s(self._idle(), _POLL_S) if self._idle() else _POLL_S
        await comes_within(self._woken, max(_SLEEP_MIN_S, sleep_s))

    def _idle(self) -> tuple[str, ...]:
        """Channels with room: a full one wakes the worker when a message of it has ended."""
        return tuple(name for name, site in self._channels.items() if self._room(name, site) > 0)

    def _room(self, name: str, site: SiteChannel) -> int:
        return site.concurrency - sum(1 for channel in self._running.values() if channel == name)

    async def _start(self, name: str, site: SiteChannel) -> None:
        room = self._room(name, site)
        if room <= 0:
            return
        lease_s = site.timeout_s + _LEASE_MARGIN_S
        for due in await self._table.claim(name, limit=room, lease_s=lease_s):
            task = asyncio.create_task(self._send(due), name=f"deliver by {name}")
            self._running[task] = name
            task.add_done_callback(self._ended_one)

    async def _send(self, due: DueDelivery) -> None:
        span = None
        if self._tracer is not None:
            span = self._tracer.below(due.traceparent, f"deliver {due.channel}", SpanKind.CLIENT)
        outcome = await self._attempt(due)
        if span is not None:
            span.end(
                error="" if outcome in _WELL else outcome,
                attributes=(
                    ("tierlink.aggregate", due.alert),
                    ("tierlink.delivery", due.id),
                    ("tierlink.delivery.channel", due.channel),
                    ("tierlink.delivery.attempt", due.attempt),
                    ("tierlink.delivery.outcome", outcome),
                ),
            )

    async def _attempt(self, due: DueDelivery) -> str:
        """What became of it: as it is counted, or a fault of this side."""
        try:
            return await self._sender.send(due)
        except DependencyDown as error:
            _log.warning("delivery_left_to_its_lease", delivery=due.id, error=str(error))
            return "left"
        except Exception:
            # A fault of the program: the lease runs out, and the tries are bounded by the claim.
            _log.exception("delivery_faulty", delivery=due.id, channel=due.channel)
            await self._give_up(due)
            return "fault"

    async def _give_up(self, due: DueDelivery) -> None:
        with contextlib.suppress(DependencyDown):
            retry = self._channels[due.channel].retry
            await self._table.failed(
                due,
                "FAULT",
                again_in_s=retry.delay_s(due.attempt),
                is_unknown=True,
                counts=True,
            )

    def _ended_one(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._woken.set()

    async def _leave(self) -> None:
        if self._running:
            await asyncio.wait(self._running, timeout=_STOP_TIMEOUT_S)
        for task in tuple(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=1.0)
