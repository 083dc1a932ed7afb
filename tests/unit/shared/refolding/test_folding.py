"""Folding anew does what a command's append did, and refuses what no append can have written."""

from datetime import timedelta

import pytest

from services.shared.eventstore.aggregate import Loaded, absent, advance, change_of
from services.shared.refolding.folding import (
    MissingEvent,
    SetDeadline,
    Unfoldable,
    deadlines_of,
    fold,
)
from services.shared.refolding.subject import SourceEvent
from tests.doubles.parcel import NOW, PARCEL, Moved, Parcel, context

NAME = "parcels/1"
DUE = NOW + timedelta(hours=1)


def appended(*units: tuple[Moved, ...]) -> tuple[Loaded[Parcel], list[SourceEvent], dict[str, SetDeadline]]:
    """What commands, each with some events, leave behind: state, published events and deadlines."""
    loaded: Loaded[Parcel] = absent(PARCEL, NAME)
    events: list[SourceEvent] = []
    deadlines: dict[str, SetDeadline] = {}
    for number, unit in enumerate(units):
        step = advance(PARCEL, loaded, unit, context(f"r{number}"))
        change = change_of(PARCEL, loaded, step.after, step.events)
        for key in change.deadlines_cleared:
            del deadlines[key]
        for each in change.deadlines_set:
            deadlines[each.key] = SetDeadline(deadline=each, set_version=change.new_version)
        loaded = step.after
        events += [
            SourceEvent(
                stream_id=NAME,
                version=each.version,
                event_id=each.event_id,
                type=each.type,
                recorded_at=each.recorded_at,
                payload=each.payload,
            )
            for each in step.events
        ]
    return loaded, events, deadlines


LIFE = (
    (Moved(to="a"), Moved(to="b", due_at=DUE)),
    (Moved(to="c", due_at=DUE),),
    (Moved(to="d"),),
    (Moved(to="e", due_at=DUE), Moved(to="f", due_at=DUE)),
)


@pytest.mark.parametrize("cut", range(7))
def test_a_life_in_two_pages_ends_as_it_was_appended(cut: int) -> None:
    loaded, events, _ = appended(*LIFE)
    first = fold(PARCEL, absent(PARCEL, NAME), events[:cut])
    # What overlaps was folded before, and changes nothing.
    second = fold(PARCEL, first.after, events[max(0, cut - 2) :])
    assert second.after == loaded
    assert PARCEL.encode_state(second.after.state) == PARCEL.encode_state(loaded.state)  # type: ignore[arg-type]
    assert [each.version for each in (*first.events, *second.events)] == list(range(1, 7))
    hashes = [each.hash for each in (*first.events, *second.events)]
    assert [each.previous_hash for each in (*first.events, *second.events)][1:] == hashes[:-1]


@pytest.mark.parametrize("count", range(1, len(LIFE) + 1))
def test_a_deadline_is_set_by_the_unit_that_first_had_it_so(count: int) -> None:
    _, events, deadlines = appended(*LIFE[:count])
    assert {each.deadline.key: each for each in deadlines_of(PARCEL, events)} == deadlines


def test_a_missing_event_stops_its_aggregate() -> None:
    _, events, _ = appended(*LIFE)
    with pytest.raises(MissingEvent, match="2 is missing before 3"):
        fold(PARCEL, absent(PARCEL, NAME), [events[0], *events[2:]])


def test_an_event_under_anothers_name_or_number_is_refused() -> None:
    _, events, _ = appended(*LIFE)
    for wrong in (
        events[0]._replace(payload=b"\xff"),
        events[0]._replace(payload=events[1].payload),
    ):
        with pytest.raises(Unfoldable):
            fold(PARCEL, absent(PARCEL, NAME), [wrong])
    with pytest.raises(Unfoldable):
        fold(PARCEL, absent(PARCEL, "parcels/2"), [events[0]._replace(stream_id="parcels/2")])
