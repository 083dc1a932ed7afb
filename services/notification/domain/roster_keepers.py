"""Who keeps a facility's roster."""

from services.shared.kernel.actor import Actor, Role


def keeps(facility: str, actor: Actor) -> bool:
    """Operators, the community's coordinators, and the facility's own referral office.

    A coordinator's role counts in the own community alone: give the actor with the roles that count there.
    """
    if actor.has_role(Role.OPERATOR, Role.COORDINATOR):
        return True
    return actor.has_role(Role.REFERRAL_OFFICE) and actor.facility == facility
