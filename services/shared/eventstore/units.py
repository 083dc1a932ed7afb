"""What one command writes, as values: all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.shared.kernel.command import Deadline


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    """Something that only one holder may have: kept by a database constraint beside the state machine."""

    #: such as `bed`
    kind: str
    key: str
    holder: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """One event, encoded and hashed."""

    version: int
    event_id: str
    type: str
    recorded_at: datetime
    previous_hash: bytes
    hash: bytes
    payload: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamChange:
    """The next events of one aggregate, with the state after them."""

    stream_id: str
    kind: str
    #: version decided on; 0 for an aggregate that does not exist yet
    expected_version: int
    events: tuple[NewEvent, ...]
    head_hash: bytes
    snapshot: bytes
    fold_version: int
    #: JSON object that lists are filtered by
    facets: str
    deadlines_set: tuple[Deadline, ...] = ()
    deadlines_cleared: tuple[str, ...] = ()
    claims_taken: tuple[Claim, ...] = ()
    claims_given_up: tuple[Claim, ...] = ()

    @property
    def new_version(self) -> int:
        return self.expected_version + len(self.events)


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """An aggregate that a decision was based on and does not change: it must still be at this version.

    Without it, two commands that each read what the other writes can both stand.
    """

    stream_id: str
    #: 0 for one that does not exist; then nothing keeps it from coming into being at the same moment
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxMessage:
    """One Kafka record to be."""

    topic: str
    key: str
    value: bytes
    event_id: str
    type: str
    recorded_at: datetime
    traceparent: str
    #: version of the aggregate, for the consumers' inboxes
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRecord:
    """What a request id stood for, and where its reply is to be found: the aggregate at a version."""

    request_id: str
    digest: bytes
    stream_id: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What is in force at one moment: versions by aggregate, without those that do not exist."""

    versions: Mapping[str, int]
    #: None when the request was not carried out
    request: RequestRecord | None


@dataclass(frozen=True, kw_only=True, slots=True)
class InboxMark:
    """The event of another service that this unit is the effect of."""

    #: topic
    source: str
    aggregate_id: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Document:
    """A copy or projection of other services' events; an older version never replaces a newer one."""

    kind: str
    key: str
    version: int
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class AppendUnit:
    """All that one command, due deadline or consumed event writes."""

    changes: tuple[StreamChange, ...] = ()
    guards: tuple[Guard, ...] = ()
    messages: tuple[OutboxMessage, ...] = ()
    documents: tuple[Document, ...] = ()
    #: taken for good: no state of an aggregate gives them up
    claims: tuple[Claim, ...] = ()
    request: RequestRecord | None = None
    inbox: InboxMark | None = None


class AppendStatus(StrEnum):
    APPENDED = "APPENDED"
    #: an aggregate, changed or guarded, is at another version than the one decided on
    STALE = "STALE"
    #: the request id was used before; `request` says for what
    REPEATED = "REPEATED"
    #: the inbox has this event or a later one
    SEEN = "SEEN"
    #: an earlier event of the same aggregate is missing
    GAP = "GAP"
    #: a claim is another's
    CLAIMED = "CLAIMED"


@dataclass(frozen=True, kw_only=True, slots=True)
class AppendResult:
    status: AppendStatus
    request: RequestRecord | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredStream:
    """An aggregate as the store has it."""

    stream_id: str
    kind: str
    version: int
    head_hash: bytes
    snapshot: bytes
    fold_version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
    stream_id: str
    version: int
    event_id: str
    type: str
    recorded_at: datetime
    previous_hash: bytes
    hash: bytes
    payload: bytes
