"""One course that is under way, and the calls that courses are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from uuid import UUID

#: Who calls: the branch's clinician, the county hospital's, its bed desk.
BRANCH, COUNTY, DESK = "branch", "county", "desk"
#: What replies to commands are about.
_RESOURCES = ("episode", "referral", "consultation", "hold")


@dataclass(kw_only=True)
class Course:
    """One that is under way, and what it has learned so far."""

    #: facilities
    branch: str
    county: str
    random: Random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    #: of what was made for it: `episode`, `referral`, `consultation`, `hold`, `alert`, `ward`, `bed`
    names: dict[str, str] = field(default_factory=dict)
    fencing_token: int = 0
    patient: str = ""

    def __post_init__(self) -> None:
        self.patient = f"bench-{self.random.getrandbits(128):032x}"

    def new_id(self) -> str:
        """A UUID of its own."""
        return str(UUID(int=self.random.getrandbits(128), version=4))

    def learn(self, reply: Any) -> None:
        """Keeps the names of what a reply is about."""
        for kind in _RESOURCES:
            found = reply.DESCRIPTOR.fields_by_name.get(kind)
            if found is None or found.message_type is None or found.is_repeated or not reply.HasField(kind):
                continue
            resource = getattr(reply, kind)
            self.names[kind] = resource.name
            if kind == "hold":
                self.fencing_token = resource.fencing_token
            elif kind != "episode":
                self.names["episode"] = resource.episode


Fields = Callable[[Course], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Awaited:
    """What other services make of a call, and the next call is for."""

    #: rule of an alert; empty for a bed
    alert: str = ""
    #: region of the referral's bed
    bed: str = ""
    #: whose it is: `referral`, `consultation`
    about: str
    #: the call that it comes of
    since: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One call."""

    method: str
    who: str
    fields: Fields
    awaits: Awaited | None = None
