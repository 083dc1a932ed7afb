"""The chains of a timeline are worked out again from the bytes: whatever was altered shows, and where."""

from collections.abc import Callable

import pytest

from services.operator.verification.timeline_chains import verify_timeline
from services.shared.kernel.hash_chain import genesis, link
from tierlink.referral.v1 import episode_events_pb2, timeline_pb2

NAME = "episodes/e"


def _chain(name: str = NAME, length: int = 4) -> list[timeline_pb2.TimelineEntry]:
    entries = []
    previous = genesis("episode", name)
    for version in range(1, length + 1):
        entry = timeline_pb2.TimelineEntry(aggregate_kind="episode", previous_hash=previous)
        entry.metadata.aggregate_id = name
        entry.metadata.version = version
        entry.metadata.type = "MilestoneRecorded"
        entry.payload = episode_events_pb2.EpisodeEvent(metadata=entry.metadata).SerializeToString()
        previous = entry.hash = link(previous, entry.payload)
        entries.append(entry)
    return entries


def test_an_untouched_timeline_is_intact_in_any_order() -> None:
    entries = _chain() + _chain("episodes/f", 2)
    verification = verify_timeline(reversed(entries), {NAME: 4, "episodes/f": 2})
    assert verification.is_intact
    assert (verification.aggregates_count, verification.events_count) == (2, 6)


def _flip(entries: list[timeline_pb2.TimelineEntry]) -> None:
    payload = bytearray(entries[1].payload)
    payload[-1] ^= 1
    entries[1].payload = bytes(payload)


def _delete(entries: list[timeline_pb2.TimelineEntry]) -> None:
    del entries[1]


def _cut_the_end(entries: list[timeline_pb2.TimelineEntry]) -> None:
    del entries[3]


def _insert(entries: list[timeline_pb2.TimelineEntry]) -> None:
    extra = timeline_pb2.TimelineEntry()
    extra.CopyFrom(entries[1])
    entries.insert(1, extra)


def _swap(entries: list[timeline_pb2.TimelineEntry]) -> None:
    entries[1].metadata.version, entries[2].metadata.version = 3, 2


def _rewrite_to_the_end(entries: list[timeline_pb2.TimelineEntry]) -> None:
    """As somebody would who knows the rule, but not the beginning of another chain."""
    previous = genesis("episode", "episodes/other")
    for entry in entries:
        entry.previous_hash = previous
        previous = entry.hash = link(previous, entry.payload)


def _say_something_else(entries: list[timeline_pb2.TimelineEntry]) -> None:
    entries[2].metadata.actor.user = "somebody else"


def _no_hash(entries: list[timeline_pb2.TimelineEntry]) -> None:
    entries[0].previous_hash = b""


def _no_event(entries: list[timeline_pb2.TimelineEntry]) -> None:
    entries[3].payload = b"\xff\xff\xff"
    entries[3].hash = link(entries[3].previous_hash, entries[3].payload)


def _back_date(entries: list[timeline_pb2.TimelineEntry]) -> None:
    """With hashes that fit."""
    previous = entries[1].hash
    for entry, seconds in zip(entries[2:], (1_770_000_000, 1_770_000_000 - 301), strict=True):
        entry.metadata.recorded_at.seconds = seconds
        entry.payload = episode_events_pb2.EpisodeEvent(metadata=entry.metadata).SerializeToString()
        entry.previous_hash = previous
        previous = entry.hash = link(previous, entry.payload)


def _no_kind(entries: list[timeline_pb2.TimelineEntry]) -> None:
    for entry in entries:
        entry.aggregate_kind = "ghost"


@pytest.mark.parametrize(
    ("alter", "code", "version"),
    [
        (_flip, "HASH_MISMATCH", 2),
        (_delete, "MISSING_EVENT", 2),
        (_cut_the_end, "MISSING_EVENT", 4),
        (_insert, "MISSING_EVENT", 3),
        (_swap, "CHAIN_BROKEN", 2),
        (_rewrite_to_the_end, "CHAIN_BROKEN", 1),
        (_say_something_else, "COLUMN_MISMATCH", 3),
        (_no_hash, "HASH_MISMATCH", 1),
        (_no_event, "UNREADABLE_EVENT", 4),
        (_no_kind, "UNKNOWN_EVENT", 1),
        (_back_date, "BACK_DATED", 4),
    ],
)
def test_what_was_altered_is_found(
    alter: Callable[[list[timeline_pb2.TimelineEntry]], None], code: str, version: int
) -> None:
    entries = _chain()
    alter(entries)
    verification = verify_timeline(entries, {NAME: 4})
    assert (code, version) in {(finding.code, finding.version) for finding in verification.findings}
    assert {finding.found_by for finding in verification.findings} == {"local"}
