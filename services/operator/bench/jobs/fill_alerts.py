"""Fills a database with open alerts whose next call is due, written from one real alert."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from services.operator.bench.templates import StreamTemplate, read_stream
from services.shared.kernel.hash_chain import genesis, link

_STREAMS = ("stream_id", "kind", "version", "head_hash", "snapshot", "fold_version", "facets", "changed")
_EVENTS = ("stream_id", "version", "event_id", "type", "recorded_at", "previous_hash", "hash", "payload")
_DEADLINES = ("stream_id", "key", "kind", "due_at", "set_version")

_Rows = list[tuple[Any, ...]]


async def fill_alerts(
    *, dsn: str, alert: str, subject: str, alerts: int, first_due_at: str, spread_s: int, seed: str
) -> dict[str, Any]:
    """Copies of `alert`, as old as it, with the next call due at `first_due_at` or some seconds later.

    Raises ValueError when the alert has not exactly one open deadline, or more than one event.
    """
    connection = await asyncpg.connect(dsn)
    try:
        (deadline,) = await connection.fetch("SELECT key, due_at FROM deadlines WHERE stream_id = $1", alert)
        template = await read_stream(connection, alert)
        if len(template.events) != 1:
            raise ValueError(f"{alert} has been called again already")
        first_at = datetime.fromisoformat(first_due_at)
        # Whole seconds, as copies are moved by: the template's own fraction of a second stays.
        wait_s = int((first_at - deadline["due_at"]).total_seconds())
        moved = [template.moved(timedelta(seconds=wait_s + second)) for second in range(max(1, spread_s))]
        dues = [deadline["due_at"] + timedelta(seconds=wait_s + second) for second in range(len(moved))]
        base = int(await connection.fetchval("SELECT last_value FROM streams_changed"))
        replaced = (alert, subject)
        copies = _Copies(template=template, replaced=replaced, moved=moved, dues=dues, key=deadline["key"])
        rows, events, deadlines = copies.rows(alerts, seed, base)
        async with connection.transaction():
            await connection.execute("SELECT setval('streams_changed', $1::bigint)", base + alerts + 1)
            await connection.copy_records_to_table("streams", records=rows, columns=_STREAMS)
            await connection.copy_records_to_table("events", records=events, columns=_EVENTS)
            await connection.copy_records_to_table("deadlines", records=deadlines, columns=_DEADLINES)
        await connection.execute("VACUUM ANALYZE streams, events, deadlines")
    finally:
        await connection.close()
    return {"first_due_at": dues[0].isoformat(), "last_due_at": dues[-1].isoformat()}


@dataclass(frozen=True, kw_only=True)
class _Copies:
    """Makes rows of one alert."""

    template: StreamTemplate
    #: names of the alert and of what it is about
    replaced: tuple[str, str]
    #: the alert at each second of the round, with its deadline's time
    moved: list[StreamTemplate]
    dues: list[datetime]
    key: str

    def rows(self, alerts: int, seed: str, base: int) -> tuple[_Rows, _Rows, _Rows]:
        """Rows of `streams`, `events` and `deadlines`."""
        streams: _Rows = []
        events: _Rows = []
        deadlines: _Rows = []
        own, subject = (name.encode() for name in self.replaced)
        for number, (name, referral, event_id) in enumerate(_names(alerts, seed)):
            second = number * len(self.moved) // alerts
            copied = self.moved[second]
            (event,) = copied.events
            replaced = ((own, name.encode()), (subject, referral.encode()))
            payload = _written(event.payload, replaced).replace(event.id, event_id.encode())
            head = genesis(copied.kind, name)
            after = link(head, payload)
            snapshot = _written(copied.snapshot, replaced)
            facets = _written(copied.facets, replaced).decode()
            position = base + number + 1
            events.append((name, 1, event_id, event.type, event.recorded_at, head, after, payload))
            streams.append((name, copied.kind, 1, after, snapshot, copied.fold_version, facets, position))
            deadlines.append((name, self.key, copied.kind, self.dues[second], 1))
        return streams, events, deadlines


def _names(alerts: int, seed: str) -> Iterator[tuple[str, str, str]]:
    """An alert, the referral that it is about and its event: two patients never share one."""
    random = Random(f"escalation/{seed}")
    for _ in range(alerts):
        drawn = [str(UUID(int=random.getrandbits(128), version=4)) for _ in range(3)]
        yield f"alerts/{drawn[0]}", f"referrals/{drawn[1]}", drawn[2]


def _written(content: bytes, replaced: tuple[tuple[bytes, bytes], ...]) -> bytes:
    for old, new in replaced:
        content = content.replace(old, new)
    return content
