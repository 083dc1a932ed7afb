"""What the topics have is folded in memory: all that can be, and of the rest it is said why not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from services.shared.refolding.subject import SourceEvent
from services.shared.refolding.topic_source import TopicPage
from services.shared.refolding.trial import Trial
from tests.doubles.parcel import PARCEL, Moved
from tests.unit.shared.refolding.test_folding import appended


class Subject:
    """Parcels alone."""

    def kind_of(self, event: SourceEvent) -> Any:
        return PARCEL if event.stream_id.startswith("parcels/") else None


class Pages:
    """Topics that have these pages."""

    def __init__(self, *pages: TopicPage) -> None:
        self._pages = pages

    async def pages(self, places: Any) -> AsyncIterator[TopicPage]:
        assert places == {}, "a trial begins at the beginning"
        for page in self._pages:
            yield page


def page(*events: SourceEvent, unreadable: tuple[str, ...] = ()) -> TopicPage:
    return TopicPage(events=events, places={}, unreadable=unreadable)


async def tried(*pages: TopicPage, states_max: int = 10) -> tuple[Trial, int]:
    trial = Trial(Subject(), states_max=states_max)  # type: ignore[arg-type]
    read: list[int] = []
    await trial.of_topics(Pages(*pages), read.append)  # type: ignore[arg-type]
    return trial, sum(read)


def another(event: SourceEvent, name: str) -> SourceEvent:
    """The same event of another parcel."""
    recorded = PARCEL.decode_event(event.payload)
    metadata = replace(recorded.metadata, aggregate_id=name)
    state = PARCEL.evolve(None, recorded)
    payload = PARCEL.encode_event(metadata, recorded.event, state)
    return event._replace(stream_id=name, payload=payload)


async def test_all_is_folded_and_what_came_twice_is_not_folded_twice() -> None:
    _, events, _ = appended((Moved(to="a"), Moved(to="b")), (Moved(to="c"),))
    trial, read = await tried(page(*events[:2]), page(events[1], events[2]))
    assert (trial.folded, trial.aggregates, trial.left_alone, trial.faults.count, read) == (3, 1, 0, 0, 4)


async def test_what_cannot_be_folded_is_told() -> None:
    _, events, _ = appended((Moved(to="a"), Moved(to="b")), (Moved(to="c"),))
    broken = events[1]._replace(payload=b"\xff")
    trial, _ = await tried(
        page(events[0], broken, events[2], events[0]._replace(stream_id="wards/1"), unreadable=("t/0@7: no",))
    )
    assert trial.folded == 1
    assert [fault.partition(": ")[0] for fault in trial.faults.told] == [
        "t/0@7",
        "parcels/1@2",
        "parcels/1",
        "wards/1",
    ]


async def test_a_gap_is_told() -> None:
    _, events, _ = appended((Moved(to="a"), Moved(to="b")), (Moved(to="c"),))
    trial, _ = await tried(page(events[0], events[2]))
    assert trial.faults.told == ["parcels/1: 2 is missing before 3"]


async def test_no_more_is_kept_than_may_be() -> None:
    _, events, _ = appended((Moved(to="a"), Moved(to="b")))
    others = [another(events[0], f"parcels/{number}") for number in (2, 3)]
    trial, _ = await tried(page(events[0], *others, events[1]), states_max=2)
    assert (trial.folded, trial.aggregates, trial.left_alone, trial.faults.count) == (3, 2, 1, 0)
