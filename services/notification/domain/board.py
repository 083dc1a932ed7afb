"""The boards of a facility or of one of its centres: whether alerts reach a screen that somebody sees.

A screen that hangs for a centre is of the facility as well; one that hangs for none, such as a telephone or
the bed desk's page, says nothing of a centre's.

Signs of life come every few seconds and are no events. What they come to is: a board appeared, all of them
are lost, somebody took them down. An outage begins with the event that ends being live, so there is one at a
time, however many processes watch.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.notification.domain import board_texts
from services.notification.domain.board_events import BoardAppeared, BoardLost, BoardWithdrawn
from services.notification.domain.values import CodedReason
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import FailedRule, NotAllowed, NotFound, NotPermitted

#: Rule of the alert that no board of a facility or centre is live.
NO_BOARD = "NO_BOARD"

BoardEvent = BoardAppeared | BoardLost | BoardWithdrawn
EVENTS: tuple[type, ...] = (BoardAppeared, BoardLost, BoardWithdrawn)


class BoardState(StrEnum):
    """Where the boards of a facility or centre stand."""

    LIVE = "LIVE"
    LOST = "LOST"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, kw_only=True, slots=True, order=True)
class Place:
    """Where boards hang."""

    facility: str
    #: empty for those of the facility together
    centre: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """The boards of a facility, or of one of its centres, together. 提醒屏"""

    #: `boards/{facility}`, or `boards/{facility}/{centre}`
    name: str
    version: int
    facility: str
    state: BoardState
    #: when the state began
    changed_at: datetime
    last_seen_at: datetime | None = None
    #: of an outage: the alert that it is
    alert: str = ""
    #: empty for those of the facility together
    centre: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class NoteBoard:
    """A board gives signs of life. Given by the service."""

    facility: str
    centre: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MissBoard:
    """None has given one for longer than the limit. Given by the service."""

    facility: str
    last_seen_at: datetime | None
    centre: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class WithdrawBoard:
    """A person says that there is to be none."""

    #: empty for the caller's own
    facility: str
    reason: CodedReason
    #: empty for those of the facility together
    centre: str = ""


BoardCommand = NoteBoard | MissBoard | WithdrawBoard
COMMANDS: tuple[type, ...] = (NoteBoard, MissBoard, WithdrawBoard)


def board_name(facility: str, centre: str = "") -> str:
    """The name of the boards of a facility, or of its centre."""
    return f"boards/{facility}/{centre}" if centre else f"boards/{facility}"


def outage_key(name: str, version: int) -> str:
    """The dedup key of the alert of the outage that begins with the event of this version."""
    return f"{NO_BOARD}/{name}/{version}"


def may_report(actor: Actor) -> bool:
    """Whether a board that this person signed in shows the alerts of a facility to its staff."""
    return bool(actor.facility) and actor.has_role(Role.CLINICIAN, Role.BED_DESK, Role.REFERRAL_OFFICE)


def may_arrange(actor: Actor, facility: str) -> bool:
    """Whether the person arranges boards and drills of the facility."""
    if actor.has_role(Role.OPERATOR, Role.COORDINATOR):
        return True
    return bool(facility) and actor.facility == facility and actor.has_role(Role.REFERRAL_OFFICE)


def decide(state: Board | None, command: BoardCommand, context: CommandContext) -> tuple[BoardEvent, ...]:
    """Raises NotFound, NotPermitted and NotAllowed."""
    match command:
        case NoteBoard():
            is_live = state is not None and state.state is BoardState.LIVE
            return () if is_live else (BoardAppeared(facility=command.facility, centre=command.centre),)
        case MissBoard():
            # One that was never seen may be missed too, where the site expects one.
            if state is not None and state.state is not BoardState.LIVE:
                return ()
            name = board_name(command.facility, command.centre)
            key = outage_key(name, 1 if state is None else state.version + 1)
            lost = BoardLost(
                facility=command.facility,
                centre=command.centre,
                last_seen_at=command.last_seen_at,
                alert=resource_name("alerts", key),
            )
            return (lost,)
        case WithdrawBoard():
            return _withdraw(state, command, context.actor)


def _withdraw(state: Board | None, command: WithdrawBoard, actor: Actor) -> tuple[BoardEvent, ...]:
    facility = command.facility or actor.facility
    if not may_arrange(actor, facility):
        raise NotPermitted("BOARD_NOT_THEIRS", board_texts.NOT_THEIRS)
    if state is None:
        raise NotFound("Board", board_name(facility, command.centre))
    if state.state is not BoardState.LOST:
        rule = FailedRule(code=f"BOARD_{state.state.value}", text=board_texts.BOARD_STATES[state.state.value])
        raise NotAllowed(
            state=state.state.value,
            allowed_commands=allowed_commands(state),
            failed_rules=(rule,),
            resource_name=state.name,
        )
    return (BoardWithdrawn(facility=facility, centre=command.centre, reason=command.reason),)


def evolve(state: Board | None, recorded: Recorded[BoardEvent]) -> Board:
    """The boards after one more event."""
    event, metadata = recorded.event, recorded.metadata
    before = state or Board(
        name=metadata.aggregate_id,
        version=0,
        facility=event.facility,
        centre=event.centre,
        state=BoardState.LOST,
        changed_at=metadata.recorded_at,
    )
    after = replace(before, version=metadata.version, changed_at=metadata.recorded_at)
    match event:
        case BoardAppeared():
            return replace(after, state=BoardState.LIVE, alert="")
        case BoardLost():
            return replace(after, state=BoardState.LOST, last_seen_at=event.last_seen_at, alert=event.alert)
        case BoardWithdrawn():
            return replace(after, state=BoardState.WITHDRAWN, alert="")


def deadlines(state: Board) -> tuple[Deadline, ...]:
    """None: signs of life are looked at, not waited for."""
    return ()


def facets(state: Board) -> dict[str, str | bool | list[str]]:
    """What lists are filtered by."""
    return {
        "parties": [state.facility],
        "live": state.state is not BoardState.WITHDRAWN,
        "facility": state.facility,
        "state": state.state.value,
    }


def allowed_commands(state: Board) -> tuple[str, ...]:
    """What a person may do with them now."""
    return ("WithdrawBoard",) if state.state is BoardState.LOST else ()
