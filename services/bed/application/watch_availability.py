"""Availability as it changes: the picture from the wards, then what the stream processor says of them."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from services.bed.application.reading import VersionedCounts, WardReading
from services.bed.domain.availability import is_stale
from services.bed.domain.values import Availability, BedType


@dataclass(frozen=True, kw_only=True, slots=True)
class Published:
    """One message of the topic of availability; without one it is a sign of life."""

    found: Availability | None
    #: grows with each change of its wards
    version: int
    resume_token: str


class AvailabilityTail(Protocol):
    """The end of the topic of availability. Raises DependencyDown, Overloaded, InvalidInput as feeds do."""

    async def begin(self, resume_token: str) -> str:
        """Where to read from: the token itself once it was checked; without one, a token of the end."""

    def read(self, resume_token: str) -> AsyncGenerator[Published, None]:
        """What comes after the token."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AvailabilityChange:
    """One message of the stream."""

    #: None in a sign of life
    found: Availability | None
    #: empty while the first picture is not complete
    resume_token: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What is watched."""

    #: all when empty
    facilities: frozenset[str]
    bed_type: BedType | None

    def wants(self, found: Availability) -> bool:
        return (not self.facilities or found.facility in self.facilities) and self.bed_type in (
            None,
            found.bed_type,
        )


class AvailabilityWatch:
    """Streams of availability. Beds are no patient's record: every facility may see what is free."""

    def __init__(self, reading: WardReading, tail: AvailabilityTail, *, stale_after_s: float) -> None:
        self._reading = reading
        self._tail = tail
        self._stale_after_s = stale_after_s

    async def watch(
        self, wish: Wish, resume_token: str, now: Callable[[], datetime]
    ) -> AsyncGenerator[AvailabilityChange, None]:
        """Without a token the picture comes first; with one, what came after the message that carried it.

        The picture is of the wards themselves and may be ahead of the topic: what the topic then says of a
        version that the picture had is dropped.
        """
        token = await self._tail.begin(resume_token)
        pictured: dict[tuple[str, BedType], int] = {}
        if not resume_token:
            for each in await self._picture(wish, now()):
                pictured[_key(each.found)] = each.version
                if wish.wants(each.found):
                    yield AvailabilityChange(found=each.found, resume_token="")
            yield AvailabilityChange(found=None, resume_token=token)
        async with aclosing(self._tail.read(token)) as messages:
            async for message in messages:
                found = message.found
                if found is None:
                    yield AvailabilityChange(found=None, resume_token=message.resume_token)
                elif wish.wants(found) and message.version > pictured.get(_key(found), 0):
                    # A count grows stale by itself: what was said when it was counted is not what holds now.
                    stale = is_stale(found.confirmed_at, now(), self._stale_after_s)
                    yield AvailabilityChange(
                        found=replace(found, stale=stale), resume_token=message.resume_token
                    )

    async def _picture(self, wish: Wish, now: datetime) -> Sequence[VersionedCounts]:
        if wish.facilities:
            return await self._reading.of_facilities(tuple(sorted(wish.facilities)), now)
        return await self._reading.of_all(now)


def _key(found: Availability) -> tuple[str, BedType]:
    return found.facility, found.bed_type
