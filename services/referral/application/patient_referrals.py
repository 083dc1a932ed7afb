"""The referrals of one patient, whoever takes part in them: what ties facilities to him."""

from services.referral.application.aggregates import Aggregates
from services.referral.application.listing import ListFilter, Listings, ListQuery
from services.referral.domain.referral_state import Referral
from services.shared.eventstore.runner import CommandRunner

#: The latest; a patient has few.
REFERRALS_MAX = 200


class PatientReferrals:
    """Reads them as they are now. Raises DependencyDown when the store is away."""

    def __init__(self, listings: Listings, runner: CommandRunner, kinds: Aggregates) -> None:
        self._listings = listings
        self._runner = runner
        self._kinds = kinds

    async def of(self, patient: str) -> tuple[Referral, ...]:
        """The latest change first."""
        query = ListQuery(
            kind=self._kinds.referral.name,
            wanted=ListFilter(patient=patient),
            parties=None,
            limit=REFERRALS_MAX,
        )
        page = await self._listings.page(query)
        return await self._runner.revive_all(self._kinds.referral, page.streams)
