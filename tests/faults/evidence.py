"""What is left after a run, as it is stored: rows of databases, records of topics, receipts of channels.

Nothing here decides what is right; the checks do, and share no line with the services.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredEvent:
    """A row of `events`, with the request that made it."""

    stream: str
    version: int
    event_id: str
    type: str
    recorded_at: datetime
    payload: bytes
    request_id: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRow:
    """A row of `requests`."""

    request_id: str
    stream: str
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreEvidence:
    """One service's database."""

    service: str
    events: tuple[StoredEvent, ...]
    #: version of each aggregate's row
    versions: Mapping[str, int]
    requests: tuple[RequestRow, ...]
    #: messages that are still to go
    outbox_count: int
    #: by source topic and aggregate, the last version whose effect is here
    inbox: Mapping[tuple[str, str], int] = field(default_factory=dict)
    #: aggregates of other services whose events wait for one that does not come
    parked: tuple[str, ...] = ()
    #: deadlines that are past by more than they may be
    overdue: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TopicRecord:
    """A record as Kafka has it, without those that the run itself put there."""

    topic: str
    partition: int
    offset: int
    key: str
    event_id: str
    version: int
    value: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """A message as a channel's far end got it."""

    key: str
    alert: str
    recipient: str
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Repeated:
    """A request sent again after the run."""

    request_id: str
    method: str
    first: bytes
    #: the reply, or b"" with the status that refused it
    again: bytes
    status: str = "OK"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditVerdict:
    """What a service's own verification found, of its chains and against the signed checkpoints."""

    service: str
    findings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything."""

    stores: Mapping[str, StoreEvidence]
    records: Sequence[TopicRecord]
    receipts: Sequence[Receipt] = ()
    repeated: Sequence[Repeated] = ()
    audits: Sequence[AuditVerdict] = ()
    #: what did not come to rest in the time it had
    unsettled: Sequence[str] = field(default=())
