"""The bed's state machine: the only place that says what may follow what (docs/domain.md, Beds).

FREE → HELD → OCCUPIED → CLEANING → FREE; HELD → FREE when it is released or lapses; FREE ↔ BLOCKED;
FREE → OCCUPIED for a patient without a referral. A patient who goes to another bed leaves OCCUPIED for
CLEANING and makes FREE OCCUPIED, in one ward or in two, in one step.
"""

from dataclasses import dataclass
from functools import cache

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain.values import BedState


@dataclass(frozen=True, kw_only=True, slots=True)
class Transition:
    """One row: a bed in `source` may be given `command`, which gives `event` and leaves it in `target`."""

    source: BedState
    command: type[ask.Command]
    event: type[happened.Event]
    target: BedState


def _row(
    source: BedState, command: type[ask.Command], event: type[happened.Event], target: BedState
) -> Transition:
    return Transition(source=source, command=command, event=event, target=target)


_FREE, _HELD, _OCCUPIED = BedState.FREE, BedState.HELD, BedState.OCCUPIED
_CLEANING, _BLOCKED = BedState.CLEANING, BedState.BLOCKED

TRANSITIONS: tuple[Transition, ...] = (
    _row(_FREE, ask.HoldBed, happened.BedHeld, _HELD),
    _row(_FREE, ask.OccupyBed, happened.BedOccupied, _OCCUPIED),
    _row(_FREE, ask.AdmitPatient, happened.BedOccupied, _OCCUPIED),
    *(
        _row(_FREE, command, event, _OCCUPIED)
        for command in (ask.TransferBed, ask.TransferPatient)
        for event in (happened.BedTransferred, happened.BedTransferredIn)
    ),
    _row(_FREE, ask.BlockBed, happened.BedBlocked, _BLOCKED),
    _row(_HELD, ask.ExtendHold, happened.BedHoldExtended, _HELD),
    _row(_HELD, ask.AdjustHold, happened.BedHoldExtended, _HELD),
    _row(_HELD, ask.MarkInTransit, happened.BedHoldInTransit, _HELD),
    _row(_HELD, ask.MarkInTransit, happened.BedHoldExtended, _HELD),
    _row(_HELD, ask.MeetDeadline, happened.BedHoldOverdue, _HELD),
    _row(_HELD, ask.MeetDeadline, happened.BedHoldLapsed, _FREE),
    _row(_HELD, ask.ReleaseHold, happened.BedReleased, _FREE),
    _row(_HELD, ask.GiveUpHold, happened.BedReleased, _FREE),
    _row(_HELD, ask.OccupyBed, happened.BedOccupied, _OCCUPIED),
    _row(_HELD, ask.OccupyOnArrival, happened.BedOccupied, _OCCUPIED),
    _row(_HELD, ask.AdmitPatient, happened.BedOccupied, _OCCUPIED),
    _row(_OCCUPIED, ask.AdmitPatient, happened.EncounterLinked, _OCCUPIED),
    *(
        _row(_OCCUPIED, command, event, _CLEANING)
        for command in (ask.TransferBed, ask.TransferPatient)
        for event in (happened.BedTransferred, happened.BedTransferredOut)
    ),
    _row(_OCCUPIED, ask.VacateBed, happened.BedVacated, _CLEANING),
    _row(_OCCUPIED, ask.DischargePatient, happened.BedVacated, _CLEANING),
    _row(_CLEANING, ask.MarkBedReady, happened.BedMarkedReady, _FREE),
    _row(_BLOCKED, ask.UnblockBed, happened.BedUnblocked, _FREE),
    _row(_BLOCKED, ask.MeetDeadline, happened.BedUnblocked, _FREE),
    _row(_BLOCKED, ask.MeetDeadline, happened.BedBlockOverdue, _BLOCKED),
)

_PERMITTED = frozenset((row.source, row.command, row.target) for row in TRANSITIONS)
_TARGETS = {(row.source, row.event): row.target for row in TRANSITIONS}


def permits(source: BedState, command: type[ask.Command], target: BedState) -> bool:
    """Whether the command may bring a bed from `source` to `target` (a transfer has two rows)."""
    return (source, command, target) in _PERMITTED


def next_state(source: BedState, event: type[happened.Event]) -> BedState:
    """The state that the event leaves a bed in. Raises ValueError when no row has it."""
    target = _TARGETS.get((source, event))
    if target is None:
        raise ValueError(f"no bed that is {source} can have {event.__name__}")
    return target


@cache
def allowed_for_bed(source: BedState) -> tuple[str, ...]:
    """The commands that people may give for a bed in this state, in the table's order."""
    names = (
        row.command.__name__ for row in TRANSITIONS if row.source is source and row.command in ask.REQUESTS
    )
    return tuple(dict.fromkeys(names))
