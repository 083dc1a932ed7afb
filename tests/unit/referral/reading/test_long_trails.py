"""Nothing is cut silently: long trails and full pictures are read to their end."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.referral.adapters.aggregate_codecs import build_aggregates
from services.referral.application.listing import ListQuery
from services.referral.application.read_timeline import Mark, TimelinePage, TimelineReader
from services.referral.application.reading import Reader, Reading, View
from services.referral.domain.episode_events import MilestoneRecorded
from services.referral.domain.milestones import MilestoneKind
from services.referral.domain.values import Pathway
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.store import StreamPage
from services.shared.eventstore.units import StoredEvent, StoredStream
from services.shared.kernel.actor import Role
from services.shared.kernel.command import EventMetadata
from services.shared.kernel.ids import derive_id, resource_name
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.referral.episode.scenario import BRANCH, NAME, OPERATOR, an_episode, milestone, minute

KINDS = build_aggregates()


def history(name: str, *minutes: float) -> list[StoredEvent]:
    """Events of one aggregate with these clinical times, one recorded a second after the other."""
    found = []
    for version, at in enumerate(minutes, start=1):
        event = MilestoneRecorded(
            milestone=milestone(MilestoneKind.ECG_DONE, BRANCH, at), pathway=Pathway.STROKE
        )
        metadata = EventMetadata(
            event_id=derive_id(name, str(version)),
            aggregate_id=name,
            version=version,
            type="MilestoneRecorded",
            occurred_at=minute(at),
            recorded_at=minute(0) + timedelta(seconds=version),
            actor=OPERATOR,
            request_id=derive_id(name, str(version)),
        )
        found.append(
            StoredEvent(
                stream_id=name,
                version=version,
                event_id=metadata.event_id,
                type=metadata.type,
                recorded_at=metadata.recorded_at,
                previous_hash=b"",
                hash=b"",
                payload=KINDS.episode.encode_event(metadata, event, an_episode().here),
            )
        )
    return found


def reader_of(**trails: list[StoredEvent]) -> TimelineReader:
    store = MemoryEventStore()
    store.events.update({events[0].stream_id: events for events in trails.values()})
    return TimelineReader(store, CommandRunner(store), KINDS)


def places(page: TimelinePage) -> list[tuple[str, int]]:
    return [(event.metadata.aggregate_id, event.metadata.version) for event in page.events]


async def test_an_episode_with_many_members_and_events_is_shown_to_its_end() -> None:
    members = [resource_name("episodes", "member", str(n)) for n in range(250)]
    trails = {f"m{n}": history(name, n / 10) for n, name in enumerate(members)}
    reader = reader_of(own=history(NAME, *(n / 100 for n in range(2_300))), **trails)
    episode, found, after, pages = an_episode().here, [], None, 0
    while True:
        page = await reader.of_episode(episode, members, after=after, limit=1000)
        assert len(page.events) <= 1000
        found += page.events
        pages += 1
        after = page.next_after
        if after is None:
            break
    assert (len(found), pages) == (2_550, 3)
    assert len({(event.metadata.aggregate_id, event.metadata.version) for event in found}) == 2_550
    moments = [event.metadata.occurred_at for event in found]
    assert moments == sorted(moments)


async def test_events_of_one_moment_are_on_one_page_or_the_next_and_not_on_both() -> None:
    other = resource_name("episodes", "other")
    reader = reader_of(own=history(NAME, 1, 1, 1), other=history(other, 1, 1))
    episode, walked, after = an_episode().here, [], None
    for _ in range(5):
        page = await reader.of_episode(episode, (other,), after=after, limit=1)
        walked += places(page)
        after = page.next_after
    assert after is None
    whole = await reader.of_episode(episode, (other,), limit=9)
    assert walked == places(whole)


async def test_a_mark_outside_the_trail_is_refused() -> None:
    stranger = resource_name("episodes", "stranger")
    reader = reader_of(own=history(NAME, 1, 2), stranger=history(stranger, 1))
    episode = an_episode().here
    for mark in (Mark(aggregate=stranger, version=1), Mark(aggregate=NAME, version=3)):
        with pytest.raises(LookupError):
            await reader.of_episode(episode, (), after=mark, limit=9)


async def test_what_was_known_then_is_paged_too() -> None:
    reader = reader_of(own=history(NAME, *range(1, 1_501)))
    known = minute(0) + timedelta(seconds=1_200)
    last = Mark(aggregate=NAME, version=1_199)
    page = await reader.of_episode(an_episode().here, (), known, after=last, limit=9)
    assert (places(page), page.next_after) == ([(NAME, 1_200)], None)


class _Live:
    """Three pages of live episodes."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[ListQuery] = []

    async def page(self, query: ListQuery) -> StreamPage:
        self.asked.append(query)
        first = 0 if query.after is None else query.after
        positions = tuple(range(first + 1, min(first + query.limit, self.count) + 1))
        state = an_episode().here
        streams = tuple(
            StoredStream(
                stream_id=f"episodes/{n}",
                kind="episode",
                version=1,
                head_hash=b"",
                snapshot=KINDS.episode.encode_state(replace(state, name=f"episodes/{n}")),
                fold_version=KINDS.episode.fold_version,
            )
            for n in positions
        )
        more = bool(positions) and positions[-1] < self.count
        return StreamPage(streams=streams, next_after=positions[-1] if more else None, positions=positions)


class _Log:
    def __init__(self) -> None:
        self.seen: list[str] = []

    async def record(self, view: View) -> None:
        self.seen += view.resources


async def test_a_picture_has_all_that_is_live() -> None:
    live, log = _Live(2_345), _Log()
    directory = SimpleNamespace(current=lambda: None)
    reading = Reading(live, CommandRunner(MemoryEventStore()), cast(Any, directory), log)
    reader = Reader(actor=OPERATOR, method="WatchReferrals", at=minute(0), traceparent="")
    assert OPERATOR.has_role(Role.OPERATOR)
    names = [pictured.name async for pictured in reading.picture(KINDS.episode, reader)]
    assert names == [f"episodes/{n}" for n in range(1, 2_346)] == log.seen
    assert {query.phases for query in live.asked} == {("OPEN",)}
