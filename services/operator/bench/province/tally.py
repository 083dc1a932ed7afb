"""What a round found: how long each kind of call took from the moment it was due at, and what failed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.operator.rpc.methods import rpc_methods

#: Commands of each service under one name, and what is read by how much it reads.
_KINDS_OF_SERVICE = {
    "ReferralService": "command",
    "EpisodeService": "episode",
    "ConsultationService": "question",
    "BedService": "bed",
    "AlertService": "acknowledge",
}
_KINDS_OF_READS = {
    "GetReferral": "get",
    "GetConsultation": "get",
    "GetTimeline": "timeline",
    "ListReferrals": "list",
    "ListAlerts": "list",
    "GetAvailability": "occupancy",
    "ListBeds": "occupancy",
}
KINDS = (*_KINDS_OF_SERVICE.values(), *dict.fromkeys(_KINDS_OF_READS.values()))
#: As much of what was said as tells one failure from another.
_SAID_MAX = 300


def kind_of(method: str) -> str:
    """One of `KINDS`. Raises KeyError for a method that no course has."""
    if method in _KINDS_OF_READS:
        return _KINDS_OF_READS[method]
    return _KINDS_OF_SERVICE[rpc_methods()[method].path.split("/")[1].rpartition(".")[2]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One call as it was made, so that it can be made again at the same moment."""

    #: after the beginning of the round
    due_s: float
    method: str
    path: str
    #: key of `network.people`
    who: str
    data: bytes


@dataclass(kw_only=True)
class Tally:
    """Of one round."""

    latencies_ms: dict[str, list[float]] = field(default_factory=dict)
    #: from the moment at which a call was due to what other services made of it: `alert`, `bed`
    effects_ms: dict[str, list[float]] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    #: the newest version of each resource that a reply told of
    versions: dict[str, int] = field(default_factory=dict)
    #: referrals that were answered for
    created: int = 0
    sent: list[Sent] = field(default_factory=list)
    #: the last reply of each path
    replies: dict[str, bytes] = field(default_factory=dict)

    def answered(self, sent: Sent, *, due_s: float, at_s: float) -> None:
        """One answer; both moments by the same clock."""
        self.latencies_ms.setdefault(kind_of(sent.method), []).append((at_s - due_s) * 1000)
        self.sent.append(sent)

    def replied(self, sent: Sent, data: bytes, reply: Any) -> None:
        """What the answer said."""
        self.replies[sent.path] = data
        self.created += sent.method == "CreateReferral"
        for kind in ("referral", "episode", "consultation", "alert"):
            if kind in reply.DESCRIPTOR.fields_by_name:
                found = getattr(reply, kind)
                self.versions[found.name] = max(found.version, self.versions.get(found.name, 0))

    def seen(self, effect: str, *, due_s: float, at_s: float) -> None:
        """Something that another service made of a call was seen."""
        self.effects_ms.setdefault(effect, []).append((at_s - due_s) * 1000)

    def failed(self, said: str) -> None:
        """A course could not go on."""
        self.failures[said[:_SAID_MAX]] += 1

    def summary(self) -> Mapping[str, Any]:
        """As a document."""
        return {
            "latencies_ms": self.latencies_ms,
            "effects_ms": self.effects_ms,
            "failures": dict(self.failures),
            "versions": self.versions,
            "created": self.created,
            "replies": {path: data.hex() for path, data in self.replies.items()},
        }
