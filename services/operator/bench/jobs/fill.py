"""Fills a database with real streams, written from templates: chains are whole, snapshots decode."""

import asyncio
from bisect import bisect
from collections.abc import Iterator
from datetime import timedelta
from itertools import accumulate
from random import Random
from typing import Any

import asyncpg

from services.operator.bench.network import Journey, event_id, journey
from services.operator.bench.templates import (
    DESTINATION,
    ORIGIN,
    PATIENT,
    LifeTemplate,
    StreamTemplate,
    read_template,
)
from services.shared.kernel.hash_chain import genesis, link

#: Over how long the referrals are spread, a step at a time.
_STEP = timedelta(days=30)
STEPS = 24
_BATCH = 2_000

_STREAMS = ("stream_id", "kind", "version", "head_hash", "snapshot", "fold_version", "facets", "changed")
_DEADLINES = ("stream_id", "key", "kind", "due_at", "set_version")
_EVENTS = ("stream_id", "version", "event_id", "type", "recorded_at", "previous_hash", "hash", "payload")

_Rows = list[tuple[Any, ...]]


async def fill(
    *, dsn: str, lives: list[tuple[int, str, str]], first: int, until: int, total: int, seed: int, base: int
) -> dict[str, Any]:
    """Writes the referrals from `first` to before `until` of `total`, each with its episode.

    `lives` are the weights and names of the templates; positions in lists begin after `base`.
    """
    streams = await asyncpg.connect(dsn)
    events = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "off"})
    try:
        await streams.execute("SET synchronous_commit = off")
        templates = [await read_template(events, *life) for life in lives]
        writer = _Writer(templates, total=total, seed=seed, base=base)
        count = 0
        for start in range(first, until, _BATCH):
            rows, more, waiting = writer.batch(start, min(start + _BATCH, until))
            await asyncio.gather(
                streams.copy_records_to_table("streams", records=rows, columns=_STREAMS),
                events.copy_records_to_table("events", records=more, columns=_EVENTS),
            )
            await events.copy_records_to_table("deadlines", records=waiting, columns=_DEADLINES)
            count += len(more)
    finally:
        await streams.close()
        await events.close()
    return {"events": count}


class _Writer:
    """Makes rows of templates."""

    def __init__(self, templates: list[LifeTemplate], *, total: int, seed: int, base: int) -> None:
        self._total, self._seed, self._base = total, seed, base
        self._weights = list(accumulate(template.weight for template in templates))
        #: by step: the oldest first, as the numbers of referrals ascend
        self._steps = [
            [
                (template.referral.moved(-_STEP * back), template.episode.moved(-_STEP * back))
                for template in templates
            ]
            for back in range(STEPS, 0, -1)
        ]

    def batch(self, first: int, until: int) -> tuple[_Rows, _Rows, _Rows]:
        """Rows of `streams`, of `events` and of `deadlines`."""
        streams: _Rows = []
        events: _Rows = []
        waiting: _Rows = []
        for number in range(first, until):
            random = Random(f"{self._seed}/life/{number}")
            templates = self._steps[number * STEPS // self._total]
            chosen = bisect(self._weights, random.randrange(self._weights[-1]))
            referral, episode = templates[chosen]
            whose = journey(number, self._seed)
            replaced = tuple(_replacements(referral, episode, whose))
            for kind, template, name in ((1, referral, whose.referral), (2, episode, whose.episode)):
                made = list(_events(template, name, number, kind, replaced))
                events.extend(made)
                waiting.extend((name, key, template.kind, *rest) for key, *rest in template.deadlines)
                streams.append(
                    (
                        name,
                        template.kind,
                        len(made),
                        made[-1][6],
                        _written(template.snapshot, replaced),
                        template.fold_version,
                        _written(template.facets, replaced).decode(),
                        self._base + number * 2 + kind,
                    )
                )
        return streams, events, waiting


def _events(
    template: StreamTemplate, name: str, number: int, kind: int, replaced: tuple[tuple[bytes, bytes], ...]
) -> Iterator[tuple[Any, ...]]:
    head = genesis(template.kind, name)
    for version, event in enumerate(template.events, start=1):
        own_id = event_id(number, kind, version)
        payload = _written(event.payload, replaced).replace(event.id, own_id.encode())
        previous, head = head, link(head, payload)
        yield (name, version, own_id, event.type, event.recorded_at, previous, head, payload)


def _replacements(
    referral: StreamTemplate, episode: StreamTemplate, whose: Journey
) -> Iterator[tuple[bytes, bytes]]:
    yield referral.name.encode(), whose.referral.encode()
    yield episode.name.encode(), whose.episode.encode()
    yield PATIENT.encode(), whose.patient.encode()
    yield ORIGIN.encode(), whose.origin.encode()
    yield DESTINATION.encode(), whose.destination.encode()


def _written(content: bytes, replaced: tuple[tuple[bytes, bytes], ...]) -> bytes:
    for old, new in replaced:
        content = content.replace(old, new)
    return content
