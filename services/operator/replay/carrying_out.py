"""Carries a replay out, or goes on with one that was cut."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from services.operator.events.source import RecordsGone, TopicSource
from services.operator.replay.arrived import open_target
from services.operator.replay.pacing import Pace, Pacer
from services.operator.replay.planning import Plan
from services.operator.replay.refusals import ReplayRefused
from services.operator.replay.sending import Sending
from services.operator.replay.state_file import (
    ReplayState,
    held,
    load_state,
    places,
    save_state,
)
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.producer import ProducerSettings, abandon_producer, start_producer
from services.shared.kafka.topics import TopicSpec, ensure_topics

_PRODUCER = ProducerSettings(client_id="tierlink-replay")

OnSent = Callable[[int], None]


async def begin(
    plan: Plan, source: TopicSource, kafka: KafkaAddress, path: Path, on_sent: OnSent
) -> ReplayState:
    """Makes the topics that are missing, and sends; `path` is the state file, which must not be there yet.

    Raises ReplayRefused, DependencyDown, TopicRefused, KafkaError, OSError.
    """
    _refuse_existing(path)
    await ensure_topics(
        kafka, [TopicSpec(name=name, partitions=count) for name, count in plan.to_make.items()]
    )
    with held(path):
        return await _send(ReplayState(assignment=plan.assignment), source, kafka, path, on_sent)


def _refuse_existing(path: Path) -> None:
    if path.exists():
        raise ReplayRefused("replay.state_there", path=path)


async def go_on(
    source: TopicSource, kafka: KafkaAddress, path: Path, on_sent: OnSent, *, pace: Pace | None
) -> ReplayState:
    """Sends what is left, without what had arrived before it could be counted; at `pace` where one is given.

    Raises as `begin`.
    """
    with held(path):
        # Read anew: until it was held, another process may have moved on.
        state = load_state(path)
        if pace is not None:
            state = replace(state, assignment=replace(state.assignment, pace=pace))
        return state if state.is_complete else await _send(state, source, kafka, path, on_sent)


async def _send(
    state: ReplayState, source: TopicSource, kafka: KafkaAddress, path: Path, on_sent: OnSent
) -> ReplayState:
    target = await open_target(kafka, tuple(state.assignment.topics.values()))
    try:
        if state.sent_before:
            arrived = await target.arrived(state.assignment.replay, places(state.sent_before))
        else:
            arrived = {}
            state = state.moved(done={}, sent_before=await target.ends(), sent=0)
            save_state(path, state)
        try:
            await source.seek_bounds(state.left())
        except RecordsGone as error:
            raise ReplayRefused("replay.records_gone", place=error) from error
        producer = await start_producer(kafka, _PRODUCER)
        try:
            sending = Sending(
                state,
                source=source,
                target=target,
                producer=producer,
                pacer=Pacer(state.assignment.pace),
                save=partial(save_state, path),
                on_sent=on_sent,
            )
            return await sending.run(arrived)
        finally:
            # Never flushed: after a failure, what stands behind it must not be sent.
            await abandon_producer(producer)
    finally:
        await target.close()
