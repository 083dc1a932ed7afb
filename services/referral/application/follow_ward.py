"""What an event of a ward changes here: the copy of its counts, and the referral whose bed it is about."""

from services.referral.application.known_beds import KnownBeds
from services.referral.domain.free_beds import WardNews
from services.shared.eventstore.work import Reaction, Work


def follow_ward(beds: KnownBeds, counts: WardNews | None, referral: Reaction | None) -> Reaction:
    """Both in one unit, with the mark that the event was seen."""

    async def reaction(work: Work) -> None:
        if counts is not None:
            await beds.follow(work, counts)
        if referral is not None:
            await referral(work)

    return reaction
