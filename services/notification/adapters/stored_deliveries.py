"""The table of deliveries on PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from services.notification.application.delivery_table import (
    CallPlan,
    DueDelivery,
    PlanCall,
    ShownAttempt,
    ShownDelivery,
    WaitingCall,
)
from services.notification.domain.answer import SAME_ANSWER
from services.notification.domain.channel_health import ChannelHealth
from services.notification.domain.delivery import ANSWERED, SAME_MOMENT, ChannelDeliveryState, PlannedDelivery
from services.shared.database.pool import Database
from services.shared.database.sql_blocks import load_blocks

_SQL = load_blocks("services.notification.adapters.sql", "deliveries.sql")


class StoredDeliveries:
    """Implements `DeliveryTable`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def plan_some(self, plan: PlanCall, limit: int) -> int:
        """One transaction: what dies in it is planned again, under the same ids."""
        async with self._database.connection() as connection, connection.transaction():
            rows = await connection.fetch(_SQL["take_calls"], limit)
            calls = [WaitingCall(alert=row["stream_id"], version=row["version"]) for row in rows]
            plans = [(call, await plan(call)) for call in calls]
            await _lock_recipients(connection, [planned for _, planned in plans])
            done: list[WaitingCall] = []
            for call, planned in plans:
                if planned.is_faulty:
                    await connection.execute(_SQL["put_off_call"], call.alert, call.version)
                    continue
                await _write(connection, planned)
                done.append(call)
            if done:
                await connection.execute(
                    _SQL["forget_calls"], [call.alert for call in done], [call.version for call in done]
                )
        return len(rows)

    async def claim(self, channel: str, *, limit: int, lease_s: float) -> Sequence[DueDelivery]:
        rows = await self._database.fetch(_SQL["claim_due"], channel, limit, timedelta(seconds=lease_s))
        return [
            DueDelivery(
                id=str(row["id"]),
                alert=row["alert"],
                step=row["step"],
                round=row["round"],
                recipient=row["recipient"],
                recipient_name=row["recipient_name"],
                facility=row["facility"],
                channel=row["channel"],
                called_at=row["called_at"],
                attempt=row["attempts"],
                refused_before=row["failed"],
                traceparent=row["traceparent"],
            )
            for row in rows
        ]

    async def sent(self, due: DueDelivery, state: ChannelDeliveryState, reference: str) -> None:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["end_attempt"], due.id, due.attempt, "SENT", "")
            await connection.execute(_SQL["end_sent"], due.id, due.attempt, state.value, reference[:200])
            await connection.execute(_SQL["note_success"], due.channel)

    async def failed(
        self, due: DueDelivery, detail: str, *, again_in_s: float | None, is_unknown: bool, counts: bool
    ) -> None:
        outcome = "UNKNOWN" if is_unknown else "FAILED"
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["end_attempt"], due.id, due.attempt, outcome, detail[:200])
            await connection.execute(_SQL["end_failed"], due.id, due.attempt, again_in_s, detail[:200])
            if counts:
                await connection.execute(_SQL["note_failure"], due.channel)

    async def needless(self, due: DueDelivery, why: str) -> None:
        async with self._database.connection() as connection, connection.transaction():
            await connection.execute(_SQL["end_attempt"], due.id, due.attempt, "CANCELLED", why)
            await connection.execute(_SQL["end_needless"], due.id, due.attempt, why)

    async def next_due_s(self, channels: Sequence[str], horizon_s: float) -> float:
        horizon = timedelta(seconds=horizon_s)
        return float(await self._database.fetch_value(_SQL["next_due"], list(channels), horizon))

    async def health(self, channels: Sequence[str]) -> Sequence[ChannelHealth]:
        return [ChannelHealth(**row) for row in await self._database.fetch(_SQL["health"], list(channels))]

    async def fall_silent(self, channel: str) -> datetime:
        since: datetime = await self._database.fetch_value(_SQL["fall_silent"], channel)
        return since

    async def set_alarmed(self, channel: str, silent_since: datetime) -> None:
        await self._database.execute(_SQL["set_alarmed"], channel, silent_since)

    async def speak_again(self, channel: str, silent_since: datetime) -> None:
        await self._database.execute(_SQL["speak_again"], channel, silent_since)

    async def shown(self, alert: str, *, limit: int) -> tuple[ShownDelivery, ...]:
        rows = await self._database.fetch_for_caller(_SQL["deliveries_of"], alert, limit)
        if not rows:
            return ()
        attempts: dict[str, list[ShownAttempt]] = {}
        for each in await self._database.fetch_for_caller(_SQL["attempts_of"], [row["id"] for row in rows]):
            attempts.setdefault(str(each["delivery"]), []).append(
                ShownAttempt(**{name: value for name, value in each.items() if name != "delivery"})
            )
        return tuple(_shown(row, tuple(attempts.get(str(row["id"]), ()))) for row in rows)


async def _lock_recipients(connection: Any, plans: Sequence[CallPlan]) -> None:
    """All that the transaction needs, in one order: two planners that lock as they go wait for each other."""
    for key in sorted({_recipient_key(each) for planned in plans for each in planned.deliveries}):
        await connection.execute(_SQL["lock_recipient"], key)


async def _write(connection: Any, planned: CallPlan) -> None:
    for each in planned.deliveries:
        call = each.call
        await connection.execute(_SQL["supersede"], each.alert, call.recipient, each.channel, call.called_at)
        await connection.execute(
            _SQL["add_delivery"],
            each.id,
            each.alert,
            each.subject,
            each.severity_rank,
            call.step,
            call.round,
            each.refusal,
            call.recipient,
            call.name,
            call.facility,
            each.channel,
            call.called_at,
            SAME_MOMENT,
            planned.traceparent,
        )
    if planned.stopped:
        await connection.execute(_SQL["stop_alert"], planned.alert, planned.stopped)
    if planned.acted_user:
        acted = (planned.alert, planned.acted_user, planned.acted_at)
        await connection.execute(_SQL["stop_recipient"], *acted, ANSWERED)
        await connection.execute(_SQL["mark_acted"], *acted, SAME_ANSWER)


def _recipient_key(each: PlannedDelivery) -> str:
    return f"{each.call.recipient}\x1f{each.channel}"


def _shown(row: Any, attempts: tuple[ShownAttempt, ...]) -> ShownDelivery:
    fields = dict(row)
    return ShownDelivery(
        **{**fields, "id": str(fields["id"]), "state": ChannelDeliveryState(fields["state"])},
        attempts=attempts,
    )
