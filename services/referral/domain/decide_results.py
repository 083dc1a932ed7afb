"""Decisions on results: those that come with a referral, come later, or are made again."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from services.referral.domain.attachments import attachment_faults
from services.referral.domain.commands import AddResults, RecordRepeat
from services.referral.domain.decision import Decision
from services.referral.domain.events import Event, ResultRepeated, ResultsAdded
from services.referral.domain.examination_results import ExaminationResult, RepeatReason
from services.referral.domain.policy import ReferralPolicy
from services.referral.domain.recognition import asked_of, recognition
from services.shared.kernel.command import CommandContext
from services.shared.kernel.ids import resource_name
from services.shared.kernel.refusals import FieldViolation


def named(results: tuple[ExaminationResult, ...], request_id: str) -> tuple[ExaminationResult, ...]:
    """The results with their names, which follow from the request."""
    return tuple(
        [
            replace(result, name=resource_name("results", request_id, str(index)))
            for index, result in enumerate(results)
        ]
    )


def latest(context: CommandContext) -> datetime:
    """The later of a command's two times: what was made by then lies in no future."""
    return max(context.occurred_at, context.recorded_at)


def result_faults(
    results: tuple[ExaminationResult, ...], now: datetime, policy: ReferralPolicy
) -> list[FieldViolation]:
    """What is wrong in the results of a request, `now` being the later of its two times."""
    return [
        found
        for index, result in enumerate(results)
        for found in _faults(result, f"results[{index}]", now, policy)
    ]


def _faults(
    result: ExaminationResult, path: str, now: datetime, policy: ReferralPolicy
) -> Iterator[FieldViolation]:
    if result.performed_at > now:
        yield _fault(f"{path}.performed_at", "IN_FUTURE", "lies in the future")
    if not (result.value.strip() or result.conclusion.strip() or result.attachment is not None):
        yield _fault(f"{path}.value", "REQUIRED", "a result has a value, a conclusion or an attachment")
    if result.attachment is not None:
        schemes = policy.recognition.attachment_schemes
        for found in attachment_faults((result.attachment,), schemes):
            where = found.field.removeprefix("attachments[0]")
            yield replace(found, field=f"{path}.attachment{where}")


def add_faults(decision: Decision[AddResults]) -> list[FieldViolation]:
    return result_faults(decision.command.results, latest(decision.context), decision.policy)


def add_results(decision: Decision[AddResults]) -> tuple[Event, ...]:
    results = named(decision.command.results, decision.context.request_id)
    return (ResultsAdded(facility=decision.facility, results=results),)


def repeat_faults(decision: Decision[RecordRepeat]) -> list[FieldViolation]:
    """The result is one of the referral's, and reason 6 says more than itself."""
    command = decision.command
    found = []
    if _result(decision) is None:
        found.append(_fault("result", "UNKNOWN_RESULT", "is no result of this referral"))
    if command.reason is RepeatReason.OTHER and not command.text.strip():
        found.append(_fault("text", "REQUIRED", "the reason OTHER needs a text"))
    return found


def record_repeat(decision: Decision[RecordRepeat]) -> tuple[Event, ...]:
    """Repeating is allowed whatever the rules say; what they said then is kept with it."""
    result, command = _result(decision), decision.command
    if result is None:
        raise ValueError(f"{decision.state.name} has no {command.result}")
    asked = asked_of(
        result,
        decision.facility,
        directory=decision.directory,
        policy=decision.policy.recognition,
        now=min(decision.context.occurred_at, decision.context.recorded_at),
    )
    found = recognition(asked)
    return (
        ResultRepeated(
            result=result.name,
            reason=command.reason,
            text=command.text,
            facility=decision.facility,
            recognised=found.recognised,
            recognition_code=found.code,
            item_name=result.item_name,
        ),
    )


def _result(decision: Decision[RecordRepeat]) -> ExaminationResult | None:
    for result in decision.state.results:
        if result.name == decision.command.result:
            return result
    return None


def _fault(field: str, reason: str, description: str) -> FieldViolation:
    return FieldViolation(field=field, reason=reason, description=description)
