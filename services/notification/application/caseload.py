"""Which referrals and questions are under way at a facility, as the events of the other services tell."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from services.notification.domain.caseload import CaseUnderWay
from services.shared.eventstore.work import Work


class Caseload(Protocol):
    """Cases by facility. Raises DependencyDown when the store is away."""

    async def load(self, name: str) -> CaseUnderWay | None: ...

    def put(self, work: Work, before: CaseUnderWay | None, after: CaseUnderWay) -> None:
        """Keeps a case in the unit of work, in the list of each facility that it concerns."""
        ...

    async def of(self, facility: str, *, since: date, cases_max: int) -> Sequence[CaseUnderWay]:
        """What is under way there and was opened on or after a day; the oldest first."""
        ...
