"""What a decision on a standing order is made on, and how it is refused."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from services.referral.domain.standing_calendar import SiteCalendar
from services.referral.domain.standing_state import StandingOrder
from services.referral.domain.standing_transitions import allowed_in
from services.shared.kernel.command import CommandContext
from services.shared.kernel.refusals import FailedRule, FieldViolation, InvalidInput, NotAllowed

C_co = TypeVar("C_co", covariant=True)

RESOURCE = "StandingOrder"


@dataclass(frozen=True, kw_only=True, slots=True)
class StandingDecision(Generic[C_co]):
    """Everything that guards and events of one command may look at."""

    state: StandingOrder
    command: C_co
    context: CommandContext
    calendar: SiteCalendar


def fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)


def refuse_faults(faults: list[FieldViolation]) -> None:
    """Raises InvalidInput when there are any."""
    if faults:
        raise InvalidInput(*faults)


def refuse(state: StandingOrder, *failed: FailedRule) -> None:
    """Raises NotAllowed when any rule failed."""
    if failed:
        raise NotAllowed(
            state=state.state.value,
            allowed_commands=allowed_in(state.state),
            failed_rules=failed,
            resource_name=state.name,
        )
