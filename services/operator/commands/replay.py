"""`tierlink events replay`: sends recorded events again, to where nobody is alerted by them."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer
from aiokafka.errors import KafkaError
from rich.text import Text

from services.operator.commands.causes import cause, kafka_cause
from services.operator.commands.event_options import (
    EpisodeOption,
    FacilityOption,
    KafkaOption,
    KeyedOption,
    OffsetOption,
    OffsetToOption,
    PartitionOption,
    SinceOption,
    ToKafkaOption,
    TopicsArgument,
    ToSuffixOption,
    ToTopicOption,
    TypeOption,
    UntilOption,
    chosen_topics,
    kafka_address,
    moment_of,
    selection_of,
)
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption
from services.operator.commands.stopping import stopped_by_signals
from services.operator.events.selection import Selection
from services.operator.events.source import Reach, open_source
from services.operator.events.topics import Topic, topics_named
from services.operator.replay.carrying_out import begin, go_on
from services.operator.replay.clusters import see_cluster
from services.operator.replay.pacing import BadSpeed, Pace, read_speed
from services.operator.replay.planning import Wish, make_plan, refuse_other_clusters
from services.operator.replay.printing import print_left, print_plan
from services.operator.replay.refusals import ReplayRefused
from services.operator.replay.state_file import load_state
from services.operator.report.bars import progress_bar
from services.operator.report.consoles import open_console
from services.operator.texts import Language, say
from services.shared.kafka.topics import TopicRefused
from services.shared.kernel.refusals import DependencyDown

_EXPECTED = (DependencyDown, KafkaError, TopicRefused, OSError)


@dataclass(frozen=True, kw_only=True)
class _Command:
    """What both a new replay and one that is taken up again need."""

    kafka: str
    to_kafka: str
    path: Path | None
    language: Language
    executes: bool


#: What the options say when none is given but those that a resumed replay may have.
_NO_WISH = Wish(
    to_topic="",
    to_suffix="",
    selection=Selection(),
    reach=Reach(),
    count_max=None,
    pace=Pace(),
    replays_max=3,
    yes_live=False,
)


def replay(
    topics: TopicsArgument = None,
    *,
    to_topic: ToTopicOption = "",
    to_suffix: ToSuffixOption = "",
    to_kafka: ToKafkaOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    aggregate: KeyedOption = None,
    episode: EpisodeOption = None,
    type_: TypeOption = None,
    facility: FacilityOption = None,
    partition: PartitionOption = None,
    offset_from: OffsetOption = None,
    offset_to: OffsetToOption = None,
    count_max: Annotated[int | None, typer.Option("--max", min=1, help="至多 · at most")] = None,
    speed: Annotated[
        str, typer.Option("--speed", help="按原间隔的倍速，如 10x · times the original pace")
    ] = "",
    rate: Annotated[
        float | None, typer.Option("--rate", min=0.001, help="每秒条数 · records a second")
    ] = None,
    replays_max: Annotated[
        int, typer.Option("--replays-max", min=1, max=1000, help="每条至多重放几次 · replays of a record")
    ] = 3,
    yes_live: Annotated[
        bool,
        typer.Option("--yes-live", help="另一集群的在线主题也可 · live topics of another cluster too"),
    ] = False,
    execute: Annotated[bool, typer.Option("--execute", help="执行 · carry it out")] = False,
    state: Annotated[
        Path | None, typer.Option("--state", help="进度文件 · where the progress is kept")
    ] = None,
    resume: Annotated[Path | None, typer.Option("--resume", help="从进度文件继续 · go on from it")] = None,
    lang: LanguageOption = Language.BOTH,
    kafka: KafkaOption = "",
) -> None:
    """重放事件到另一主题或另一集群；不加 --execute 只显示计划 · Replays events; a plan without --execute.

    0 完成 · done；2 拒绝或中断 · refused or cut；130 人工中止 · interrupted.
    """
    pace = Pace(speed=_speed(speed), rate=rate)
    command = _Command(kafka=kafka, to_kafka=to_kafka, path=resume or state, language=lang, executes=execute)
    selection = selection_of(
        aggregate, episode, type_, facility, since=moment_of(since), until=moment_of(until)
    )
    reach = Reach(partition=partition, offset_from=offset_from, offset_to=offset_to, since=selection.since)
    wish = Wish(
        to_topic=to_topic,
        to_suffix=to_suffix,
        selection=selection,
        reach=reach,
        count_max=count_max,
        pace=pace,
        replays_max=replays_max,
        yes_live=yes_live,
    )
    if resume is None:
        if not (to_topic or to_suffix or to_kafka):
            give_up(say("replay.no_target", lang))
        _run(command, kafka, _replay(command, chosen_topics(topics), wish, skip_missing=not topics))
        return
    if topics or state or wish != replace(_NO_WISH, pace=pace):
        give_up(say("replay.resume_alone", lang))
    _run(command, kafka, _resume(command, resume, pace if pace != Pace() else None))


async def _replay(command: _Command, topics: tuple[Topic, ...], wish: Wish, *, skip_missing: bool) -> None:
    source_kafka = kafka_address(command.kafka)
    target_kafka = kafka_address(command.to_kafka) if command.to_kafka else source_kafka
    replay = str(uuid4())
    path = command.path or Path(f"replay-{replay[:8]}.json")
    console = open_console(stderr=True)
    here = await see_cluster(source_kafka)
    there = await see_cluster(target_kafka) if command.to_kafka else here
    async with open_source(source_kafka, topics, skip_missing=skip_missing) as source:
        plan = await make_plan(wish, replay=replay, source=source, here=here, there=there)
        print_plan(plan, console, command.language)
        count = plan.assignment.count
        if not count or not command.executes:
            key = "replay.nothing_done" if count else "replay.nothing_to_do"
            console.print(Text(say(key, command.language)))
            return
        with (
            _told_how_to_go_on(path, command.language),
            progress_bar(say("replay.sending", command.language), console, total=count) as on_sent,
        ):
            done = await begin(plan, source, target_kafka, path, on_sent)
        console.print(Text(say("replay.done", command.language, sent=done.sent)))


async def _resume(command: _Command, path: Path, pace: Pace | None) -> None:
    state = load_state(path)
    assignment = state.assignment
    console = open_console(stderr=True)
    source_kafka = kafka_address(command.kafka or assignment.source.bootstrap)
    target_kafka = kafka_address(command.to_kafka or assignment.target.bootstrap)
    here, there = await see_cluster(source_kafka), await see_cluster(target_kafka)
    refuse_other_clusters(assignment, here=here, there=there)
    print_left(state, path, console, command.language)
    if not state.is_complete and not command.executes:
        console.print(Text(say("replay.nothing_done", command.language)))
        return
    topics = topics_named(tuple(assignment.topics))
    async with open_source(source_kafka, topics) as source:
        with (
            _told_how_to_go_on(path, command.language),
            progress_bar(
                say("replay.sending", command.language),
                console,
                total=assignment.count,
                already=state.sent,
            ) as on_sent,
        ):
            done = await go_on(source, target_kafka, path, on_sent, pace=pace)
        console.print(Text(say("replay.done", command.language, sent=done.sent)))


@contextmanager
def _told_how_to_go_on(path: Path, language: Language) -> Iterator[None]:
    """Whatever cuts a replay, its operator is told how it is taken up again."""
    try:
        yield
    except asyncio.CancelledError:
        error = say("replay.interrupted", language)
        give_up(say("replay.cut", language, error=error, path=path), Exit.INTERRUPTED)
    except _EXPECTED as error:
        if not path.exists():
            raise
        give_up(say("replay.cut", language, error=cause(error, language), path=path))


def _run(command: _Command, kafka: str, work: Coroutine[Any, Any, None]) -> None:
    async def run() -> None:
        with stopped_by_signals():
            await work

    try:
        asyncio.run(run())
    except ReplayRefused as refused:
        give_up(refused.shown(command.language))
    except _EXPECTED as error:
        at = command.to_kafka or kafka
        told = (
            kafka_cause(error, kafka_address(at), command.language) if at else cause(error, command.language)
        )
        give_up(told)
    except (asyncio.CancelledError, KeyboardInterrupt):
        raise typer.Exit(int(Exit.INTERRUPTED)) from None


def _speed(text: str) -> float | None:
    try:
        return read_speed(text) if text else None
    except BadSpeed as error:
        give_up(str(error))
