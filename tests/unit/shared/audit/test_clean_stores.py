"""No store that was only ever written to is accused, whatever its history and whenever it was signed."""

import asyncio
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.checkpoint import Head, Link, contradictions
from services.shared.audit.verification import verify_store
from services.shared.eventstore.aggregate import Loaded, absent, advance, change_of
from services.shared.eventstore.units import AppendUnit
from tests.doubles.memory_store import MemoryEventStore
from tests.doubles.parcel import PARCEL, Moved, context

#: Which parcel is moved, where to, and by how many events at once.
STEP = st.tuples(st.integers(0, 5), st.text(max_size=12), st.integers(1, 3))


@settings(max_examples=60, deadline=None)
@given(before=st.lists(STEP, max_size=25), after=st.lists(STEP, max_size=25))
def test_a_store_that_was_only_written_to_is_not_accused(before: list[Any], after: list[Any]) -> None:
    store = MemoryEventStore()
    asyncio.run(_write(store, before, start=0))
    signed = _heads(store)
    asyncio.run(_write(store, after, start=len(before)))

    assert asyncio.run(_findings(store)) == []
    assert list(contradictions(signed, _links(store, signed))) == []


@settings(max_examples=60, deadline=None)
@given(before=st.lists(STEP, min_size=1, max_size=15), after=st.lists(STEP, max_size=10), data=st.data())
def test_whatever_is_taken_away_of_what_was_signed_is_named(
    before: list[Any], after: list[Any], data: st.DataObject
) -> None:
    store = MemoryEventStore()
    asyncio.run(_write(store, before, start=0))
    signed = _heads(store)
    asyncio.run(_write(store, after, start=len(before)))
    head = data.draw(st.sampled_from(signed))
    events = store.events[head.aggregate_id]
    del events[data.draw(st.integers(0, head.version - 1)) :]

    named = {finding.aggregate_id for finding in contradictions(signed, _links(store, signed))}
    assert named == {head.aggregate_id}


async def _write(store: MemoryEventStore, steps: Sequence[tuple[int, str, int]], *, start: int) -> None:
    for number, (parcel, to, count) in enumerate(steps, start=start):
        name = f"p/{parcel}"
        stored = await store.load(name)
        at: Loaded[Any] = absent(PARCEL, name)
        if stored is not None:
            at = Loaded(
                stream_id=name,
                version=stored.version,
                head_hash=stored.head_hash,
                state=PARCEL.decode_state(stored.snapshot),
            )
        moves = [Moved(to=f"{to}{each}") for each in range(count)]
        step = advance(PARCEL, at, moves, context(f"r{number}", minutes=number))
        await store.append(AppendUnit(changes=(change_of(PARCEL, at, step.after, step.events),)))


async def _findings(store: MemoryEventStore) -> list[Any]:
    return [each async for found in verify_store(store, {"parcel": PARCEL}) for each in found.findings]


def _heads(store: MemoryEventStore) -> list[Head]:
    return [
        Head(aggregate_id=name, version=stream.version, head_hash=stream.head_hash)
        for name, stream in store.streams.items()
    ]


def _links(store: MemoryEventStore, heads: Sequence[Head]) -> list[Link]:
    """As the store's own statement gives them."""
    return [
        Link(
            aggregate_id=head.aggregate_id,
            head_version=store.streams[head.aggregate_id].version,
            hash=next((e.hash for e in store.events[head.aggregate_id] if e.version == head.version), b""),
        )
        for head in heads
    ]
