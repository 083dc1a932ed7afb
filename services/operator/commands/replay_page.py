"""`tierlink events page`: a range of events as a page on which time is dragged."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from services.operator.commands.causes import kafka_cause
from services.operator.commands.event_options import (
    EpisodeOption,
    FacilityOption,
    KafkaOption,
    SinceOption,
    UntilOption,
    kafka_address,
    moment_of,
)
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption
from services.operator.replay_page.decoding import Clock
from services.operator.replay_page.document import Made, document
from services.operator.replay_page.folding import Choice, NothingHappened
from services.operator.replay_page.gathering import gather
from services.operator.replay_page.page import page
from services.operator.replay_page.story import Story
from services.operator.report.consoles import open_console
from services.operator.texts import Language, say
from services.shared.kafka.address import KafkaAddress
from services.shared.kernel.refusals import DependencyDown


def replay_page(
    file: Annotated[Path, typer.Argument(help="写入的网页 · the page to write", dir_okay=False)],
    *,
    since: SinceOption = "",
    until: UntilOption = "",
    episode: EpisodeOption = None,
    facility: FacilityOption = None,
    clock: Annotated[
        Clock,
        typer.Option(
            "--clock",
            help="clinical 发生时间，recorded 平台记录时间 · by when it happened, or by when it was recorded",
        ),
    ] = Clock.CLINICAL,
    entries_max: Annotated[
        int, typer.Option("--max", min=1, max=50_000, help="至多收入几个事件 · events told at most")
    ] = 20_000,
    lang: LanguageOption = Language.BOTH,
    kafka: KafkaOption = "",
) -> None:
    """把一段事件做成可拖动时间的网页 · A range of events as one page: drag time, see map, beds and timeline.

    只读事件流，不作任何更改 · reads the streams of events and changes nothing.
    """
    if file.exists():
        give_up(say("checkpoint.there", lang, path=file))
    start, end = moment_of(since), moment_of(until)
    if start is not None and end is not None and end <= start:
        give_up(say("replay_page.backwards", lang))
    choice = Choice(
        since=_ms(start),
        until=_ms(end),
        episodes=frozenset(episode or ()),
        facilities=frozenset(facility or ()),
        entries_max=entries_max,
    )
    story = _gathered(kafka_address(kafka), choice, clock, lang)
    made = Made(at=datetime.now(UTC), clock=clock, language="en" if lang is Language.EN else "zh")
    written = page(document(story, made))
    try:
        # Whoever may read the topics, may read it; nobody else of this machine.
        file.touch(0o600, exist_ok=False)
        file.write_text(written, "utf-8")
    except OSError as error:
        give_up(str(error))
    _say_what_is_in(story, file, len(written.encode()), lang)


def _say_what_is_in(story: Story, file: Path, size: int, language: Language) -> None:
    console = open_console()
    console.print(
        say(
            "replay_page.written",
            language,
            path=file,
            entries=len(story.entries),
            size=size // 1024,
        ),
        soft_wrap=True,
    )
    left_out = story.left_out
    for name, count in (("cut", left_out.entries), ("unread", left_out.unread), ("late", left_out.late)):
        if count:
            console.print(say(f"replay_page.{name}", language, count=count), soft_wrap=True)


def _gathered(kafka: KafkaAddress, choice: Choice, clock: Clock, language: Language) -> Story:
    with open_console(stderr=True).status(say("replay_page.reading", language, count=0)) as status:

        def note(count: int) -> None:
            status.update(say("replay_page.reading", language, count=count))

        try:
            return asyncio.run(gather(kafka, choice, clock, note))
        except NothingHappened:
            give_up(say("replay_page.nothing", language))
        except (DependencyDown, KafkaError, OSError) as error:
            give_up(kafka_cause(error, kafka, language))
        except KeyboardInterrupt:
            give_up(say("demo.interrupted", language), Exit.INTERRUPTED)


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
