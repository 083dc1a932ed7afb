"""A facility's bed desk: records that no ward of the facility could give a bed. Stream `desks/{facility}`.

The referral waits for an answer about its bed. Where no ward has a bed to give there is no ward to answer,
and the desk does: its only event is BedUnavailable.
"""

from dataclasses import dataclass
from datetime import datetime

from services.bed.domain.commands import HoldBed
from services.bed.domain.events import BedUnavailable
from services.bed.domain.permissions import ensure_permitted
from services.bed.domain.texts import no_bed
from services.bed.domain.values import BedEnvelope, UnavailableReason
from services.shared.kernel.command import CommandContext, Deadline, Recorded
from services.shared.kernel.refusals import NotAllowed

Command = HoldBed
Event = BedUnavailable

COMMANDS: tuple[type[Command], ...] = (HoldBed,)
EVENTS: tuple[type[Event], ...] = (BedUnavailable,)


@dataclass(frozen=True, kw_only=True, slots=True)
class BedDesk:
    #: `desks/{facility}`
    name: str
    version: int
    facility: str
    #: how often it had to say that there is no bed
    unavailable_count: int
    update_time: datetime


def stream_id(facility: str) -> str:
    """The stream of a facility's bed desk."""
    return f"desks/{facility}"


def decide(
    state: BedDesk | None, command: Command, context: CommandContext, *, reason: UnavailableReason
) -> tuple[Event, ...]:
    """BedUnavailable where the command says `record_refusal`; else raises NotAllowed with the reason.

    `reason` is what `fitting.unavailable_reason` says of the facility's wards. Raises NotPermitted as for a
    ward.
    """
    ensure_permitted(command, context.actor, command.facility)
    if not command.record_refusal:
        raise NotAllowed(
            state="FULL" if reason is UnavailableReason.NO_FREE_BED else "NO_WARD",
            allowed_commands=(),
            failed_rules=(no_bed(reason, command.bed_type),),
            resource_name=state.name if state is not None else stream_id(command.facility),
        )
    return (
        BedUnavailable(
            referral=command.referral,
            patient=command.patient,
            facility=command.facility,
            bed_type=command.bed_type,
            reason=reason.value,
        ),
    )


def evolve(state: BedDesk | None, recorded: Recorded[Event]) -> BedDesk:
    metadata = recorded.metadata
    return BedDesk(
        name=metadata.aggregate_id,
        version=metadata.version,
        facility=recorded.event.facility,
        unavailable_count=(state.unavailable_count if state is not None else 0) + 1,
        update_time=metadata.recorded_at,
    )


def deadlines(_state: BedDesk) -> tuple[Deadline, ...]:
    """A desk waits for nothing."""
    return ()


def facets(state: BedDesk) -> dict[str, str | bool | list[str]]:
    return {"parties": [state.facility], "live": True, "facility": state.facility}


def allowed_commands(_state: BedDesk) -> tuple[str, ...]:
    """A desk has no beds; people ask its wards."""
    return ()


def envelope(state_after: BedDesk) -> BedEnvelope:
    """No counts, which a reader would take for a ward of no beds."""
    return BedEnvelope(counts=None, facility=state_after.facility, bed_type=None, confirmed_at=None)
