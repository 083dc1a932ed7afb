"""The roster aggregate: who is called for a role of a facility, and when."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from services.notification.domain import texts
from services.notification.domain.commands import ApplyRoster
from services.notification.domain.events import RosterApplied
from services.notification.domain.values import Duty, DutyStep, Recipient
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.refusals import FieldViolation, InvalidInput, NotPermitted

EVENTS: tuple[type, ...] = (RosterApplied,)
COMMANDS: tuple[type, ...] = (ApplyRoster,)

#: The role of a duty that answers for every role that names nobody.
ANY_ROLE = "*"

_ROSTER_STEPS = frozenset(step.value for step in DutyStep if step is not DutyStep.FALLBACK)


@dataclass(frozen=True, kw_only=True, slots=True)
class Roster:
    """Who is on duty at a facility. 值班表"""

    #: `rosters/{facility}`
    name: str
    version: int
    facility: str
    duties: tuple[Duty, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RosterChange:
    """What applying a roster adds and takes away, in duties."""

    added: int
    removed: int


def roster_name(facility: str) -> str:
    """The name of a facility's roster."""
    return f"rosters/{facility}"


def roster_facility(command: ApplyRoster, actor: Actor) -> str:
    """The facility that the command is about: the caller's own when it names none."""
    return command.facility or actor.facility


def change(state: Roster | None, duties: tuple[Duty, ...]) -> RosterChange:
    """How `duties` differ from the roster; their order says nothing."""
    before = Counter(state.duties if state else ())
    after = Counter(duties)
    return RosterChange(added=(after - before).total(), removed=(before - after).total())


def decide(state: Roster | None, command: ApplyRoster, context: CommandContext) -> tuple[RosterApplied, ...]:
    """Nothing for a dry run or when nothing changes. Raises NotPermitted and InvalidInput."""
    facility = roster_facility(command, context.actor)
    _check_actor(facility, context.actor)
    _check_fields(facility, command.duties)
    if command.dry_run or change(state, command.duties) == RosterChange(added=0, removed=0):
        return ()
    return (RosterApplied(facility=facility, duties=command.duties),)


def evolve(state: Roster | None, recorded: Recorded[RosterApplied]) -> Roster:
    """The roster after one more event, which holds it whole."""
    return Roster(
        name=recorded.metadata.aggregate_id,
        version=recorded.metadata.version,
        facility=recorded.event.facility,
        duties=recorded.event.duties,
    )


def deadlines(state: Roster) -> tuple[Deadline, ...]:
    """None: duties begin and end by being looked up."""
    return ()


def facets(state: Roster) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {"parties": [state.facility], "live": True, "facility": state.facility}


def allowed_commands(state: Roster) -> tuple[str, ...]:
    """A roster may always be applied anew."""
    return ("ApplyRoster",)


def on_duty(roster: Roster | None, role: str, step: str, at: datetime) -> tuple[Recipient, ...]:
    """Who is on duty for a role at a moment, in the roster's order, nobody twice.

    Where the role names nobody for the step, those whose role is `*`. No roster has nobody.
    """
    if roster is None:
        return ()
    for wanted in (role, ANY_ROLE):
        present: dict[str, Recipient] = {}
        for duty in roster.duties:
            if duty.role == wanted and duty.step == step and _covers(duty, at):
                recipient = Recipient(user=duty.user, name=duty.name, channels=duty.channels)
                present.setdefault(duty.user, recipient)
        if present:
            return tuple(present.values())
    return ()


def names(roster: Roster, user: str) -> bool:
    """Whether the roster has a duty of the person, past, present or to come."""
    return any(duty.user == user for duty in roster.duties)


def leads(roster: Roster, user: str, at: datetime) -> bool:
    """Whether the person is the lead on duty of any role at a moment."""
    return any(
        duty.user == user and duty.step == DutyStep.LEAD and _covers(duty, at) for duty in roster.duties
    )


def _covers(duty: Duty, at: datetime) -> bool:
    begun = duty.starts_at is None or duty.starts_at <= at
    return begun and (duty.ends_at is None or at < duty.ends_at)


def _check_actor(facility: str, actor: Actor) -> None:
    if actor.has_role(Role.OPERATOR, Role.COORDINATOR):
        return
    if actor.has_role(Role.REFERRAL_OFFICE) and actor.facility == facility:
        return
    raise NotPermitted("ROSTER_NOT_THEIRS", texts.ROSTER_NOT_THEIRS)


def _check_fields(facility: str, duties: tuple[Duty, ...]) -> None:
    violations: list[FieldViolation] = []
    if not facility:
        violations.append(
            FieldViolation(field="facility", reason="REQUIRED", description="the caller has none of its own")
        )
    seen: set[Duty] = set()
    for index, duty in enumerate(duties):
        path = f"duties[{index}]"
        if facility and duty.facility != facility:
            violations.append(
                FieldViolation(
                    field=f"{path}.facility", reason="ANOTHER_FACILITY", description=f"is not {facility}"
                )
            )
        if duty.step not in _ROSTER_STEPS:
            violations.append(
                FieldViolation(
                    field=f"{path}.step",
                    reason="UNKNOWN_STEP",
                    description=f"is none of {', '.join(sorted(_ROSTER_STEPS))}",
                )
            )
        if duty.starts_at is not None and duty.ends_at is not None and duty.ends_at <= duty.starts_at:
            violations.append(
                FieldViolation(
                    field=f"{path}.ends_at", reason="ENDS_BEFORE_START", description="is not after starts_at"
                )
            )
        if duty in seen:
            violations.append(
                FieldViolation(field=path, reason="DUPLICATE", description="is in the roster twice")
            )
        seen.add(duty)
    if violations:
        raise InvalidInput(*violations)
