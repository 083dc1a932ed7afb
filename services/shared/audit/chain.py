"""Verifies one aggregate: each stored byte, each link, each column, the head and the state."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from services.shared.audit.back_dating import Moments, SignedMoment
from services.shared.eventstore.aggregate import AggregateKind
from services.shared.eventstore.units import StoredEvent, StoredStream
from services.shared.kernel.command import Recorded
from services.shared.kernel.hash_chain import genesis, link


class FindingCode(StrEnum):
    #: the stored bytes, or the stored hash, are not what was written
    HASH_MISMATCH = "HASH_MISMATCH"
    #: an event does not follow the one before it
    CHAIN_BROKEN = "CHAIN_BROKEN"
    #: a version is not there
    MISSING_EVENT = "MISSING_EVENT"
    #: a column says something else than the stored bytes
    COLUMN_MISMATCH = "COLUMN_MISMATCH"
    #: the aggregate's row does not agree with its last event
    HEAD_MISMATCH = "HEAD_MISMATCH"
    #: the snapshot is not the fold of the events
    STATE_MISMATCH = "STATE_MISMATCH"
    #: the stored bytes are no event
    UNREADABLE_EVENT = "UNREADABLE_EVENT"
    #: an event that the aggregate's row knows nothing of
    UNKNOWN_EVENT = "UNKNOWN_EVENT"
    #: an event says it was recorded before what it follows: its chain, or a checkpoint without it
    BACK_DATED = "BACK_DATED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it was written."""

    aggregate_kind: str
    aggregate_id: str
    #: version at which it shows; 0 for the aggregate as a whole
    version: int
    code: FindingCode
    description: str


def verify_chain(
    kind: AggregateKind[Any, Any],
    stream: StoredStream,
    events: Sequence[StoredEvent],
    signed: Iterable[SignedMoment] = (),
) -> tuple[Finding, ...]:
    """Every finding of one aggregate, none when it is intact. `events` are all of its events, by version.

    `signed` is what the store's checkpoints know of when they were written.
    """
    return tuple(_Chain(kind, stream, Moments(signed)).findings(events))


class _Chain:
    def __init__(self, kind: AggregateKind[Any, Any], stream: StoredStream, moments: Moments) -> None:
        self._kind = kind
        self._stream = stream
        self._moments = moments

    def _finding(self, version: int, code: FindingCode, description: str) -> Finding:
        return Finding(
            aggregate_kind=self._stream.kind,
            aggregate_id=self._stream.stream_id,
            version=version,
            code=code,
            description=description,
        )

    def findings(self, events: Sequence[StoredEvent]) -> Iterator[Finding]:
        expected_previous = genesis(self._stream.kind, self._stream.stream_id)
        state: Any = None
        whole = True
        expected_version = 1
        for event in events:
            while expected_version < event.version:
                yield self._finding(expected_version, FindingCode.MISSING_EVENT, "the event is not there")
                whole = False
                expected_version += 1
            if event.version > self._stream.version:
                yield self._finding(
                    event.version, FindingCode.UNKNOWN_EVENT, f"the aggregate ends at {self._stream.version}"
                )
            yield from self._links(event, expected_previous)
            expected_previous = event.hash
            recorded = self._decode(event)
            if recorded is None:
                whole = False
                yield self._finding(event.version, FindingCode.UNREADABLE_EVENT, "the bytes are no event")
            else:
                yield from self._columns(event, recorded)
                yield from self._moment(event.version, recorded)
                state = self._evolve(state, recorded) if whole else None
                whole = whole and state is not None
            expected_version = event.version + 1
        for version in range(expected_version, self._stream.version + 1):
            yield self._finding(version, FindingCode.MISSING_EVENT, "the event is not there")
            whole = False
        yield from self._head(events, state if whole else None)

    def _links(self, event: StoredEvent, expected_previous: bytes) -> Iterator[Finding]:
        if event.previous_hash != expected_previous:
            yield self._finding(
                event.version, FindingCode.CHAIN_BROKEN, "it does not follow the event before it"
            )
        if link(event.previous_hash, event.payload) != event.hash:
            yield self._finding(event.version, FindingCode.HASH_MISMATCH, "bytes and hash do not agree")

    def _decode(self, event: StoredEvent) -> Recorded[Any] | None:
        try:
            return self._kind.decode_event(event.payload)
        except Exception:  # whatever altered bytes make a parser raise, it is one finding
            return None

    def _evolve(self, state: Any, recorded: Recorded[Any]) -> Any:
        try:
            return self._kind.evolve(state, recorded)
        except Exception:  # altered events may not follow from each other; the state is then no fold
            return None

    def _columns(self, event: StoredEvent, recorded: Recorded[Any]) -> Iterator[Finding]:
        metadata = recorded.metadata
        pairs = {
            "stream_id": (event.stream_id, metadata.aggregate_id),
            "version": (event.version, metadata.version),
            "event_id": (event.event_id, metadata.event_id),
            "type": (event.type, metadata.type),
            "recorded_at": (event.recorded_at, metadata.recorded_at),
            "payload": (type(recorded.event).__name__, metadata.type),
        }
        for column, (stored, written) in pairs.items():
            if stored != written:
                yield self._finding(
                    event.version,
                    FindingCode.COLUMN_MISMATCH,
                    f"{column} says {stored}, the event says {written}",
                )

    def _moment(self, version: int, recorded: Recorded[Any]) -> Iterator[Finding]:
        # Of the bytes, which the hash covers: what the column says is held against them.
        back_dated = self._moments.back_dated(version, recorded.metadata.recorded_at)
        if back_dated:
            yield self._finding(version, FindingCode.BACK_DATED, back_dated)

    def _head(self, events: Sequence[StoredEvent], state: Any) -> Iterator[Finding]:
        last = events[-1] if events else None
        if last is None or (last.version, last.hash) != (self._stream.version, self._stream.head_hash):
            yield self._finding(0, FindingCode.HEAD_MISMATCH, "the aggregate's row and its last event differ")
        if self._stream.fold_version != self._kind.fold_version:
            return
        folded = None if state is None else self._kind.encode_state(state)
        if folded != self._stream.snapshot:
            yield self._finding(0, FindingCode.STATE_MISMATCH, "the state is not the fold of its events")
