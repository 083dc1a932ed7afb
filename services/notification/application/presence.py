"""The signs of life of boards, as every process of the service sees them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """The boards of one facility."""

    #: None where there never was a sign of life
    seen_at: datetime | None
    #: since the last one, by the database's clock
    silent_s: float


class BoardPresence(Protocol):
    """Raises DependencyDown when the database is away."""

    async def note(self, facility: str) -> None:
        """A board of the facility shows its alerts now."""

    async def expect(self, facilities: tuple[str, ...]) -> None:
        """These must have a board from now on."""

    async def forget(self, facility: str) -> None:
        """None is expected there any more."""

    async def refresh(self) -> None:
        """Reads anew what every process heard."""

    def current(self) -> Mapping[str, Presence]:
        """By facility, as of the last refresh."""
