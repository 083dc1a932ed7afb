"""Takes one step."""

import asyncio
import time
from uuid import uuid4

import grpc

from services.operator.casefile.model import AlertStep, AwaitStep, CommandStep, Step
from services.operator.playing.results import AlertDelivery, StepFailed, StepResult
from services.operator.playing.stage import Stage
from services.operator.rpc.failures import CallFailed
from services.operator.rpc.paths import unmet
from services.operator.rpc.values import rfc3339

_POLL_FIRST_S = 0.02
_POLL_MAX_S = 0.25


async def take(step: Step, stage: Stage) -> StepResult:
    """Takes the step. What goes wrong is in the result's `error`; nothing is raised but cancellation."""
    begun_s = time.monotonic()
    attempts = 1
    error = ""
    try:
        match step:
            case CommandStep():
                attempts = await _command(step, stage)
            case AwaitStep():
                attempts = await _await(step, stage)
            case AlertStep():
                await _alert(step, stage)
    except (StepFailed, CallFailed) as failure:
        error = str(failure)
    return StepResult(
        step=step,
        occurred_at=stage.time.at(step.at),
        latency_ms=(time.monotonic() - begun_s) * 1000,
        attempts=attempts,
        error=error,
    )


async def _command(step: CommandStep, stage: Stage) -> int:
    fields = stage.fill(dict(step.fields))
    if step.method.is_command:
        # Drawn once: every retry of the step sends the same bytes.
        fields["request_id"] = str(uuid4())
        fields["occurred_at"] = rfc3339(stage.time.at(step.at))
    answer = await stage.call(step.method, fields, step.who)
    stage.sent_at_s[step.id] = answer.sent_at_s
    faults = list(unmet(answer.message, stage.filled(step.expect)))
    if faults:
        raise StepFailed("; ".join(faults))
    stage.save(step.save, answer.message)
    return answer.attempts


async def _await(step: AwaitStep, stage: Stage) -> int:
    fields = stage.fill(dict(step.fields))
    until = stage.filled(step.until)
    deadline_s = time.monotonic() + step.within_s
    poll_s = _POLL_FIRST_S
    looked = 0
    missing = ["nobody answered"]
    while True:
        looked += 1
        try:
            answer = await stage.call(step.method, fields, step.who)
        except CallFailed as error:
            # What is awaited may not be there at all yet.
            if error.code is not grpc.StatusCode.NOT_FOUND:
                raise
            missing = [str(error)]
        else:
            missing = list(unmet(answer.message, until))
            if not missing:
                stage.save(step.save, answer.message)
                return looked
        if time.monotonic() + poll_s > deadline_s:
            raise StepFailed(f"not within {step.within_s:.0f} s: {'; '.join(missing)}")
        await asyncio.sleep(poll_s)
        poll_s = min(poll_s * 1.5, _POLL_MAX_S)


async def _alert(step: AlertStep, stage: Stage) -> None:
    watch = stage.watches[step.who]
    received = await watch.wait_for(stage.filled(step.match), step.within_s)
    stage.save(step.save, received.alert)
    stage.deliveries.append(
        AlertDelivery(
            alert=received.alert.name,
            user=watch.actor.user,
            delivery_ms=(received.at_s - stage.sent_at_s[step.of]) * 1000,
        )
    )
