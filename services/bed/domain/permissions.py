"""Who may do what with a ward.

Beds are the ward's own: its facility's bed desk and clinicians work with them, in a small branch the
clinician is the bed desk. Its referral office may promise a bed and take the promise back, but not say who
lies where. No other facility reaches into a ward: it refers, and the destination's acceptance holds the bed.
The operator sets wards up for everybody; the system reacts to referrals and deadlines.
"""

from typing import Final

from services.bed.domain import commands as ask
from services.bed.domain.desk_commands import DeskCommand, JoinWaitingList, LeaveWaitingList
from services.bed.domain.texts import not_permitted
from services.shared.kernel.actor import Actor, Role

Asked = ask.Command | DeskCommand

_WARD: Final = frozenset({Role.BED_DESK, Role.CLINICIAN})
_PROMISES: Final = _WARD | {Role.REFERRAL_OFFICE}
_NOBODY: Final[frozenset[Role]] = frozenset()
_SYSTEM: Final = frozenset({Role.SYSTEM})
_OVERVIEW: Final = frozenset({Role.COORDINATOR, Role.OPERATOR, Role.SYSTEM})

#: roles at the ward's own facility
_AT_OWN_FACILITY: Final[dict[type[Asked], frozenset[Role]]] = {
    ask.HoldBed: _PROMISES,
    ask.ExtendHold: _PROMISES,
    ask.ReleaseHold: _PROMISES,
    JoinWaitingList: _PROMISES,
    LeaveWaitingList: _PROMISES,
    **dict.fromkeys(ask.REACTIONS, _NOBODY),
}
#: roles that belong to no facility
_ANYWHERE: Final[dict[type[Asked], frozenset[Role]]] = {
    ask.ApplyWard: frozenset({Role.OPERATOR}),
    ask.HoldBed: _SYSTEM,
    ask.ExtendHold: _SYSTEM,
    ask.ReleaseHold: _SYSTEM,
    JoinWaitingList: _SYSTEM,
    LeaveWaitingList: _SYSTEM,
    **dict.fromkeys(ask.REACTIONS, _SYSTEM),
}


def ensure_permitted(command: Asked, actor: Actor, facility: str) -> None:
    """Raises NotPermitted: ROLE_NOT_PERMITTED, or OTHER_FACILITY when the role would do at `facility`."""
    kind = type(command)
    if actor.has_role(*_ANYWHERE.get(kind, _NOBODY)):
        return
    if not actor.has_role(*_AT_OWN_FACILITY.get(kind, _WARD)):
        raise not_permitted("ROLE_NOT_PERMITTED")
    if actor.facility != facility:
        raise not_permitted("OTHER_FACILITY")


def may_see_waiting(actor: Actor, facility: str) -> bool:
    """Whether `ensure_may_see_waiting` raises nothing."""
    at_home = actor.has_role(*_PROMISES) and actor.facility == facility
    return at_home or actor.has_role(*_OVERVIEW)


def ensure_may_see_waiting(actor: Actor, facility: str) -> None:
    """The list names patients and referrals: it is for those who give the facility's beds, and for overview
    roles. So is who lies in which bed.

    Raises NotPermitted.
    """
    if may_see_waiting(actor, facility):
        return
    if not actor.has_role(*_PROMISES):
        raise not_permitted("ROLE_NOT_PERMITTED")
    raise not_permitted("OTHER_FACILITY")
