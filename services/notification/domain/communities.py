"""How far a coordinator's office reaches: the facilities of the own community and of those within it."""

from dataclasses import replace

from services.notification.domain.directory import Directory
from services.shared.kernel.actor import Actor, Role

_OVERVIEW = (Role.OPERATOR, Role.SYSTEM)


def community_facilities(facility: str, directory: Directory) -> frozenset[str]:
    """The facilities of a facility's community and of the communities that belong to it."""
    known = directory.facilities.get(facility)
    if known is None or not known.community:
        return frozenset()
    within = {known.community}
    while True:
        more = {each.id for each in directory.communities.values() if each.parent in within} - within
        if not more:
            break
        within |= more
    return frozenset(each.id for each in directory.facilities.values() if each.community in within)


def seen_by(actor: Actor, directory: Directory) -> frozenset[str] | None:
    """The facilities whose alerts, rosters and boards somebody sees; None is all of them."""
    if actor.has_role(*_OVERVIEW):
        return None
    own = frozenset({actor.facility} if actor.facility else ())
    return own | community_facilities(actor.facility, directory) if actor.has_role(Role.COORDINATOR) else own


def sees(actor: Actor, facility: str, directory: Directory) -> bool:
    """Whether a facility is among those."""
    seen = seen_by(actor, directory)
    return seen is None or facility in seen


def acting_at(actor: Actor, facility: str, directory: Directory) -> Actor:
    """The actor with the roles that count at a facility: a coordinator is one in the own community alone."""
    if facility in community_facilities(actor.facility, directory):
        return actor
    return replace(actor, roles=tuple(role for role in actor.roles if role is not Role.COORDINATOR))
