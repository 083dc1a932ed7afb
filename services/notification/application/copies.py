"""What the service keeps of what others tell: subjects of alerts, and the directory."""

from typing import Protocol

from services.notification.domain.directory import Community, Directory, Facility
from services.notification.domain.subject_state import SubjectState
from services.shared.eventstore.work import Work


class Subjects(Protocol):
    """What is known of each referral, consultation and ward. Raises DependencyDown when the store is away."""

    async def load(self, name: str) -> SubjectState | None: ...

    def put(self, work: Work, subject: SubjectState) -> None:
        """Kept in the unit of work, with the effect of the event that it was learned from."""
        ...


class KnownDirectory(Protocol):
    """The directory as this process knows it, at most a few seconds old."""

    def current(self) -> Directory: ...

    def keep(self, work: Work, entry: Facility | Community, version: int) -> None:
        """Keeps what the directory's topic tells of a facility or community."""
        ...

    def remove(
        self, work: Work, entry_type: type[Facility] | type[Community], key: str, version: int
    ) -> None:
        """Keeps that one is gone."""
        ...

    async def refresh(self) -> None:
        """Reads anew what is kept. Raises DependencyDown when the store is away."""
        ...
