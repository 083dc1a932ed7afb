"""How a person is reached away from the board, and who may say so and read it.

Telephone numbers and addresses are personal data (个人信息保护法, art. 28 and 51): no event has any,
the points themselves are kept apart and encrypted.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from services.notification.domain import roster as rosters
from services.notification.domain import texts
from services.notification.domain.contact_checks import point_violations
from services.notification.domain.contact_values import ContactPoint
from services.notification.domain.roster import Roster
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.refusals import InvalidInput, NotPermitted

#: More ways to reach one person than anybody has.
POINTS_MAX = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class SetContactPoints:
    """Makes a person's contact points what the command says, in the order in which they are tried."""

    #: empty for the caller
    user: str
    points: tuple[ContactPoint, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactPointsChanged:
    """A person's contact points are others now. It says no more: addresses stay out of every event."""

    user: str
    #: facility whose lead keeps them beside the person
    facility: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ContactBook:
    """That a person has contact points, and whose they are to keep; not the points themselves. 联系方式"""

    #: `contacts/{user}`
    name: str
    version: int
    user: str
    facility: str
    changed_at: datetime
    changed_by: str


EVENTS: tuple[type, ...] = (ContactPointsChanged,)
COMMANDS: tuple[type, ...] = (SetContactPoints,)


def book_name(user: str) -> str:
    """The name of a person's book."""
    return f"contacts/{user}"


def book_user(command: SetContactPoints, actor: Actor) -> str:
    """Whom the command is about: the caller when it names nobody."""
    return command.user or actor.user


def decide(
    state: ContactBook | None,
    command: SetContactPoints,
    context: CommandContext,
    *,
    roster: Roster | None,
) -> tuple[ContactPointsChanged, ...]:
    """`roster` is that of the caller's facility. Raises NotPermitted and InvalidInput."""
    actor, user = context.actor, book_user(command, context.actor)
    keeps = _keeps(state, user, actor, roster, context.recorded_at)
    if user != actor.user and not keeps:
        raise NotPermitted("CONTACTS_NOT_THEIRS", texts.CONTACTS_NOT_THEIRS)
    violations = point_violations(command.points, may_name_machines=keeps)
    if violations:
        raise InvalidInput(*violations)
    return (ContactPointsChanged(user=user, facility=_facility(state, user, actor)),)


def may_read(
    state: ContactBook | None, user: str, actor: Actor, *, roster: Roster | None, at: datetime
) -> bool:
    """Whether a person's contact points are the actor's to read: their own, or those that they keep."""
    return user == actor.user or _keeps(state, user, actor, roster, at)


def evolve(state: ContactBook | None, recorded: Recorded[ContactPointsChanged]) -> ContactBook:
    """The book after one more event."""
    metadata = recorded.metadata
    if state is not None:
        return replace(
            state,
            version=metadata.version,
            facility=recorded.event.facility,
            changed_at=metadata.recorded_at,
            changed_by=metadata.actor.user,
        )
    return ContactBook(
        name=metadata.aggregate_id,
        version=metadata.version,
        user=recorded.event.user,
        facility=recorded.event.facility,
        changed_at=metadata.recorded_at,
        changed_by=metadata.actor.user,
    )


def deadlines(state: ContactBook) -> tuple[Deadline, ...]:
    """None: contact points hold until they are set anew."""
    return ()


def facets(state: ContactBook) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {"parties": [state.facility], "live": True, "facility": state.facility}


def allowed_commands(state: ContactBook) -> tuple[str, ...]:
    """Contact points may always be set anew."""
    return ("SetContactPoints",)


def _keeps(state: ContactBook | None, user: str, actor: Actor, roster: Roster | None, at: datetime) -> bool:
    """Operators keep everybody's; a facility's referral office and leads on duty those of its people.

    Whose people they are is what the book says. Who has none yet is of the facility whose roster names them.
    """
    if actor.has_role(Role.OPERATOR):
        return True
    if not actor.facility or roster is None or roster.facility != actor.facility:
        return False
    theirs = state.facility == actor.facility if state else rosters.names(roster, user)
    return theirs and (actor.has_role(Role.REFERRAL_OFFICE) or rosters.leads(roster, actor.user, at))


def _facility(state: ContactBook | None, user: str, actor: Actor) -> str:
    """The person's own credentials say where they work; somebody else's change nothing about it."""
    if user == actor.user and actor.facility:
        return actor.facility
    if state is not None:
        return state.facility
    return actor.facility
