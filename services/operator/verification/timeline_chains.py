"""Recomputes the hash chains of a timeline from its bytes, so that nobody needs to trust the server.

SHA-256 over the previous hash and the stored bytes, from each aggregate's own beginning; and what the
timeline says of an event must be what is in those bytes.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC
from typing import Any

from google.protobuf.message import DecodeError

from services.operator.verification.findings import Finding, Verification
from services.shared.audit.back_dating import Moments
from services.shared.kernel.hash_chain import HASH_SIZE_BYTES, genesis, link
from tierlink.bed.v1 import bed_events_pb2
from tierlink.notification.v1 import alert_events_pb2, board_events_pb2, drill_events_pb2, roster_events_pb2
from tierlink.referral.v1 import (
    consultation_events_pb2,
    directory_events_pb2,
    episode_events_pb2,
    referral_events_pb2,
    standing_events_pb2,
    timeline_pb2,
)

LOCAL = "local"

#: By kind of aggregate, what its stored bytes are.
EVENT_TYPES: Mapping[str, Any] = {
    "referral": referral_events_pb2.ReferralEvent,
    "episode": episode_events_pb2.EpisodeEvent,
    "consultation": consultation_events_pb2.ConsultationEvent,
    "standing_order": standing_events_pb2.StandingEvent,
    "directory": directory_events_pb2.DirectoryEvent,
    "ward": bed_events_pb2.BedEvent,
    "desk": bed_events_pb2.BedEvent,
    "alert": alert_events_pb2.AlertEvent,
    "roster": roster_events_pb2.RosterEvent,
    "board": board_events_pb2.BoardEvent,
    "drill": drill_events_pb2.DrillEvent,
    "drill_plan": drill_events_pb2.DrillPlanEvent,
}


def verify_timeline(
    entries: Iterable[timeline_pb2.TimelineEntry], versions: Mapping[str, int] | None = None
) -> Verification:
    """The verdict on a timeline.

    `versions` are the aggregates' versions as their resources give them: so an end that was cut off shows.
    """
    chains: dict[str, list[timeline_pb2.TimelineEntry]] = {}
    for entry in entries:
        chains.setdefault(entry.metadata.aggregate_id, []).append(entry)
    findings = [
        finding
        for name, chain in chains.items()
        for finding in _chain_findings(name, sorted(chain, key=lambda entry: entry.metadata.version))
    ]
    for name, version in (versions or {}).items():
        last = max((entry.metadata.version for entry in chains.get(name, ())), default=0)
        if last < version:
            text = f"the chain ends at {last}, its resource is at {version}"
            findings.append(_finding(name, version, "MISSING_EVENT", text))
    return Verification(
        verified_by=LOCAL,
        aggregates_count=len(chains),
        events_count=sum(len(chain) for chain in chains.values()),
        findings=tuple(findings),
    )


def _chain_findings(name: str, chain: list[timeline_pb2.TimelineEntry]) -> Iterator[Finding]:
    previous = genesis(chain[0].aggregate_kind, name)
    expected_version = 1
    moments = Moments()
    for entry in chain:
        version = entry.metadata.version
        if version != expected_version:
            yield _finding(name, expected_version, "MISSING_EVENT", f"the next event there is {version}")
        if entry.previous_hash != previous:
            yield _finding(name, version, "CHAIN_BROKEN", "it does not follow the event before it")
        well_formed = len(entry.previous_hash) == HASH_SIZE_BYTES
        if not well_formed or link(entry.previous_hash, entry.payload) != entry.hash:
            yield _finding(name, version, "HASH_MISMATCH", "bytes and hash do not agree")
        yield from _content_findings(name, entry)
        # A moment of no era cannot be; that it is not the bytes' own was said.
        if entry.metadata.recorded_at.seconds:
            back_dated = moments.back_dated(version, entry.metadata.recorded_at.ToDatetime(tzinfo=UTC))
            if back_dated:
                yield _finding(name, version, "BACK_DATED", back_dated)
        previous = entry.hash
        expected_version = version + 1


def _content_findings(name: str, entry: timeline_pb2.TimelineEntry) -> Iterator[Finding]:
    version = entry.metadata.version
    event_type = EVENT_TYPES.get(entry.aggregate_kind)
    if event_type is None:
        yield _finding(name, version, "UNKNOWN_EVENT", f"there is no kind {entry.aggregate_kind}")
        return
    try:
        event = event_type.FromString(entry.payload)
    except DecodeError:
        yield _finding(name, version, "UNREADABLE_EVENT", "the bytes are no event")
        return
    if event.metadata != entry.metadata:
        yield _finding(name, version, "COLUMN_MISMATCH", "the timeline says something else than the bytes")


def _finding(name: str, version: int, code: str, description: str) -> Finding:
    return Finding(found_by=LOCAL, aggregate=name, version=version, code=code, description=description)
