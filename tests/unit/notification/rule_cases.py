"""What a rule of the shipped file is to come to."""

from dataclasses import dataclass, field

from services.notification.adapters.rule_catalogue import load_rules
from services.notification.domain.occurrence import Occurrence
from services.notification.domain.values import DutyStep, Severity

CATALOGUE = load_rules().catalogue


@dataclass(frozen=True, kw_only=True)
class Case:
    rule: str
    events: tuple[Occurrence, ...]
    facility: str
    role: str
    severity: Severity = Severity.CRITICAL
    first_step: DutyStep = DutyStep.DUTY
    act_by: object = None
    key: str = ""
    #: rules that the event triggers beside this one
    beside: tuple[str, ...] = field(default=())
