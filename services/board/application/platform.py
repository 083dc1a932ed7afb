"""What the board asks of the services, with the token of the person who looks: they decide what is shown."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from services.board.domain.door_time import DoorMedian, DoorTime

#: What a destination takes from its door to the treatment, for a clock that it stops.
Doors = Callable[[str, str], Awaitable[DoorTime]]

#: A resource as the contract has it, by the names of its fields.
Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """On whose behalf the services are asked."""

    token: str
    facility: str
    #: the person: their reading of patients' records is recorded as theirs, and shared with nobody
    person: tuple[str, ...]
    #: whoever has an equal one has the same alerts: facility and roles, or the person without a facility
    desk: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One message of a watch stream; without a resource it is a sign of life."""

    resource: Resource | None
    event_type: str
    resume_token: str
    #: the resource is no longer live: pages drop it
    is_over: bool = False


class Refusal(StrEnum):
    """Why a service did not do what it was asked."""

    INVALID = "INVALID_ARGUMENT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    NOT_PERMITTED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    CONFLICT = "CONFLICT"
    AWAY = "UNAVAILABLE"
    FAULT = "INTERNAL"


class PlatformRefused(Exception):
    """A service refused, or cannot be reached. Its words stay with its own clients."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class Platform(Protocol):
    """Raises PlatformRefused; the streams StreamBroken and StreamRefused of `watching`."""

    def watch_alerts(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        """Alerts of the person's facility as they change, the open ones first."""

    def watch_referrals(self, token: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        """Referrals that the person may see as they change, the live ones first."""

    async def acknowledge(self, token: str, name: str, request_id: str) -> Resource:
        """The alert after somebody acts on it."""

    async def episode(self, token: str, name: str, *, doors: Doors) -> Resource:
        """An episode with its referrals and consultations, and the `budgets` of its running clocks."""

    async def door_medians(self, token: str, facility: str) -> Mapping[str, DoorMedian]:
        """What a facility took lately, by the clock of its door, as far as the person may see it."""

    async def report_board(self, token: str, centre: str) -> None:
        """A screen shows the alerts of the person's facility now, hung for this centre or for none.

        A centre that the facility does not have is INVALID, and the screen counts for the facility.
        """

    async def centres(self, token: str) -> list[Resource]:
        """The centres of the person's facility that a screen may hang for: `code` and `name`."""

    async def wards(self, token: str, facility: str) -> Resource:
        """The wards of a facility with their beds, and from which age their counts are stale."""

    async def bed_places(self, token: str, facility: str) -> Resource:
        """Facilities whose wards a person of this facility looks at, with how many beds each has.

        Those of the facility's community; without a facility those of all communities.
        """

    async def facility_names(self, token: str) -> Mapping[str, Mapping[str, str]]:
        """The names of all facilities by id, in both languages."""


class BedNews(Protocol):
    """Where changes of counts of beds are heard of."""

    def watch(self, token: str, facility: str, resume_token: str) -> AsyncGenerator[Heard, None]:
        """Each names the kind of bed whose counts changed. Raises StreamBroken, StreamRefused."""
