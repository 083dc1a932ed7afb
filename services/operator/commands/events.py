"""`tierlink events`: what flows through Kafka, read without moving anybody's place."""

import asyncio
from collections.abc import Coroutine
from enum import StrEnum
from typing import Annotated, Any

import typer
from aiokafka.errors import KafkaError

from services.operator.commands.causes import kafka_cause
from services.operator.commands.diff import diff
from services.operator.commands.event_options import (
    AggregateOption,
    EpisodeOption,
    FacilityOption,
    KafkaOption,
    OffsetOption,
    OffsetToOption,
    PartitionOption,
    SinceOption,
    TopicsArgument,
    TypeOption,
    UntilOption,
    chosen_topics,
    kafka_address,
    moment_of,
    selection_of,
)
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption
from services.operator.commands.replay import replay
from services.operator.commands.replay_page import replay_page
from services.operator.events.printing import JsonPrinter, LinePrinter
from services.operator.events.source import Reach
from services.operator.events.viewing import View, follow, show_reach
from services.operator.report.consoles import open_console
from services.operator.texts import Language
from services.shared.kernel.refusals import DependencyDown

events = typer.Typer(name="events", help="事件流 · The streams of events.", no_args_is_help=True)


class Lines(StrEnum):
    """How records are printed."""

    TEXT = "text"
    JSONL = "jsonl"


LinesOption = Annotated[Lines, typer.Option("--output", help="text，或每行一个 JSON · or a JSON a line")]
PayloadOption = Annotated[
    bool, typer.Option("--payload", help="同时显示事件内容 · show what the events carry")
]


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
    selection = selection_of(aggregate, episode, type_, facility)
    reach = Reach(partition=partition)
    _run(view, follow(view, selection, reach, lines=lines, goes_on=follows))


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
    offset_from: OffsetOption = None,
    offset_to: OffsetToOption = None,
    count_max: Annotated[int, typer.Option("--max", min=1, max=1_000_000, help="至多 · at most")] = 1000,
    payload: PayloadOption = False,
    output: LinesOption = Lines.TEXT,
    lang: LanguageOption = Language.BOTH,
    kafka: KafkaOption = "",
) -> None:
    """显示一段时间或位点内的事件，按记录时间排序 · Shows the events of a range, by the time of recording."""
    start, end = moment_of(since), moment_of(until)
    view = _view(topics, kafka, output, lang, payload=payload)
    selection = selection_of(aggregate, episode, type_, facility, since=start, until=end)
    reach = Reach(partition=partition, offset_from=offset_from, offset_to=offset_to, since=start)
    _run(view, show_reach(view, selection, reach, count_max=count_max))


def _view(topics: list[str] | None, kafka: str, output: Lines, language: Language, *, payload: bool) -> View:
    return View(
        kafka=kafka_address(kafka),
        topics=chosen_topics(topics),
        skip_missing=not topics,
        printer=JsonPrinter()
        if output is Lines.JSONL
        else LinePrinter(open_console(), language, payload=payload),
        console=open_console(stderr=True),
        language=language,
    )


def _run(view: View, work: Coroutine[Any, Any, None]) -> None:
    try:
        asyncio.run(work)
    except (DependencyDown, KafkaError, OSError) as error:
        give_up(kafka_cause(error, view.kafka, view.language))
    except KeyboardInterrupt:
        raise typer.Exit(int(Exit.OK)) from None


events.command()(replay)
events.command()(diff)
events.command("page")(replay_page)
