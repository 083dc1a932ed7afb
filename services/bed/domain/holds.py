"""Holds by people: take, extend, release. 床位预留

A hold carries a token that grows with each hold of the ward. Who comes with the token of a hold that has
ended is refused, so that a late message never touches the bed's next patient.
"""

from datetime import datetime, timedelta

from services.bed.domain.commands import ExtendHold, HoldBed, OccupyBed, ReleaseHold
from services.bed.domain.events import BedHeld, BedHoldExtended, BedReleased, BedUnavailable, Event
from services.bed.domain.fitting import choose_bed, unavailable_reason
from services.bed.domain.refusing import refused_for_bed, refused_for_ward
from services.bed.domain.state import Ward, bed_of_hold, bed_of_referral
from services.bed.domain.texts import failed, no_bed, wrong_state
from services.bed.domain.transitions import permits
from services.bed.domain.values import Bed, BedState, Hold
from services.shared.kernel.actor import Role
from services.shared.kernel.command import CommandContext
from services.shared.kernel.frozen import changed
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput


def ensure_in_future(expires_at: datetime, context: CommandContext) -> None:
    """Raises InvalidInput for an end that has passed, unless the system gives it.

    The system follows what others decided while this service may have been away; an end that passed meanwhile
    is met by its deadline at once, in the open.
    """
    if expires_at > context.recorded_at or context.actor.has_role(Role.SYSTEM):
        return
    raise InvalidInput(
        FieldViolation(
            field="expires_at", reason="NOT_IN_FUTURE", description="must be after the present time"
        )
    )


def ensure_within(
    until: datetime | None, context: CommandContext, most: timedelta, *, field: str = "expires_at"
) -> None:
    """Raises InvalidInput for an end that somebody gives farther ahead than `most`, the site's limit.

    A bed that is promised for weeks is one bed less; the system's own ends are bounded by the arrival that
    they follow.
    """
    if until is None or context.actor.has_role(Role.SYSTEM) or until <= context.recorded_at + most:
        return
    hours = most.total_seconds() / 3600
    raise InvalidInput(
        FieldViolation(
            field=field, reason="TOO_LATE", description=f"must be within {hours:g} hours of the present time"
        )
    )


def hold_bed(ward: Ward, command: HoldBed, context: CommandContext) -> tuple[Event, ...]:
    """BedHeld on the best fitting bed; nothing for a referral that has a bed here.

    Without a bed: BedUnavailable where the command says `record_refusal`, else raises NotAllowed
    (NO_FREE_BED, NO_SUITABLE_WARD). Raises InvalidInput for an end in the past.
    """
    if bed_of_referral(ward, command.referral) is not None:
        return ()
    ensure_in_future(command.expires_at, context)
    bed = choose_bed(ward, command)
    if bed is None:
        return (_unavailable(ward, command),)
    return (held_for(ward, bed, command, context, "0"),)


def held_for(ward: Ward, bed: Bed, command: HoldBed, context: CommandContext, which: str) -> BedHeld:
    """The bed held for the request; `which` tells the holds of one request id apart."""
    hold = Hold(
        name=resource_name("holds", context.request_id, which),
        referral=command.referral,
        patient=command.patient,
        ward=ward.id,
        bed=bed.id,
        facility=ward.facility,
        fencing_token=ward.next_token,
        held_at=context.recorded_at,
        expires_at=command.expires_at,
        patient_in_transit=command.patient_in_transit,
        patient_arrived=command.patient_arrived,
    )
    return BedHeld(hold=hold)


def _unavailable(ward: Ward, command: HoldBed) -> BedUnavailable:
    reason = unavailable_reason((ward,), command)
    if not command.record_refusal:
        raise refused_for_ward(ward, (no_bed(reason, command.bed_type),))
    return BedUnavailable(
        referral=command.referral,
        patient=command.patient,
        facility=command.facility,
        bed_type=command.bed_type,
        reason=reason.value,
    )


def extend_hold(ward: Ward, command: ExtendHold, context: CommandContext) -> tuple[Event, ...]:
    """BedHoldExtended; nothing when that is its end already. Raises as `held_bed`, and InvalidInput."""
    ensure_in_future(command.expires_at, context)
    _, hold = held_bed(ward, command, BedState.HELD)
    return moved_end(hold, command.expires_at)


def release_hold(ward: Ward, command: ReleaseHold) -> tuple[Event, ...]:
    """BedReleased. Raises as `held_bed`."""
    _, hold = held_bed(ward, command, BedState.FREE)
    return (BedReleased(hold=hold, reason=command.reason),)


def moved_end(hold: Hold, expires_at: datetime) -> tuple[Event, ...]:
    """The hold with another end: its deadline alerts anew. Nothing when the end stays."""
    if expires_at == hold.expires_at:
        return ()
    return (BedHoldExtended(hold=changed(hold, expires_at=expires_at, overdue_since=None)),)


def held_bed(ward: Ward, command: ExtendHold | ReleaseHold | OccupyBed, target: BedState) -> tuple[Bed, Hold]:
    """The bed and hold that a command with a token is about.

    Raises NotAllowed with every guard that fails: HOLD_NOT_OPEN, BED_STATE, STALE_FENCING_TOKEN,
    UNKNOWN_FENCING_TOKEN.
    """
    bed = bed_of_hold(ward, command.hold)
    if bed is None or bed.hold is None:
        rules = [failed("HOLD_NOT_OPEN")]
        rules.extend(_token_rules(command.fencing_token, ward.next_token - 1))
        raise refused_for_ward(ward, tuple(rules), resource_name=command.hold)
    rules = _token_rules(command.fencing_token, bed.hold.fencing_token)
    if not permits(bed.state, type(command), target):
        rules.insert(0, wrong_state(bed.id, bed.state, type(command).__name__))
    if rules:
        raise refused_for_bed(ward, bed, tuple(rules))
    return bed, bed.hold


def _token_rules(given: int, current: int) -> list[FailedRule]:
    """`current` is the hold's own token, or the ward's latest where the hold has ended."""
    if given > current:
        return [failed("UNKNOWN_FENCING_TOKEN", given=given, current=current)]
    if given < current:
        return [failed("STALE_FENCING_TOKEN", given=given, current=current)]
    return []
