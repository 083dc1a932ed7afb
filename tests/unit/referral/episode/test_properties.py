"""Whatever is recorded and corrected in any order: what must always hold of an episode and its clocks."""

from datetime import timedelta

import msgspec
import pytest
from hypothesis import given as over
from hypothesis import settings
from hypothesis import strategies as st

from services.referral.adapters.target_catalogue import load_catalogue
from services.referral.domain import episode
from services.referral.domain.clocks import Clock, ClockStatus, clocks
from services.referral.domain.episode import Episode
from services.referral.domain.episode_commands import (
    CloseEpisode,
    CorrectMilestone,
    EpisodeCommand,
    JoinEpisode,
    OpenEpisode,
    RecordMilestone,
)
from services.referral.domain.episode_events import EpisodeEvent
from services.referral.domain.episode_order import DOORS, order_failures
from services.referral.domain.milestones import MilestoneKind, in_clinical_order
from services.referral.domain.values import Pathway
from services.shared.kernel.command import Recorded
from services.shared.kernel.ids import derive_id
from services.shared.kernel.refusals import Refused
from services.shared.protocodec import EventCodec, MessageCodec
from tests.unit.referral.episode.scenario import (
    BRANCH,
    COORDINATOR,
    COUNTY,
    MISTYPED,
    PHYSICIAN,
    REFERRAL,
    SYSTEM,
    Story,
    context,
    minute,
    opened,
    recorded,
)
from tests.unit.referral.referral.network import DIRECTORY
from tierlink.referral.v1 import episode_events_pb2, episode_pb2, episode_service_pb2
from tierlink.type.v1 import type_pb2

TARGETS = load_catalogue().clock_targets
NOW = 400

RECORD = st.tuples(
    st.just("record"),
    st.sampled_from(MilestoneKind),
    st.sampled_from((BRANCH, COUNTY)),
    st.integers(0, 300),
    st.sampled_from((None, -60_000, 60_000)),
)
CORRECT = st.tuples(st.just("correct"), st.integers(0, 20), st.integers(0, 300))
JOIN = st.tuples(st.just("join"), st.sampled_from((BRANCH, COUNTY)), st.integers(0, 300))
STEPS = st.lists(st.one_of(RECORD, RECORD, RECORD, CORRECT, JOIN, st.just(("close",))), max_size=25)
PATHWAYS = st.sampled_from((Pathway.STROKE, Pathway.CHEST_PAIN))


def _command(state: Episode, step: tuple) -> tuple[EpisodeCommand, float]:  # type: ignore[type-arg]
    match step:
        case ("record", kind, facility, at, offset):
            return RecordMilestone(kind=kind, facility=facility, device_clock_offset_ms=offset), at
        case ("correct", index, at) if state.milestones:
            name = state.milestones[index % len(state.milestones)].name
            return CorrectMilestone(milestone=name, corrected_time=minute(at), reason=MISTYPED), NOW
        case ("join", sender, at):
            member = f"{REFERRAL}-{sender}"
            return JoinEpisode(
                member=member, patient="p-1", facilities=(BRANCH, COUNTY), sending_facility=sender
            ), at
    return CloseEpisode(), NOW


def _play(pathway: Pathway, steps: list[tuple]) -> list[tuple[Episode, Recorded[EpisodeEvent] | None]]:  # type: ignore[type-arg]
    first = Story().given(opened(pathway)).here
    states: list[tuple[Episode, Recorded[EpisodeEvent] | None]] = [(first, None)]
    for number, step in enumerate(steps):
        state = states[-1][0]
        command, at = _command(state, step)
        by = COORDINATOR if isinstance(command, CorrectMilestone) else PHYSICIAN
        request = derive_id("request", str(number))
        try:
            events = episode.decide(
                state, command, context(by, at, NOW, request), directory=DIRECTORY, live_members=()
            )
        except Refused:
            continue
        for event in events:
            entry = recorded(event, state.version + 1, by, minute(at), minute(NOW))
            state = episode.evolve(state, entry)
            states.append((state, entry))
    return states


@settings(max_examples=150, deadline=None)
@over(PATHWAYS, STEPS)
def test_milestones_stay_in_order(pathway: Pathway, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    state = _play(pathway, steps)[-1][0]
    assert state.milestones == in_clinical_order(state.milestones)
    assert len({milestone.name for milestone in state.milestones}) == len(state.milestones)
    for milestone in state.milestones:
        others = tuple(m for m in state.milestones if m is not milestone)
        codes = {rule.code for rule in order_failures(others, milestone)}
        # a door that is corrected may leave two examinations in what is now one visit: both happened
        assert not codes or (codes == {"MILESTONE_REPEATED"} and milestone.kind not in DOORS)


@settings(max_examples=150, deadline=None)
@over(PATHWAYS, STEPS, st.one_of(st.none(), st.integers(0, NOW)))
def test_clocks_never_run_backwards(pathway: Pathway, steps: list[tuple], now: int | None) -> None:  # type: ignore[type-arg]
    state = _play(pathway, steps)[-1][0]
    known = {milestone.name: milestone for milestone in state.milestones}
    for clock in clocks(state, TARGETS, None if now is None else minute(now)):
        assert clock.started_at == known[clock.started_by].true_time()
        assert clock.stop_by - clock.started_at == timedelta(seconds=clock.target_s)
        if clock.stopped_at is None:
            assert clock.elapsed_s is None
            assert clock.status is not ClockStatus.MET
        else:
            assert clock.stopped_at == known[clock.stopped_by].true_time()
            assert clock.elapsed_s is not None
            assert clock.elapsed_s >= 0
            assert (clock.status is ClockStatus.MET) == (clock.stopped_at <= clock.stop_by)


@settings(max_examples=100, deadline=None)
@over(PATHWAYS, STEPS)
def test_snapshots_and_events_survive_their_encodings(pathway: Pathway, steps: list[tuple]) -> None:  # type: ignore[type-arg]
    events = EventCodec[EpisodeEvent](episode_events_pb2.EpisodeEvent, type_pb2.EventMetadata, episode.EVENTS)
    resource = MessageCodec(Episode, episode_pb2.Episode, internal=frozenset({"moves"}))
    clock_codec = MessageCodec(Clock, episode_pb2.Clock)
    for state, entry in _play(pathway, steps):
        encoded = msgspec.msgpack.encode(state)
        decoded = msgspec.msgpack.decode(encoded, type=Episode)
        assert decoded == state
        assert msgspec.msgpack.encode(decoded) == encoded
        assert resource.to_message(state).version == state.version
        for clock in clocks(state, TARGETS):
            message = clock_codec.to_message(clock)
            assert message.HasField("elapsed_s") == (clock.stopped_at is not None)
            assert (message.target_source, message.target_confidence) != ("", "")
        if entry is not None:
            assert events.decode(events.encode(entry.metadata, entry.event)) == entry


@pytest.mark.parametrize(
    "command",
    [
        OpenEpisode(patient="p-1", pathway=Pathway.STROKE),
        RecordMilestone(kind=MilestoneKind.ONSET, facility=BRANCH, device_clock_offset_ms=0),
        CorrectMilestone(milestone="milestones/x", corrected_time=minute(1), reason=MISTYPED),
        CloseEpisode(),
    ],
    ids=lambda command: type(command).__name__,
)
def test_commands_are_the_rpcs_requests(command: EpisodeCommand) -> None:
    message = getattr(episode_service_pb2, f"{type(command).__name__}Request")
    codec = MessageCodec(type(command), message)
    assert codec.from_message(codec.to_message(command)) == command
    envelope = {"request_id", "expected_version", "occurred_at", "name"}
    assert {field.name for field in message.DESCRIPTOR.fields} - envelope == set(type(command).__slots__)


def test_the_system_may_record_for_a_facility() -> None:
    story = Story().given(opened())
    assert story.records(MilestoneKind.DOOR_OUT, BRANCH, 5, by=SYSTEM).holds().here.milestones
