"""The bed's table: each row is taken, and each command is refused in every state that has no row for it."""

import pytest

from services.bed.domain import commands as ask
from services.bed.domain import events as happened
from services.bed.domain import ward
from services.bed.domain.transitions import TRANSITIONS, allowed_for_bed, next_state
from services.bed.domain.values import BedState, CodedReason

from .scenario import BED_IN, HOUR, NOW, R1, REASON, described, given, hold, on_road

LEASE = hold()

#: commands for bed `w-01` as far as it has one role in them
FOR_BED: dict[type[ask.Command], ask.Command] = {
    ask.ExtendHold: ask.ExtendHold(hold=LEASE.name, fencing_token=1, expires_at=NOW + 2 * HOUR),
    ask.ReleaseHold: ask.ReleaseHold(hold=LEASE.name, fencing_token=1, reason=REASON),
    ask.VacateBed: ask.VacateBed(ward="w", bed="w-01"),
    ask.MarkBedReady: ask.MarkBedReady(ward="w", bed="w-01"),
    ask.BlockBed: ask.BlockBed(ward="w", bed="w-01", reason=CodedReason(code="BROKEN")),
    ask.UnblockBed: ask.UnblockBed(ward="w", bed="w-01"),
}
REACTIONS: dict[type[ask.Command], ask.Command] = {
    ask.AdjustHold: ask.AdjustHold(referral=R1, expires_at=NOW + 2 * HOUR),
    ask.MarkInTransit: ask.MarkInTransit(referral=R1),
    ask.OccupyOnArrival: ask.OccupyOnArrival(referral=R1),
    ask.GiveUpHold: ask.GiveUpHold(referral=R1, reason=REASON),
}
SOURCES = {
    command: {row.source for row in TRANSITIONS if row.command is command}
    for command in (*FOR_BED, *REACTIONS)
}


@pytest.mark.parametrize("command", [*FOR_BED, *REACTIONS])
@pytest.mark.parametrize("source", BedState)
def test_a_row_of_the_table_is_taken_and_every_other_pair_is_not(
    source: BedState, command: type[ask.Command]
) -> None:
    outcome = given(described(), *BED_IN[source]).when((FOR_BED | REACTIONS)[command])
    if source in SOURCES[command]:
        rows = [row for row in TRANSITIONS if row.source is source and row.command is command]
        event = outcome.events[0]
        row = next(row for row in rows if row.event is type(event))
        assert outcome.state.beds[0].state is row.target
    elif command in REACTIONS:
        outcome.then_nothing()
    elif source in {BedState.HELD, BedState.OCCUPIED} or command not in {ask.ExtendHold, ask.ReleaseHold}:
        refused = outcome.then_refused("BED_STATE")
        assert refused.state == source
        assert refused.resource_name == "wards/w/beds/w-01"
        assert refused.allowed_commands == allowed_for_bed(source)
        assert command.__name__ not in refused.allowed_commands
    else:
        assert outcome.then_refused("HOLD_NOT_OPEN", outcome_token(source)).resource_name == LEASE.name


def outcome_token(source: BedState) -> str:
    """Where the ward never gave a hold, the token was never given either."""
    return "UNKNOWN_FENCING_TOKEN" if source is not BedState.HELD else "STALE_FENCING_TOKEN"


def test_the_allowed_commands_are_those_that_people_may_give() -> None:
    assert allowed_for_bed(BedState.FREE) == (
        "HoldBed",
        "OccupyBed",
        "AdmitPatient",
        "TransferBed",
        "TransferPatient",
        "BlockBed",
    )
    assert allowed_for_bed(BedState.HELD) == ("ExtendHold", "ReleaseHold", "OccupyBed", "AdmitPatient")
    assert allowed_for_bed(BedState.OCCUPIED) == (
        "AdmitPatient",
        "TransferBed",
        "TransferPatient",
        "VacateBed",
        "DischargePatient",
    )
    assert allowed_for_bed(BedState.CLEANING) == ("MarkBedReady",)
    assert allowed_for_bed(BedState.BLOCKED) == ("UnblockBed",)


def test_a_wards_allowed_commands_are_those_of_its_beds() -> None:
    state = given(described(1), *BED_IN[BedState.OCCUPIED]).state
    assert state is not None
    assert ward.allowed_commands(state) == (
        "ApplyWards",
        "ConfirmCounts",
        *allowed_for_bed(BedState.OCCUPIED),
    )


def test_every_event_leads_to_one_state_from_each_source() -> None:
    targets: dict[tuple[BedState, type[ward.Event]], BedState] = {}
    for row in TRANSITIONS:
        assert targets.setdefault((row.source, row.event), row.target) is row.target
        assert next_state(row.source, row.event) is row.target


def test_a_history_that_no_bed_can_have_is_found_when_it_is_folded() -> None:
    with pytest.raises(ValueError, match="no bed that is FREE can have BedVacated"):
        given(described(), happened.BedVacated(bed="w-01"))
    with pytest.raises(ValueError, match="names bed w-09, which the ward has not"):
        given(described(), happened.BedMarkedReady(bed="w-09"))
    with pytest.raises(ValueError, match="cannot begin with BedMarkedReady"):
        given(happened.BedMarkedReady(bed="w-01"))


def test_every_command_and_event_of_the_table_is_the_wards() -> None:
    assert {row.command for row in TRANSITIONS} <= set(ward.COMMANDS)
    assert {row.event for row in TRANSITIONS} <= set(ward.EVENTS)
    without_row = set(ward.EVENTS) - {row.event for row in TRANSITIONS}
    assert without_row == {happened.WardApplied, happened.BedUnavailable, happened.CountsConfirmed}


def test_a_patient_on_the_road_is_marked_once() -> None:
    marked = (described(), happened.BedHeld(hold=LEASE), happened.BedHoldInTransit(hold=on_road(LEASE)))
    given(*marked).when(ask.MarkInTransit(referral=R1)).then_nothing()
