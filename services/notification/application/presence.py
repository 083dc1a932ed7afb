"""The signs of life of boards, as every process of the service sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.notification.domain.board import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """The boards of one place."""

    #: None where there never was a sign of life
    seen_at: datetime | None
    #: since the last one, by the database's clock
    silent_s: float


class BoardPresence(Protocol):
    """Raises DependencyDown when the database is away."""

    async def note(self, place: Place) -> None:
        """A board shows the alerts of the place now; one of a centre those of its facility as well."""

    async def expect(self, places: tuple[Place, ...]) -> None:
        """These must have a board from now on."""

    async def forget(self, place: Place) -> None:
        """None is expected there any more."""

    async def refresh(self) -> None:
        """Reads anew what every process heard."""

    def current(self) -> Mapping[Place, Presence]:
        """By place, as of the last refresh."""
