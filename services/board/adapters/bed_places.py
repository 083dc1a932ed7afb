"""Where a person may look for beds: the facilities of the community, from directory and bed service."""

from collections import Counter
from typing import Any

from services.board.adapters.calling import answer_of, call_options
from services.board.application.platform import PlatformRefused, Refusal, Resource
from tierlink.bed.v1 import bed_service_pb2
from tierlink.referral.v1 import directory_pb2, directory_service_pb2

_PAGE = 1000
#: Of a thousand each; a province has fewer facilities.
_PAGES_MAX = 20
#: Facilities that one question about beds may name.
_ASKED_MAX = 1000


class BedPlaces:
    """Asks with the person's own token: what the services do not tell them is not here either."""

    def __init__(self, directory: Any, beds: Any) -> None:
        self._directory = directory
        self._beds = beds

    async def around(self, token: str, facility: str) -> Resource:
        """As `Platform.bed_places`. Raises PlatformRefused."""
        own = await self._facility(token, facility) if facility else None
        if own is not None and not own.community:
            found = [own]
        elif facility and own is None:
            # A facility that the directory does not know has no neighbours.
            found = []
        else:
            found = await self._facilities(token, own.community if own is not None else "")
        beds = await self._beds_of(token, [each.id for each in found])
        return {
            "facilities": [
                {
                    "id": each.id,
                    "name": {"zh": each.name.zh, "en": each.name.en},
                    "community": each.community,
                    # Unknown while the bed service is away, which is not the same as none.
                    "beds": None if beds is None else beds[each.id],
                }
                for each in found
            ],
            "communities": await self._communities(token),
        }

    async def _facility(self, token: str, facility: str) -> directory_pb2.Facility | None:
        request = directory_service_pb2.GetFacilityRequest(id=facility)
        try:
            reply = await answer_of(self._directory.GetFacility(request, **call_options(token)))
        except PlatformRefused as refused:
            if refused.refusal is Refusal.NOT_FOUND:
                return None
            raise
        found: directory_pb2.Facility = reply.facility
        return found

    async def _facilities(self, token: str, community: str) -> list[directory_pb2.Facility]:
        found: list[directory_pb2.Facility] = []
        page_token = ""
        for _ in range(_PAGES_MAX):
            request = directory_service_pb2.ListFacilitiesRequest(
                page_size=_PAGE, page_token=page_token, community=community
            )
            reply = await answer_of(self._directory.ListFacilities(request, **call_options(token)))
            found.extend(reply.facilities)
            page_token = reply.next_page_token
            if not page_token:
                break
        return found

    async def _communities(self, token: str) -> dict[str, dict[str, str]]:
        """Names by id."""
        request = directory_service_pb2.ListCommunitiesRequest(page_size=_PAGE)
        reply = await answer_of(self._directory.ListCommunities(request, **call_options(token)))
        return {each.id: {"zh": each.name.zh, "en": each.name.en} for each in reply.communities}

    async def _beds_of(self, token: str, facilities: list[str]) -> Counter[str] | None:
        """How many beds each has; None while the bed service cannot say."""
        counted: Counter[str] = Counter()
        try:
            for begin in range(0, len(facilities), _ASKED_MAX):
                request = bed_service_pb2.GetAvailabilityRequest(
                    facilities=facilities[begin : begin + _ASKED_MAX]
                )
                reply = await answer_of(self._beds.GetAvailability(request, **call_options(token)))
                for each in reply.availabilities:
                    counted[each.facility] += each.counts.beds
        except PlatformRefused as refused:
            if refused.refusal is Refusal.AWAY:
                return None
            raise
        return counted
