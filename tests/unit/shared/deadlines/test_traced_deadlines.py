"""A due deadline begins a trace, and its command goes on with it."""

import pytest

from services.shared.commands.system_context import deadline_context
from services.shared.deadlines.traced import Origin, traced
from services.shared.deadlines.worker import DueDeadline
from services.shared.kernel.actor import system_actor
from services.shared.telemetry.log_context import log_fields
from services.shared.telemetry.tracer import Tracer
from services.shared.telemetry.tracing import SpanKind
from tests.doubles.parcel import NOW
from tests.doubles.spans import Kept

DUE = DueDeadline(stream_id="alerts/1", kind="alert", key="escalate", due_at=NOW, set_version=3)
TRACE, UNIT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
RECORDED, NOT_RECORDED = f"00-{TRACE}-{UNIT}-01", f"00-{TRACE}-{UNIT}-00"


def set_by(traceparent: str) -> Origin:
    """Every deadline was set by this unit of work."""

    async def origin(_due: DueDeadline) -> str:
        return traceparent

    return origin


async def test_the_command_of_a_deadline_is_the_work_of_its_trace() -> None:
    kept, contexts, fields = Kept(), [], []

    async def fire(due: DueDeadline) -> None:
        contexts.append(deadline_context(due, system_actor("notification")))
        fields.append(log_fields()["trace_id"])

    await traced(fire, Tracer(kept, ratio=1.0), set_by(""))(DUE)
    (span,) = kept.spans
    assert (span.name, span.kind, span.context.parent_span_id) == ("deadline alert", SpanKind.INTERNAL, "")
    assert contexts[0].traceparent == span.context.traceparent
    # Whatever is recorded of it: run again it is the same command.
    assert contexts[0].request_id == DUE.request_id
    assert fields == [span.context.trace_id] and "trace_id" not in log_fields()
    assert dict(span.attributes) == {"tierlink.aggregate": "alerts/1", "tierlink.deadline": "escalate"}


async def test_one_that_fails_is_told_and_fails_on() -> None:
    kept = Kept()

    async def fire(_due: DueDeadline) -> None:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        await traced(fire, Tracer(kept, ratio=1.0), set_by(""))(DUE)
    assert [span.error for span in kept.spans] == ["TimeoutError"]


async def test_one_that_is_not_chosen_is_run_as_it_is() -> None:
    kept, run = Kept(), []

    async def fire(due: DueDeadline) -> None:
        run.append(due)

    await traced(fire, Tracer(kept, ratio=0.0), set_by(NOT_RECORDED))(DUE)
    assert run == [DUE] and kept.spans == []


async def test_one_that_a_recorded_unit_set_is_recorded_and_leads_back_to_it() -> None:
    kept, contexts = Kept(), []

    async def fire(due: DueDeadline) -> None:
        contexts.append(deadline_context(due, system_actor("notification")))

    await traced(fire, Tracer(kept, ratio=0.0), set_by(RECORDED))(DUE)
    (span,) = kept.spans
    assert [(link.trace_id, link.span_id) for link in span.links] == [(TRACE, UNIT)]
    # A trace of its own: the call may be hours ago.
    assert span.context.trace_id != TRACE and span.context.parent_span_id == ""
    assert contexts[0].traceparent == span.context.traceparent
