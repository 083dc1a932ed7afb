"""A facility's bed desk: who was told that there is no bed, and who waits for one. Stream `desks/{facility}`.

The referral waits for an answer about its bed. Where no ward has a bed to give there is no ward to answer,
and the desk does; the referral then waits on its list, until a bed is held for it or it ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from services.bed.domain.commands import AdjustHold, GiveUpHold, HoldBed, MarkInTransit, OccupyOnArrival
from services.bed.domain.desk_commands import DESK_COMMANDS, DeskCommand, JoinWaitingList, LeaveWaitingList
from services.bed.domain.desk_events import (
    DESK_EVENTS,
    DeskEvent,
    WaitingChanged,
    WaitingJoined,
    WaitingLeft,
    WaitingServed,
    WardListed,
)
from services.bed.domain.events import BedUnavailable
from services.bed.domain.fitting import choose_ward, unavailable_reason
from services.bed.domain.permissions import ensure_permitted
from services.bed.domain.state import Ward
from services.bed.domain.texts import failed, no_bed
from services.bed.domain.values import (
    PROMISE,
    BedEnvelope,
    BedType,
    Claim,
    Hold,
    UnavailableReason,
    WaitingEntry,
)
from services.bed.domain.waiting import WAITING_MAX, entry_asked_for, entry_of, ordered, told_again
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.refusals import FailedRule, NotAllowed

Command = DeskCommand
Event = DeskEvent

COMMANDS = DESK_COMMANDS
EVENTS = DESK_EVENTS


@dataclass(frozen=True, kw_only=True, slots=True)
class BedDesk:
    #: `desks/{facility}`
    name: str
    version: int
    facility: str
    #: how often it had to say that there is no bed
    unavailable_count: int
    update_time: datetime
    #: in the order in which beds are given
    waiting: tuple[WaitingEntry, ...] = ()
    #: types of the wards that were listed, by ward
    wards: dict[str, BedType] = field(default_factory=dict)


def stream_id(facility: str) -> str:
    """The stream of a facility's bed desk."""
    return f"desks/{facility}"


def entry_of_referral(state: BedDesk | None, referral: str) -> WaitingEntry | None:
    waiting = state.waiting if state is not None else ()
    return next((entry for entry in waiting if entry.referral == referral), None)


def decide(
    state: BedDesk | None,
    command: Command,
    context: CommandContext,
    *,
    facility: str,
    wards: Sequence[Ward] = (),
    reason: UnavailableReason | None = None,
) -> tuple[Event, ...]:
    """What the command means for the list.

    `wards` are the facility's of the type that is asked for, for HoldBed and JoinWaitingList: neither comes
    here while one of them has a bed that fits. `reason` says why there is none where that is not the wards'
    doing.

    Raises NotPermitted; NotAllowed: NO_FREE_BED, NO_SUITABLE_WARD, BED_AVAILABLE, WAITING_LIST_FULL,
    NOT_WAITING.
    """
    ensure_permitted(command, context.actor, facility)
    match command:
        case HoldBed():
            return _hold_bed(state, command, context, wards, reason)
        case JoinWaitingList():
            return _join(state, command, context, wards)
        case LeaveWaitingList():
            entry = entry_of_referral(state, command.referral)
            if entry is None:
                raise _refused(state, facility, failed("NOT_WAITING"))
            return (WaitingLeft(entry=entry, reason=command.reason),)
        case _:
            return _follow(state, command)


def _hold_bed(
    state: BedDesk | None,
    command: HoldBed,
    context: CommandContext,
    wards: Sequence[Ward],
    reason: UnavailableReason | None,
) -> tuple[Event, ...]:
    """BedUnavailable where the command says `record_refusal`, and the referral waits; else raises
    NotAllowed."""
    why = reason or unavailable_reason(wards, command)
    if not command.record_refusal:
        raise _refused(state, command.facility, no_bed(why, command.bed_type))
    told = BedUnavailable(
        referral=command.referral,
        patient=command.patient,
        facility=command.facility,
        bed_type=command.bed_type,
        reason=why.value,
    )
    if reason is not None:
        return (told,)
    return told, *_waits(state, entry_of(command, context.recorded_at))


def _waits(state: BedDesk | None, entry: WaitingEntry) -> tuple[Event, ...]:
    """Nothing where the list is full: the desk and the origin were told that there is no bed."""
    known = entry_of_referral(state, entry.referral)
    if known is None:
        is_full = state is not None and len(state.waiting) >= WAITING_MAX
        return () if is_full else (WaitingJoined(entry=entry),)
    again = told_again(known, entry)
    return (WaitingChanged(entry=again),) if again != known else ()


def _join(
    state: BedDesk | None, command: JoinWaitingList, context: CommandContext, wards: Sequence[Ward]
) -> tuple[Event, ...]:
    entry = entry_asked_for(command, context.recorded_at)
    rules = []
    reason = unavailable_reason(wards, entry)
    if choose_ward(wards, entry) is not None:
        rules.append(failed("BED_AVAILABLE"))
    elif reason is UnavailableReason.NO_SUITABLE_WARD:
        rules.append(no_bed(reason, command.bed_type))
    known = entry_of_referral(state, command.referral)
    if known is None and state is not None and len(state.waiting) >= WAITING_MAX:
        rules.append(failed("WAITING_LIST_FULL", most=WAITING_MAX))
    if rules:
        raise _refused(state, command.facility, *rules)
    return _waits(state, entry)


def _follow(
    state: BedDesk | None, command: AdjustHold | MarkInTransit | OccupyOnArrival | GiveUpHold
) -> tuple[Event, ...]:
    """What a referral does while it waits; nothing for one that does not."""
    entry = entry_of_referral(state, command.referral)
    if state is None or entry is None:
        return ()
    match command:
        case GiveUpHold(reason=reason, facility=facility):
            return (WaitingLeft(entry=entry, reason=reason),) if facility in {"", state.facility} else ()
        case AdjustHold(expires_at=until):
            moved = replace(entry, hold_until=until)
        case MarkInTransit(expires_at=until):
            moved = replace(entry, patient_in_transit=True, hold_until=until or entry.hold_until)
        case OccupyOnArrival():
            moved = replace(entry, patient_in_transit=False, patient_arrived=True)
        case _:
            assert_never(command)
    return (WaitingChanged(entry=moved),) if moved != entry else ()


def served(entry: WaitingEntry, hold: Hold) -> WaitingServed:
    """The desk's side of a hold for one who waited."""
    return WaitingServed(entry=entry, hold=hold.name, ward=hold.ward, bed=hold.bed)


def listed(state: BedDesk | None, ward: Ward) -> tuple[Event, ...]:
    """WardListed for a ward that the desk does not know so."""
    if state is not None and state.wards.get(ward.id) is ward.bed_type:
        return ()
    return (WardListed(facility=ward.facility, ward=ward.id, bed_type=ward.bed_type),)


def _refused(state: BedDesk | None, facility: str, *rules: FailedRule) -> NotAllowed:
    without_ward = any(rule.code == UnavailableReason.NO_SUITABLE_WARD for rule in rules)
    free = any(rule.code == "BED_AVAILABLE" for rule in rules)
    return NotAllowed(
        state="OPEN" if free else "NO_WARD" if without_ward else "FULL",
        allowed_commands=allowed_commands(state),
        failed_rules=rules,
        resource_name=stream_id(facility),
    )


def evolve(state: BedDesk | None, recorded: Recorded[Event]) -> BedDesk:
    event, metadata = recorded.event, recorded.metadata
    before = state or BedDesk(
        name=metadata.aggregate_id,
        version=0,
        facility=metadata.aggregate_id.removeprefix("desks/"),
        unavailable_count=0,
        update_time=metadata.recorded_at,
    )
    after = replace(before, version=metadata.version, update_time=metadata.recorded_at)
    match event:
        case BedUnavailable():
            return replace(after, unavailable_count=before.unavailable_count + 1)
        case WardListed(ward=ward, bed_type=bed_type):
            return replace(after, wards={**before.wards, ward: bed_type})
        case WaitingJoined(entry=entry) | WaitingChanged(entry=entry):
            return replace(after, waiting=ordered((*_others(before, entry), entry)))
        case WaitingServed(entry=entry) | WaitingLeft(entry=entry):
            return replace(after, waiting=_others(before, entry))
        case _:
            assert_never(event)


def _others(state: BedDesk, entry: WaitingEntry) -> tuple[WaitingEntry, ...]:
    return tuple(other for other in state.waiting if other.referral != entry.referral)


def claims(state: BedDesk) -> tuple[Claim, ...]:
    """A referral waits at one facility, and not while it has a bed: the same claims stand for both."""
    return tuple(
        Claim(kind, entry.referral, state.name)
        for entry in state.waiting
        for kind in ("referral-bed", PROMISE)
    )


def deadlines(_state: BedDesk) -> tuple[Deadline, ...]:
    """Who waits, waits until there is a bed or the referral ends."""
    return ()


def facets(state: BedDesk) -> dict[str, str | bool | list[str]]:
    return {"parties": [state.facility], "live": True, "facility": state.facility}


def allowed_commands(state: BedDesk | None) -> tuple[str, ...]:
    """What people may give a desk: to wait, and no longer to wait."""
    return ("JoinWaitingList", *(("LeaveWaitingList",) if state is not None and state.waiting else ()))


def envelope(state_after: BedDesk) -> BedEnvelope:
    """No counts, which a reader would take for a ward of no beds."""
    return BedEnvelope(counts=None, facility=state_after.facility, bed_type=None, confirmed_at=None)
