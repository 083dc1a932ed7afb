"""Seeded bugs: each makes a service wrong in one way that has been made before. The checks must see each one.

A bug replaces a few lines of a service's process at its start; see `armed`.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg

from services.shared.clocks.day_clock import DayClock
from services.shared.deadlines.worker import DeadlineWorker
from services.shared.eventstore import postgres_store
from services.shared.eventstore.batching import Batcher
from services.shared.eventstore.postgres_store import PostgresEventStore
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.units import AppendResult, AppendStatus
from services.shared.inbox import consumer
from services.shared.kernel.refusals import DependencyDown, NotAllowed
from services.shared.outbox.publisher import Published, Publisher
from tests.faults.patching import Rows, modules_with, put, put_sql, spoil_rows, without_claims

#: The lists of `postgres_store._rows`, in its order.
_CHANGES, _EVENTS = 1, 2


def answered_before_it_is_stored() -> None:
    """A command is answered after a moment, whatever becomes of it in the database."""
    store, running = Batcher.submit, set()

    async def append(self: Any, unit: Any) -> AppendResult:
        if not any(change.stream_id.startswith("referrals/") for change in unit.changes):
            # The site could not even be set up.
            return await store(self._batcher, unit)

        async def later() -> AppendResult:
            with suppress(Exception):
                return await store(self._batcher, unit)
            return AppendResult(status=AppendStatus.APPENDED)

        task = asyncio.create_task(later())
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.wait((task,), timeout=0.03)
        return task.result() if task.done() else AppendResult(status=AppendStatus.APPENDED)

    put(PostgresEventStore, "append", append)


def requests_are_forgotten() -> None:
    """A request that comes again is taken for a new one."""
    sql = postgres_store._SQL["append_units"]
    put_sql(
        sql.replace("WHEN r.unit IS NOT NULL THEN 'REPEATED'", "WHEN false THEN 'REPEATED'").replace(
            "WHERE u.request_id IS NOT NULL\n)",
            "WHERE u.request_id IS NOT NULL\n    ON CONFLICT DO NOTHING\n)",
        )
    )

    async def earlier_reply(*_: Any) -> None:
        return None

    put(CommandRunner, "earlier_reply", earlier_reply)


def answered_with_the_state_of_today() -> None:
    """A request that comes again is answered with the aggregate as it is by now."""
    state_at = CommandRunner.state_at

    async def latest(self: Any, kind: Any, stream_id: str, _version: int) -> Any:
        return await state_at(self, kind, stream_id, 10**9)

    put(CommandRunner, "state_at", latest)


def request_ids_are_noted_afterwards() -> None:
    """That a request was carried out is written in a statement of its own, behind the one that did it."""
    append = PostgresEventStore._append_statement
    sql = "INSERT INTO requests (request_id, digest, stream_id, version) VALUES ($1, $2, $3, $4)"

    async def append_then_note(self: Any, units: Sequence[Any]) -> list[AppendResult]:
        results = await append(self, [replace(unit, request=None) for unit in units])
        async with self._appending.connection() as connection:
            for unit, result in zip(units, results, strict=True):
                request = unit.request
                if request is not None and result.status is AppendStatus.APPENDED:
                    noted = (request.request_id, request.digest, request.stream_id, request.version)
                    await connection.execute(sql, *noted)
        return results

    put(PostgresEventStore, "_append_statement", append_then_note)


def unknown_outcomes_are_taken_for_failures() -> None:
    """Of an append whose answer did not come the caller is told that it was refused."""
    append = PostgresEventStore.append

    async def append_or_refuse(self: Any, unit: Any) -> AppendResult:
        try:
            return await append(self, unit)
        except DependencyDown as error:
            raise NotAllowed(state="", allowed_commands=(), failed_rules=()) from error

    put(PostgresEventStore, "append", append_or_refuse)


def full_disks_are_taken_for_room() -> None:
    """Of an append that found no room on the disk the caller is told that it is done."""
    append = PostgresEventStore.append

    async def append_and_hope(self: Any, unit: Any) -> AppendResult:
        try:
            return await append(self, unit)
        except DependencyDown as error:
            if isinstance(error.__cause__, asyncpg.DiskFullError):
                return AppendResult(status=AppendStatus.APPENDED)
            raise

    put(PostgresEventStore, "append", append_and_hope)


def deleted_before_the_acknowledgement() -> None:
    """The relay takes what it handed to the client library for published."""
    publish, running = Publisher.publish, set()

    async def send_and_forget(self: Any, rows: Sequence[Any]) -> Published:
        async def later() -> None:
            with suppress(Exception):
                await publish(self, rows)

        task = asyncio.create_task(later())
        running.add(task)
        task.add_done_callback(running.discard)
        by_topic: dict[str, list[int]] = {}
        for row in rows:
            by_topic.setdefault(row["topic"], []).append(row["seq"])
        return Published(acknowledged=by_topic, failure=None)

    put(Publisher, "publish", send_and_forget)


def published_out_of_order() -> None:
    """The relay publishes what it fetched from the end to the beginning."""
    publish = Publisher.publish

    async def backwards(self: Any, rows: Sequence[Any]) -> Published:
        return await publish(self, list(reversed(rows)))

    put(Publisher, "publish", backwards)


def inbox_without_versions() -> None:
    """An event is handled whatever was handled before it."""
    sql = postgres_store._SQL["append_units"]
    for line in (
        "WHEN i.last_version >= i.inbox_version THEN 'SEEN'",
        "WHEN i.last_version < i.inbox_version - 1 THEN 'GAP'",
    ):
        assert line in sql
        sql = sql.replace(line, line.replace("WHEN ", "WHEN false AND "))
    put_sql(sql)


def offsets_committed_first() -> None:
    """The place in the topic is committed before the database knows what was read."""
    handle = consumer._Session._handle

    async def commit_then_handle(self: Any, batches: Any) -> None:
        for partition, records in batches.items():
            self._handled[partition] = self._positions[partition] = records[-1].offset + 1
        await self._commit_quietly()
        # The work of a moment: what is killed in it is lost.
        await asyncio.sleep(0.5)
        await handle(self, batches)

    put(consumer._Session, "_handle", commit_then_handle)


def bed_given_without_looking() -> None:
    """The bed desk takes the first bed of the ward, and nothing in the database forbids it."""
    from services.bed.domain import fitting, ward  # noqa: PLC0415 - only the bed service has them

    def first_bed(found: Any, _request: Any) -> Any:
        return found.beds[0] if found.beds else None

    for module in (fitting, ward, *modules_with("choose_bed", fitting.choose_bed)):
        if hasattr(module, "choose_bed"):
            put(module, "choose_bed", first_bed)
    without_claims()


def ended_referrals_keep_their_beds() -> None:
    """The bed service hears that a referral has ended, and does nothing."""
    from services.bed.domain import reactions  # noqa: PLC0415

    give_up = reactions._give_up_hold
    for module in (reactions, *modules_with("_give_up_hold", give_up)):
        put(module, "_give_up_hold", lambda ward, command: ())
    table = getattr(reactions, "_REACTIONS", {})
    for key, value in list(table.items()):
        if value is give_up:
            table[key] = lambda ward, command: ()


def deadlines_sleep() -> None:
    """Nobody looks at the deadlines."""

    async def nothing(self: Any, limit: int) -> Sequence[Any]:
        return [None] * limit

    put(DeadlineWorker, "_claim", nothing)


def a_new_key_with_every_try() -> None:
    """The receiver of a message cannot know that it had it before."""
    from services.notification.adapters.channels import signed_webhook  # noqa: PLC0415

    send = signed_webhook.SignedWebhook.send

    async def with_new_key(self: Any, parcel: Any) -> Any:
        return await send(self, replace(parcel, idempotency_key=str(uuid4())))

    put(signed_webhook.SignedWebhook, "send", with_new_key)


def the_system_s_clock_is_believed() -> None:
    """What time it is, a process asks its machine."""
    _now = datetime.now

    put(DayClock, "now", lambda self: _now(UTC))
    put(DayClock, "seconds", lambda self: _now(UTC).timestamp())


def snapshots_fall_behind() -> None:
    """The state that is kept beside the events is now and then the one before."""
    latest: dict[str, bytes] = {}

    def spoil(lists: tuple[Rows, ...]) -> None:
        for place, row in enumerate(lists[_CHANGES]):
            stream, version, snapshot = row[1], row[4], row[6]
            if snapshot is None:
                continue
            if version % 3 == 0 and stream in latest:
                lists[_CHANGES][place] = (*row[:6], latest[stream], *row[7:])
            latest[stream] = snapshot

    spoil_rows(spoil)


def history_is_touched_up() -> None:
    """Of some events other bytes are stored than were chained."""

    def spoil(lists: tuple[Rows, ...]) -> None:
        for place, row in enumerate(lists[_EVENTS]):
            if row[2] == 2:
                lists[_EVENTS][place] = (*row[:8], row[8][:-1] + bytes([row[8][-1] ^ 1]))

    spoil_rows(spoil)


BUGS: dict[str, Callable[[], None]] = {
    each.__name__: each
    for each in (
        answered_before_it_is_stored,
        requests_are_forgotten,
        request_ids_are_noted_afterwards,
        unknown_outcomes_are_taken_for_failures,
        full_disks_are_taken_for_room,
        answered_with_the_state_of_today,
        deleted_before_the_acknowledgement,
        published_out_of_order,
        inbox_without_versions,
        offsets_committed_first,
        bed_given_without_looking,
        ended_referrals_keep_their_beds,
        deadlines_sleep,
        a_new_key_with_every_try,
        the_system_s_clock_is_believed,
        snapshots_fall_behind,
        history_is_touched_up,
    )
}
#: Bugs of the code of one service; the others are in what all share.
OF_SERVICE = {
    "bed_given_without_looking": "bed",
    "ended_referrals_keep_their_beds": "bed",
    "a_new_key_with_every_try": "notification",
}
