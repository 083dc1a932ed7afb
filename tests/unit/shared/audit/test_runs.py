"""Only what is certainly whole is let go, and everything that is whole is, however it lies."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.audit.runs import ChainHead, EventBlock, Runs
from services.shared.eventstore.aggregate import Loaded, absent, advance
from services.shared.eventstore.units import NewEvent
from tests.doubles.parcel import PARCEL, Moved, context

#: An event with whose it is.
Lying = tuple[str, NewEvent]


def _chain(count: int, name: str = "p/1") -> tuple[Loaded[Any], list[NewEvent]]:
    at = absent(PARCEL, name)
    events: list[NewEvent] = []
    for number in range(count):
        step = advance(PARCEL, at, [Moved(to=f"place-{number}")], context(f"r{number}"))
        events += step.events
        at = step.after
    return at, events


def _block(lying: Sequence[Lying]) -> EventBlock:
    events = [event for _, event in lying]
    return EventBlock(
        stream_ids=",".join(name for name, _ in lying),
        versions=b"".join(event.version.to_bytes(8, "big") for event in events),
        hashes=b"".join(event.hash for event in events),
        lengths=b"".join((len(event.payload) + 32).to_bytes(4, "big") for event in events),
        links=b"".join(event.previous_hash + event.payload for event in events),
    )


def _head(at: Loaded[Any]) -> ChainHead:
    return at.stream_id, PARCEL.name, at.version, at.head_hash


def _let_go(runs: Runs, *heads: ChainHead) -> list[str]:
    return [stream_id for stream_id, *_ in runs.settle(heads)]


def _is_whole(head: Loaded[Any], events: Sequence[NewEvent], *, block_size: int = 3) -> bool:
    runs = Runs()
    for begin in range(0, len(events), block_size):
        lying = [(head.stream_id, event) for event in events[begin : begin + block_size]]
        assert runs.take(_block(lying)) == len(lying)
    return _let_go(runs, _head(head)) == [head.stream_id] and not runs.unsettled


@settings(max_examples=80, deadline=None)
@given(counts=st.lists(st.integers(1, 9), min_size=1, max_size=4), data=st.data())
def test_whole_chains_are_let_go_however_their_events_lie_and_whoever_reads_which(
    counts: list[int], data: st.DataObject
) -> None:
    chains = [_chain(count, f"p/{number}") for number, count in enumerate(counts)]
    everything = [(head.stream_id, event) for head, events in chains for event in events]
    lying = data.draw(st.permutations(everything))
    readers = [Runs() for _ in range(data.draw(st.integers(1, 3)))]
    begin, settled = 0, set()
    while begin < len(lying):
        size = data.draw(st.integers(1, 5))
        reader = data.draw(st.sampled_from(readers))
        reader.take(_block(lying[begin : begin + size]))
        begin += size
        if data.draw(st.booleans()):
            settled.update(_let_go(reader, *(_head(head) for head, _ in chains)))

    concluding, *others = readers
    for other in others:
        concluding.suspect(other.suspects)
        concluding.merge(other.rest())
    settled.update(_let_go(concluding, *(_head(head) for head, _ in chains)))

    assert settled == {head.stream_id for head, _ in chains}
    assert concluding.unsettled == set()
    assert len(concluding) == 0


@settings(max_examples=120, deadline=None)
@given(count=st.integers(2, 8), place=st.integers(0, 7), bit=st.integers(0, 2000), data=st.data())
def test_nothing_with_an_altered_bit_is_let_go(count: int, place: int, bit: int, data: st.DataObject) -> None:
    head, events = _chain(count)
    event = events[place % count]
    column = data.draw(st.sampled_from(["payload", "hash", "previous_hash"]))
    altered = bytearray(getattr(event, column))
    altered[bit // 8 % len(altered)] ^= 1 << bit % 8
    events[place % count] = replace(event, **{column: bytes(altered)})
    assert not _is_whole(head, events)


@settings(max_examples=120, deadline=None)
@given(count=st.integers(2, 8), data=st.data())
def test_nothing_removed_doubled_or_swapped_is_let_go(count: int, data: st.DataObject) -> None:
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
    assert not _is_whole(head, events, block_size=data.draw(st.integers(1, 9)))


def test_a_row_is_held_against_its_events() -> None:
    at, events = _chain(3)
    right = name, kind, version, head_hash = _head(at)
    for wrong in (
        (name, kind, 2, head_hash),
        (name, kind, 4, head_hash),
        (name, kind, version, events[1].hash),
        (name, "ghost", version, head_hash),
        ("p/2", kind, version, head_hash),
    ):
        runs = Runs()
        runs.take(_block([("p/1", event) for event in events]))
        assert _let_go(runs, wrong) == []
        assert runs.unsettled == {"p/1"}
        assert _let_go(runs, right) == ["p/1"]


def test_events_of_another_name_are_not_lent() -> None:
    at, events = _chain(3)
    runs = Runs()
    runs.take(_block([("p/1", events[0]), ("p/2", events[1]), ("p/1", events[2])]))
    assert _let_go(runs, _head(at)) == []
    assert runs.unsettled == {"p/1", "p/2"}


def test_what_comes_once_more_after_it_was_let_go_is_left() -> None:
    at, events = _chain(3)
    runs = Runs()
    runs.take(_block([("p/1", event) for event in events]))
    assert _let_go(runs, _head(at)) == ["p/1"]
    runs.take(_block([("p/1", events[1])]))
    assert _let_go(runs, _head(at)) == []
    assert runs.unsettled == {"p/1"}


def test_a_block_that_no_store_writes_is_not_taken_and_whoever_is_in_it_not_let_go() -> None:
    at, events = _chain(3)
    right = _block([("p/1", event) for event in events])
    runs = Runs()
    for wrong in (
        # More bytes than its lengths speak of, fewer, a length too many, a version, a hash.
        right._replace(links=right.links + b"x"),
        right._replace(links=right.links[:-1]),
        right._replace(lengths=right.lengths + bytes(4)),
        right._replace(versions=right.versions + bytes(8)),
        right._replace(hashes=right.hashes + bytes(32)),
        right._replace(hashes=right.hashes[:-1]),
        # A name that looks like two.
        right._replace(stream_ids="p/1,p/1,p/1,p/1"),
    ):
        assert runs.take(wrong) is None
        assert len(runs) == 0
    runs.suspect(["p/1"])
    runs.take(right)
    assert _let_go(runs, _head(at)) == []


def test_what_is_given_up_is_left() -> None:
    at, events = _chain(3)
    runs = Runs()
    runs.take(_block([("p/1", event) for event in events[:2]]))
    runs.give_up()
    assert (len(runs), runs.unsettled) == (0, {"p/1"})
    runs.take(_block([("p/1", event) for event in events]))
    assert _let_go(runs, _head(at)) == []


def test_an_end_that_was_cut_off_with_its_row_is_for_checkpoints_alone() -> None:
    head, events = _chain(3)
    cut, kept = _chain(2)
    assert kept == events[:2]
    assert _is_whole(cut, kept)
    assert head.version == 3
