"""Whatever is done to stored events is found, and the report says where."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.chain import Finding, FindingCode, verify_chain
from services.shared.audit.verification import verify_aggregate, verify_store
from services.shared.eventstore.aggregate import Loaded, absent, advance, change_of
from services.shared.eventstore.units import AppendUnit, StoredEvent, StoredStream, StreamChange
from tests.doubles.memory_store import MemoryEventStore
from tests.doubles.parcel import PARCEL, Moved, context


async def written(count: int = 5) -> MemoryEventStore:
    store = MemoryEventStore()
    at = absent(PARCEL, "p/1")
    for number in range(count):
        step = advance(PARCEL, at, [Moved(to=f"place-{number}")], context(f"r{number}"))
        await store.append(AppendUnit(changes=(change_of(PARCEL, at, step.after, step.events),)))
        at = step.after
    return store


def verify(store: MemoryEventStore, events: Sequence[StoredEvent] | None = None) -> tuple[Finding, ...]:
    chosen = store.events["p/1"] if events is None else events
    return verify_chain(PARCEL, store.streams["p/1"], chosen)


def places(findings: tuple[Finding, ...]) -> set[tuple[int, FindingCode]]:
    return {(finding.version, finding.code) for finding in findings}


async def test_an_intact_chain_has_no_finding() -> None:
    assert verify(await written()) == ()


@settings(max_examples=60, deadline=None)
@given(
    version=st.integers(1, 5), position=st.integers(0, 10_000), bit=st.integers(0, 7), part=st.integers(0, 2)
)
def test_any_flipped_bit_is_found_at_its_event(version: int, position: int, bit: int, part: int) -> None:
    store = asyncio.run(written())
    column = ("payload", "hash", "previous_hash")[part]
    original: bytes = getattr(store.events["p/1"][version - 1], column)
    altered = bytearray(original)
    altered[position % len(altered)] ^= 1 << bit
    store.tamper("p/1", version, **{column: bytes(altered)})

    assert version in {finding.version for finding in verify(store)}


async def test_a_deleted_event_is_named() -> None:
    store = await written()
    found = places(verify(store, [e for e in store.events["p/1"] if e.version != 3]))
    assert {(3, FindingCode.MISSING_EVENT), (4, FindingCode.CHAIN_BROKEN)} <= found


async def test_deleted_last_events_are_named() -> None:
    store = await written()
    found = places(verify(store, store.events["p/1"][:3]))
    assert {
        (4, FindingCode.MISSING_EVENT),
        (5, FindingCode.MISSING_EVENT),
        (0, FindingCode.HEAD_MISMATCH),
    } <= found


async def test_a_truncated_aggregate_with_a_fitting_row_still_shows_in_its_state() -> None:
    store = await written()
    events = store.events["p/1"][:3]
    store.streams["p/1"] = replace(store.streams["p/1"], version=3, head_hash=events[-1].hash)
    assert places(verify(store, events)) == {(0, FindingCode.STATE_MISMATCH)}


async def test_an_inserted_event_is_found() -> None:
    store = await written()
    events = store.events["p/1"]
    forged = replace(events[-1], version=6, previous_hash=events[-1].hash)
    found = places(verify(store, [*events, forged]))
    assert {(6, FindingCode.UNKNOWN_EVENT), (6, FindingCode.HASH_MISMATCH)} <= found


async def test_two_swapped_events_are_found() -> None:
    store = await written()
    events = list(store.events["p/1"])
    events[1], events[2] = replace(events[2], version=2), replace(events[1], version=3)
    assert {2, 3} <= {finding.version for finding in verify(store, events)}


@pytest.mark.parametrize("column, value", [("type", "Lost"), ("event_id", "x"), ("stream_id", "p/2")])
async def test_an_altered_column_is_found(column: str, value: str) -> None:
    store = await written()
    store.tamper("p/1", 2, **{column: value})
    assert (2, FindingCode.COLUMN_MISMATCH) in places(verify(store))


async def test_an_altered_state_is_found() -> None:
    store = await written()
    stream = store.streams["p/1"]
    store.streams["p/1"] = replace(stream, snapshot=stream.snapshot.replace(b"place-4", b"place-9"))
    assert places(verify(store)) == {(0, FindingCode.STATE_MISMATCH)}


async def test_a_chain_under_another_name_is_found() -> None:
    store = await written()
    stream = store.streams["p/1"]
    found = verify_chain(PARCEL, replace(stream, stream_id="p/9"), store.events["p/1"])
    assert (1, FindingCode.CHAIN_BROKEN) in places(found)


async def test_a_deleted_aggregate_shows_as_orphaned_events() -> None:
    store = await written()
    del store.streams["p/1"]
    verified = [found async for found in verify_store(store, {"parcel": PARCEL})]
    assert [f.code for found in verified for f in found.findings] == [FindingCode.UNKNOWN_EVENT]


async def test_a_store_is_verified_page_by_page() -> None:
    store = await written()
    found = [verified async for verified in verify_store(store, {"parcel": PARCEL}, kind="parcel")]
    assert [(v.aggregate_id, v.events_count, v.findings) for v in found] == [("p/1", 5, ())]


async def test_a_stream_that_grows_while_it_is_read_is_not_accused() -> None:
    store = await written()
    old: StoredStream = store.streams["p/1"]
    before = Loaded(
        stream_id="p/1", version=5, head_hash=old.head_hash, state=PARCEL.decode_state(old.snapshot)
    )
    step = advance(PARCEL, before, [Moved(to="x")], context("r9"))
    growing = _Growing(store, change_of(PARCEL, before, step.after, step.events))

    found = await verify_aggregate(growing, {"parcel": PARCEL}, old)

    assert (found.events_count, found.findings) == (6, ())


class _Growing(MemoryEventStore):
    """Somebody appends while the events are being read."""

    def __init__(self, store: MemoryEventStore, change: StreamChange) -> None:
        super().__init__()
        self.streams, self.events, self.changed, self.facets = (
            store.streams,
            store.events,
            store.changed,
            store.facets,
        )
        self._change = change

    async def read_events(
        self, stream_id: str, *, after_version: int = 0, limit: int = 1000
    ) -> Sequence[StoredEvent]:
        found = await super().read_events(stream_id, after_version=after_version, limit=limit)
        if after_version == 0:
            await self.append(AppendUnit(changes=(self._change,)))
        return found
