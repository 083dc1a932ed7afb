"""Who acts: taken from the caller's credentials, never from a message's body."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles a token may carry (docs/guide-integration.md)."""

    CLINICIAN = "clinician"
    REFERRAL_OFFICE = "referral_office"
    BED_DESK = "bed_desk"
    AMBULANCE = "ambulance"
    COORDINATOR = "coordinator"
    OPERATOR = "operator"
    SYSTEM = "system"
    #: a board's own process: it opens answer links, and nothing else
    BOARD = "board"


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """A person or a program that gives a command."""

    #: stable identifier of the person or program (`sub`)
    user: str
    #: display name
    name: str
    #: facility id that the credentials speak for; empty for operators and the system
    facility: str
    roles: tuple[Role, ...]

    def has_role(self, *roles: Role) -> bool:
        return any(role in self.roles for role in roles)


def system_actor(service: str) -> Actor:
    """The actor of commands that nobody typed: due deadlines and reactions to other services' events."""
    return Actor(user=f"system:{service}", name="Tierlink", facility="", roles=(Role.SYSTEM,))
