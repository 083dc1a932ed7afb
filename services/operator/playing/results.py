"""What became of the steps."""

from dataclasses import dataclass
from datetime import datetime

from services.operator.casefile.model import Step


class StepFailed(Exception):
    """A step did not go as the case says; the text says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StepResult:
    """One step that was taken."""

    step: Step
    #: clinical time
    occurred_at: datetime
    #: until the answer, or until what was awaited had come about
    latency_ms: float
    attempts: int
    #: empty when it went well
    error: str = ""

    @property
    def is_ok(self) -> bool:
        return not self.error


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertDelivery:
    """An alert that reached a person's stream."""

    alert: str
    user: str
    #: from sending the command that caused it to its arrival on the stream
    delivery_ms: float
