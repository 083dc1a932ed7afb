"""What the service keeps of beds and of answers: copies and small projections beside the aggregates."""

from typing import Protocol

from services.referral.domain.acceptance_times import Acceptance
from services.referral.domain.free_beds import WardBeds, WardNews
from services.referral.domain.values import Urgency
from services.shared.eventstore.work import Work


class KnownBeds(Protocol):
    """The bed service's word on each ward. Raises DependencyDown when the store is away."""

    async def of(self, facility: str) -> tuple[WardBeds, ...]:
        """Every ward of a facility that was heard of."""
        ...

    async def follow(self, work: Work, news: WardNews) -> None:
        """Kept in the unit of work, with the mark that the event was seen."""
        ...


class KnownAcceptances(Protocol):
    """How long destinations took to accept. Raises DependencyDown when the store is away."""

    async def of(self, facility: str, urgency: Urgency) -> tuple[Acceptance, ...]:
        """Recent ones, bounded."""
        ...

    def keep(self, work: Work, acceptance: Acceptance) -> None:
        """Kept in the unit of work that accepts."""
        ...
