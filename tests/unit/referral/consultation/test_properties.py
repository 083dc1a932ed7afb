"""Whatever clinicians and deadlines do in whatever order, what must always hold of a consultation."""

from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from services.referral.domain import consultation
from services.referral.domain.consultation import Consultation
from services.referral.domain.consultation_commands import (
    AcknowledgeCriticalValue,
    AmendReport,
    CancelConsultation,
    CancelExpertVisit,
    ClaimConsultation,
    ConfirmExpertVisit,
    ConsultationCommand,
    MeetDeadline,
    RecordExpertVisit,
    ReleaseClaim,
    ReportConsultation,
    ResubmitConsultation,
    ReturnConsultation,
)
from services.referral.domain.consultation_events import ConsultationEvent
from services.referral.domain.consultation_values import ConsultationState, ExpertVisitState
from services.shared.kernel.actor import Actor
from services.shared.kernel.command import Recorded
from services.shared.kernel.refusals import Refused
from services.shared.protocodec import EventCodec, MessageCodec
from tests.unit.referral.consultation.events import (
    BLURRED,
    BRANCH,
    COORDINATOR,
    CT_AGAIN,
    EXPERT,
    EXPERT_COMES,
    NAME,
    OTHER_EXPERT,
    POTASSIUM,
    REPORT,
    REQUEST,
    STRANGER,
    SYSTEM,
    minute,
    requested,
)
from tests.unit.referral.consultation.scenario import POLICY, context, given, recorded
from tests.unit.referral.referral.network import DIRECTORY
from tierlink.referral.v1 import consultation_events_pb2, consultation_pb2, consultation_service_pb2
from tierlink.type.v1 import type_pb2

COMMANDS: tuple[ConsultationCommand, ...] = (
    REQUEST,
    ClaimConsultation(),
    ReleaseClaim(),
    ReturnConsultation(reason=BLURRED),
    ResubmitConsultation(attachments=(CT_AGAIN,)),
    ReportConsultation(report=replace(REPORT, critical_value=True)),
    ReportConsultation(report=replace(EXPERT_COMES, critical_values=(POTASSIUM,))),
    AmendReport(report=REPORT, reason=BLURRED),
    AmendReport(report=replace(EXPERT_COMES, critical_values=(POTASSIUM,)), reason=BLURRED),
    AcknowledgeCriticalValue(handling="已予补钾"),
    ConfirmExpertVisit(),
    RecordExpertVisit(summary="手术顺利"),
    CancelExpertVisit(reason=BLURRED),
    CancelConsultation(reason=BLURRED),
)
ACTORS = (BRANCH, EXPERT, OTHER_EXPERT, STRANGER, COORDINATOR)

#: a person's command, or None: the next deadline is met
STEP = st.one_of(st.none(), st.tuples(st.sampled_from(COMMANDS), st.sampled_from(ACTORS)))


def _decided(
    state: Consultation, command: ConsultationCommand, by: Actor, at: int
) -> tuple[ConsultationEvent, ...]:
    before = msgspec.msgpack.encode(state)
    try:
        return consultation.decide(
            state,
            command,
            context(by, at),
            policy=POLICY,
            directory=DIRECTORY,
            centre_capabilities=frozenset({"STROKE"}),
        )
    except Refused:
        return ()
    finally:
        assert msgspec.msgpack.encode(state) == before


def _play(
    steps: list[tuple[ConsultationCommand, Actor] | None],
) -> list[tuple[Consultation, Recorded[ConsultationEvent] | None]]:
    """The states of a history, each with the event that led there."""
    states: list[tuple[Consultation, Recorded[ConsultationEvent] | None]] = [(given(requested()).here, None)]
    for at, step in enumerate(steps, start=1):
        state = states[-1][0]
        command: ConsultationCommand
        if step is None:
            due = min(consultation.deadlines(state), key=lambda deadline: deadline.due_at, default=None)
            if due is None:
                continue
            command, by = MeetDeadline(key=due.key), SYSTEM
        else:
            command, by = step
        events = _decided(state, command, by, at)
        if isinstance(command, MeetDeadline):
            assert len(events) == 1
        for event in events:
            entry = recorded(event, state.version + 1, by, minute(at))
            state = consultation.evolve(state, entry)
            states.append((state, entry))
        if isinstance(command, MeetDeadline):
            assert command.key not in {deadline.key for deadline in consultation.deadlines(state)}
    return states


@settings(max_examples=150, deadline=None)
@over(st.lists(STEP, max_size=12))
def test_every_history_keeps_what_must_hold(steps: list[tuple[ConsultationCommand, Actor] | None]) -> None:
    states = _play(steps)
    for state, _ in states:
        assert (state.state is ConsultationState.CLAIMED) == (state.claim_expires_at is not None)
        answered = state.state in (ConsultationState.CLAIMED, ConsultationState.REPORTED)
        assert (state.claimed_by in (EXPERT, OTHER_EXPERT)) == answered
        assert (state.report is not None) == (state.state is ConsultationState.REPORTED)
        assert (state.report_time is None) == (state.report is None)
        critical = state.report is not None and state.report.critical_value
        assert (state.critical_value_notice is not None) == critical
        visit = state.report is not None and state.report.expert_visit is not None
        assert (state.expert_visit_state is not None) == visit
        assert (state.expert_visit_held_at is not None) == (state.expert_visit_state is ExpertVisitState.HELD)
        keys = [deadline.key for deadline in consultation.deadlines(state)]
        assert len(keys) == len(set(keys))
    for (before, _), (after, _) in pairwise(states):
        assert after.version == before.version + 1
        assert after.overdue or not before.overdue or after.due_at > before.due_at
        assert before.state is not ConsultationState.CANCELLED


@settings(max_examples=150, deadline=None)
@over(st.lists(STEP, max_size=12))
def test_snapshots_and_events_survive_their_encodings(
    steps: list[tuple[ConsultationCommand, Actor] | None],
) -> None:
    events = EventCodec[ConsultationEvent](
        consultation_events_pb2.ConsultationEvent, type_pb2.EventMetadata, consultation.EVENTS
    )
    resource = MessageCodec(Consultation, consultation_pb2.Consultation)
    for state, entry in _play(steps):
        encoded = msgspec.msgpack.encode(state)
        decoded = msgspec.msgpack.decode(encoded, type=Consultation)
        assert decoded == state
        assert msgspec.msgpack.encode(decoded) == encoded
        assert resource.from_message(resource.to_message(state)) == state
        if entry is not None:
            assert events.decode(events.encode(entry.metadata, entry.event)) == entry


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_commands_are_the_rpcs_requests(command: ConsultationCommand) -> None:
    message = getattr(consultation_service_pb2, f"{type(command).__name__}Request")
    codec = MessageCodec(type(command), message)
    assert codec.from_message(codec.to_message(command)) == command
    envelope = {"request_id", "expected_version", "occurred_at", "name"}
    assert {field.name for field in message.DESCRIPTOR.fields} - envelope == set(type(command).__slots__)


def test_a_resource_is_named_after_its_aggregate() -> None:
    assert given(requested()).here.name == NAME
