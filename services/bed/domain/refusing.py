"""Refusals by state: what stands in the way, and what would be possible instead."""

from services.bed.domain.state import Ward, bed_name, stream_id
from services.bed.domain.transitions import allowed_for_bed
from services.bed.domain.values import Bed, BedState
from services.shared.kernel.refusals import FailedRule, NotAllowed, NotFound

#: possible in every state of every ward; the first by its name in the API
_ALWAYS = ("ApplyWards", "ConfirmCounts")


def allowed_commands(state: Ward) -> tuple[str, ...]:
    """The commands that people may give for the ward or at least one of its beds."""
    present = {bed.state for bed in state.beds}
    of_beds = (name for source in BedState if source in present for name in allowed_for_bed(source))
    return tuple(dict.fromkeys((*_ALWAYS, *of_beds)))


def refused_for_ward(ward: Ward, rules: tuple[FailedRule, ...], resource_name: str = "") -> NotAllowed:
    """A refusal that concerns no bed in particular: the ward is OPEN, or FULL when nothing is free."""
    return NotAllowed(
        state="OPEN" if ward.counts.free else "FULL",
        allowed_commands=allowed_commands(ward),
        failed_rules=rules,
        resource_name=resource_name or stream_id(ward.id),
    )


def refused_for_bed(ward: Ward, bed: Bed, rules: tuple[FailedRule, ...]) -> NotAllowed:
    """A refusal that names the bed, its state and what may be done with it."""
    return NotAllowed(
        state=bed.state.value,
        allowed_commands=allowed_for_bed(bed.state),
        failed_rules=rules,
        resource_name=bed_name(ward.id, bed.id),
    )


def no_such_bed(ward: Ward, bed: str) -> NotFound:
    return NotFound("Bed", bed_name(ward.id, bed))
