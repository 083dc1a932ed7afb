"""What the clients of a run saw: every call, when it was made, and what became of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

OK = "OK"
#: The call was given up before anybody said what became of it: it may have been carried out, or not.
UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One command as its caller saw it: sent again with the same bytes until the outcome was known."""

    service: str
    method: str
    request_id: str
    request: bytes
    begun_at: datetime
    ended_at: datetime
    #: OK, a status that refused it, or UNKNOWN
    outcome: str
    #: what the one who refused it said
    detail: str = ""
    reply: bytes = b""
    #: of the resource in the reply
    name: str = ""
    version: int = 0
    attempts: int = 1
    #: whose token it was sent with
    who: str = ""

    @property
    def is_acknowledged(self) -> bool:
        return self.outcome == OK

    @property
    def is_refused(self) -> bool:
        return self.outcome not in (OK, UNKNOWN)

    @property
    def latency_ms(self) -> float:
        return (self.ended_at - self.begun_at).total_seconds() * 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultDone:
    """A fault as it was carried out."""

    kind: str
    target: str
    begun_at: datetime
    ended_at: datetime
    #: the place of a death, the server that was away, the seconds that a clock jumped
    detail: str = ""
    #: what it came to; empty for one in vain
    seen: str = ""

    @property
    def said(self) -> str:
        return f"{self.kind} {self.detail}".strip()


@dataclass(kw_only=True)
class History:
    """What all clients of one run saw, and what was done to the servers meanwhile."""

    seed: int
    calls: list[Call] = field(default_factory=list)
    faults: list[FaultDone] = field(default_factory=list)
    #: those that hurt nobody: the target was down, or did not come to the place in time
    in_vain: list[FaultDone] = field(default_factory=list)

    def acknowledged(self) -> Iterator[Call]:
        return (call for call in self.calls if call.is_acknowledged)

    def of(self, service: str) -> Sequence[Call]:
        return [call for call in self.calls if call.service == service]
