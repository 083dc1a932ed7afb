"""`tierlink events`: what flows through Kafka, read without moving anybody's place."""

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError

from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption
from services.operator.events.moments import BadMoment, read_moment
from services.operator.events.printing import JsonPrinter, LinePrinter
from services.operator.events.selection import Selection
from services.operator.events.source import Reach
from services.operator.events.topics import Topic, UnknownTopic, topics_named
from services.operator.events.viewing import View, follow, show_reach
from services.operator.report.consoles import open_console
from services.operator.texts import Language
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown

events = typer.Typer(name="events", help="事件流 · The streams of events.", no_args_is_help=True)


class Lines(StrEnum):
    """How records are printed."""

    TEXT = "text"
    JSONL = "jsonl"


TopicsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="referral episode consultation standing bed notification directory availability"),
]
KafkaOption = Annotated[
    str,
    typer.Option(
        "--kafka", envvar="TIERLINK_KAFKA_BOOTSTRAP", help="Kafka 地址 host:port · address of Kafka"
    ),
]
AggregateOption = Annotated[
    list[str] | None, typer.Option("--aggregate", help="如 referrals/… · such as referrals/…")
]
EpisodeOption = Annotated[list[str] | None, typer.Option("--episode", help="诊疗过程 · episodes/…")]
TypeOption = Annotated[list[str] | None, typer.Option("--type", help="如 ReferralAccepted · type of event")]
FacilityOption = Annotated[list[str] | None, typer.Option("--facility", help="机构 · facility id")]
PartitionOption = Annotated[int | None, typer.Option("--partition", min=0, help="分区 · partition")]
LinesOption = Annotated[Lines, typer.Option("--output", help="text，或每行一个 JSON · or a JSON a line")]
PayloadOption = Annotated[
    bool, typer.Option("--payload", help="同时显示事件内容 · show what the events carry")
]
SinceOption = Annotated[
    str, typer.Option("--from", help="起：时刻、15m 前、3d 前 · a time, or 15m, 2h, 3d ago")
]
UntilOption = Annotated[str, typer.Option("--to", help="止（不含）· until, exclusive")]


@events.command()
def tail(
    topics: TopicsArgument = None,
    *,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="先显示几条 · so many first")] = 10,
    follows: Annotated[bool, typer.Option("--follow/--no-follow", help="持续显示 · go on")] = True,
    aggregate: AggregateOption = None,
    episode: EpisodeOption = None,
    type_: TypeOption = None,
    facility: FacilityOption = None,
    partition: PartitionOption = None,
    payload: PayloadOption = False,
    output: LinesOption = Lines.TEXT,
    lang: LanguageOption = Language.BOTH,
    kafka: KafkaOption = "",
) -> None:
    """显示最近的事件并持续跟踪 · Shows the latest events, and follows."""
    view = _view(topics, kafka, output, lang, payload=payload)
    selection = _selection(aggregate, episode, type_, facility)
    reach = Reach(partition=partition)
    _run(follow(view, selection, reach, lines=lines, goes_on=follows))


@events.command()
def show(
    topics: TopicsArgument = None,
    *,
    since: SinceOption = "",
    until: UntilOption = "",
    aggregate: AggregateOption = None,
    episode: EpisodeOption = None,
    type_: TypeOption = None,
    facility: FacilityOption = None,
    partition: PartitionOption = None,
    offset_from: Annotated[int | None, typer.Option("--offset", min=0, help="起始位点 · from")] = None,
    offset_to: Annotated[int | None, typer.Option("--offset-to", min=0, help="止（不含）· to")] = None,
    count_max: Annotated[int, typer.Option("--max", min=1, max=1_000_000, help="至多 · at most")] = 1000,
    payload: PayloadOption = False,
    output: LinesOption = Lines.TEXT,
    lang: LanguageOption = Language.BOTH,
    kafka: KafkaOption = "",
) -> None:
    """显示一段时间或位点内的事件，按记录时间排序 · Shows the events of a range, by the time of recording."""
    start, end = _moment(since), _moment(until)
    view = _view(topics, kafka, output, lang, payload=payload)
    selection = _selection(aggregate, episode, type_, facility, since=start, until=end)
    reach = Reach(partition=partition, offset_from=offset_from, offset_to=offset_to, since=start)
    _run(show_reach(view, selection, reach, count_max=count_max))


def _view(topics: list[str] | None, kafka: str, output: Lines, language: Language, *, payload: bool) -> View:
    chosen: tuple[Topic, ...]
    try:
        chosen = topics_named(tuple(topics or ()))
    except UnknownTopic as error:
        give_up(str(error))
    return View(
        kafka=kafka_address(kafka),
        topics=chosen,
        skip_missing=not topics,
        printer=JsonPrinter()
        if output is Lines.JSONL
        else LinePrinter(open_console(), language, payload=payload),
        console=open_console(stderr=True),
        language=language,
    )


def kafka_address(bootstrap: str) -> KafkaAddress:
    """Gives up when there is none."""
    if not bootstrap:
        give_up("--kafka / TIERLINK_KAFKA_BOOTSTRAP ?")
    return KafkaAddress(bootstrap=bootstrap)


def _selection(
    aggregate: list[str] | None,
    episode: list[str] | None,
    type_: list[str] | None,
    facility: list[str] | None,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Selection:
    return Selection(
        aggregates=frozenset(aggregate or ()),
        episodes=frozenset(episode or ()),
        types=frozenset(type_ or ()),
        facilities=frozenset(facility or ()),
        since=since,
        until=until,
    )


def _moment(text: str) -> datetime | None:
    try:
        return read_moment(text, now=datetime.now().astimezone()) if text else None
    except BadMoment as error:
        give_up(str(error))


def _run(work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (DependencyDown, KafkaError, OSError) as error:
        give_up(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(int(Exit.OK)) from None
