"""Who may know of what: for which facilities an actor reads and acts.

The facilities that take part, the coordinators of their communities, the ambulance services that may carry
the patient while he waits for them, operators and the system; everybody else is told that there is nothing.
"""

from collections.abc import Iterable

from services.referral.domain.directory_state import Directory
from services.shared.kernel.actor import Actor, Role

#: What a referral's parties begin with that are no facilities: the ambulance services of an origin.
_CREWS = "crews/"


def crews_of(origin: str) -> str:
    """The party that the ambulance services are which serve a facility, while they may carry its patient."""
    return f"{_CREWS}{origin}"


def serves(carrier: str, origin: str, directory: Directory) -> bool:
    """Whether the ambulances of a facility serve another: of the same community, or the same county."""
    own, other = directory.facility(carrier), directory.facility(origin)
    if own is None or other is None:
        return False
    county = directory.county_of(other)
    is_near = county != "" and county == directory.county_of(own)
    return is_near or directory.same_community(own.id, other.id)


def readable_parties(actor: Actor, directory: Directory) -> frozenset[str] | None:
    """What the actor reads for, among the parties of a referral; None is everything."""
    facilities = reading_facilities(actor, directory)
    if facilities is None or not actor.has_role(Role.AMBULANCE):
        return facilities
    served = [crews_of(each) for each in directory.facilities if serves(actor.facility, each, directory)]
    return facilities.union(served)


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
    """Whether the actor may know of something that has these parties."""
    readable = readable_parties(actor, directory)
    return readable is None or not readable.isdisjoint(parties)


def coordinates(parties: Iterable[str], actor: Actor, directory: Directory) -> bool:
    """Whether the actor is a coordinator of the community of one of these facilities."""
    return (
        actor.has_role(Role.COORDINATOR)
        and actor.facility != ""
        and any(directory.same_community(actor.facility, each) for each in parties)
    )
