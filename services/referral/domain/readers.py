"""Who may know of what: for which facilities an actor reads and acts.

The facilities that take part, the coordinators of their communities, operators and the system; everybody else
is told that there is nothing.
"""

from collections.abc import Iterable

from services.referral.domain.directory_state import Directory
from services.shared.kernel.actor import Actor, Role


def reading_facilities(actor: Actor, directory: Directory) -> frozenset[str] | None:
    """Facilities whose referrals the actor may read; None is all of them (operators and the system).

    A coordinator reads what any member of the own community takes part in.
    """
    if actor.has_role(Role.OPERATOR, Role.SYSTEM):
        return None
    if not actor.facility:
        return frozenset()
    facility = directory.facility(actor.facility)
    if facility is not None and facility.community and actor.has_role(Role.COORDINATOR):
        return frozenset((actor.facility, *directory.members(facility.community)))
    return frozenset((actor.facility,))


def knows_of(parties: Iterable[str], actor: Actor, directory: Directory) -> bool:
    """Whether the actor may know of something in which these facilities take part."""
    facilities = reading_facilities(actor, directory)
    return facilities is None or not facilities.isdisjoint(parties)


def coordinates(parties: Iterable[str], actor: Actor, directory: Directory) -> bool:
    """Whether the actor is a coordinator of the community of one of these facilities."""
    return (
        actor.has_role(Role.COORDINATOR)
        and actor.facility != ""
        and any(directory.same_community(actor.facility, each) for each in parties)
    )
