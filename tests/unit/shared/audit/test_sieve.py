"""Only what is certainly whole passes the sieve, and everything that is whole does, however it lies."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.sieve import ChainRow, suspects
from services.shared.eventstore.aggregate import Loaded, absent, advance
from services.shared.eventstore.units import NewEvent
from tests.doubles.parcel import PARCEL, Moved, context


def _chain(count: int, name: str = "p/1") -> tuple[Loaded[Any], list[NewEvent]]:
    at = absent(PARCEL, name)
    events: list[NewEvent] = []
    for number in range(count):
        step = advance(PARCEL, at, [Moved(to=f"place-{number}")], context(f"r{number}"))
        events += step.events
        at = step.after
    return at, events


def _row(head: Loaded[Any], events: list[NewEvent]) -> ChainRow:
    return ChainRow(
        stream_id=head.stream_id,
        kind=PARCEL.name,
        version=head.version,
        head_hash=head.head_hash,
        versions=b"".join(event.version.to_bytes(8, "big") for event in events),
        previous_hashes=b"".join(event.previous_hash for event in events),
        hashes=b"".join(event.hash for event in events),
        lengths=b"".join(len(event.payload).to_bytes(4, "big") for event in events),
        payloads=b"".join(event.payload for event in events),
    )


@settings(max_examples=50, deadline=None)
@given(count=st.integers(1, 12), data=st.data())
def test_a_whole_chain_passes_however_its_events_lie(count: int, data: st.DataObject) -> None:
    head, events = _chain(count)
    lying = data.draw(st.permutations(events))
    assert suspects([_row(head, lying)]) == ()


def test_a_chain_of_more_versions_than_are_counted_beforehand_passes() -> None:
    head, events = _chain(1100)
    assert suspects([_row(head, events)]) == ()


@settings(max_examples=120, deadline=None)
@given(count=st.integers(2, 8), place=st.integers(0, 7), bit=st.integers(0, 2000), data=st.data())
def test_no_altered_bit_passes(count: int, place: int, bit: int, data: st.DataObject) -> None:
    head, events = _chain(count)
    event = events[place % count]
    column = data.draw(st.sampled_from(["payload", "hash", "previous_hash"]))
    altered = bytearray(getattr(event, column))
    altered[bit // 8 % len(altered)] ^= 1 << bit % 8
    events[place % count] = replace(event, **{column: bytes(altered)})
    assert suspects([_row(head, events)]) == ("p/1",)


@settings(max_examples=80, deadline=None)
@given(count=st.integers(2, 8), data=st.data())
def test_nothing_removed_doubled_or_swapped_passes(count: int, data: st.DataObject) -> None:
    head, events = _chain(count)
    one, other = data.draw(st.permutations(range(count)))[:2]
    done = data.draw(st.sampled_from(["removed", "doubled", "swapped", "moved on", "copied", "leaned"]))
    if done == "removed":
        del events[one]
    elif done == "doubled":
        events.append(events[one])
    elif done == "swapped":
        a, b = events[one], events[other]
        events[one], events[other] = replace(a, version=b.version), replace(b, version=a.version)
    elif done == "moved on":
        events[one] = replace(events[one], version=count + 1)
    elif done == "leaned":
        # The same bytes one after the other, with the end of one in the next.
        first = min(one, count - 2)
        a, b = events[first], events[first + 1]
        events[first] = replace(a, payload=a.payload[:-1])
        events[first + 1] = replace(b, payload=a.payload[-1:] + b.payload)
    else:
        events[one] = replace(events[other], version=events[one].version)
    assert suspects([_row(head, events)]) == ("p/1",)


def test_a_row_is_held_against_its_events() -> None:
    head, events = _chain(3)
    row = _row(head, events)
    wrong = [
        row._replace(version=2),
        row._replace(version=4),
        row._replace(head_hash=events[1].hash),
        row._replace(kind="ghost"),
        row._replace(stream_id="p/2"),
        # Without a row; without events.
        row._replace(kind="", version=0, head_hash=b""),
        row._replace(versions=b"", previous_hashes=b"", hashes=b"", lengths=b"", payloads=b""),
        # More bytes than its lengths speak of, fewer, a length too many.
        row._replace(payloads=row.payloads + b"x"),
        row._replace(payloads=row.payloads[:-1]),
        row._replace(lengths=row.lengths + bytes(4)),
    ]
    for each in wrong:
        assert suspects([each]) == (each.stream_id,)
    assert suspects([row, *wrong]) == tuple(sorted(each.stream_id for each in wrong))


def test_an_end_that_was_cut_off_with_its_row_is_for_checkpoints_alone() -> None:
    head, events = _chain(3)
    cut, kept = _chain(2)
    assert kept == events[:2]
    assert suspects([_row(cut, kept)]) == ()
    assert head.version == 3
