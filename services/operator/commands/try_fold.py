"""`tierlink projection try-fold`: whether this version reads and folds all that the topics have."""

import asyncio
from typing import Annotated

import typer

from services.operator.commands.event_options import KafkaOption
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption, Output, OutputOption
from services.operator.commands.stopping import stopped_by_signals
from services.operator.commands.verify_state import ServicesOption
from services.operator.refolding.running import Refolded, try_fold
from services.operator.report.bars import progress_bar
from services.operator.report.consoles import open_console
from services.operator.report.json_document import print_json
from services.operator.report.states import print_trial, trial_document
from services.operator.texts import Language, say
from services.shared.rpc.channels import SERVICES


def try_to_fold(
    *,
    service: ServicesOption = None,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", help="改读此主题，如重放的副本 · read this instead, such as a copy"),
    ] = None,
    processes: Annotated[
        int, typer.Option("--processes", min=1, max=64, help="每个服务的进程数 · of each service")
    ] = 1,
    kafka: KafkaOption = "",
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
) -> None:
    """在内存中折叠主题中的全部事件，不写任何内容；升级前先试 · Folds all events in memory; before an upgrade.

    0 全部可读 · all was folded；1 有误 · not all；2 无法进行 · impossible；130 人工中止 · interrupted.
    """
    chosen = tuple(each.value for each in service or ()) or SERVICES
    if not kafka:
        give_up("--kafka / TIERLINK_KAFKA_BOOTSTRAP ?")
    if topic and len(chosen) != 1:
        give_up(say("state.topic_of_whom", lang))
    try:
        ended = asyncio.run(_try(chosen, tuple(topic or ()), kafka, processes, lang))
    except (asyncio.CancelledError, KeyboardInterrupt):
        give_up(say("state.trial_cut", lang), Exit.INTERRUPTED)
    if output is Output.JSON:
        print_json({name: trial_document(each) for name, each in ended.items()})
    else:
        for name, each in ended.items():
            print_trial(open_console(), lang, name, each)
    if any(each.verdict is None for each in ended.values()):
        raise typer.Exit(int(Exit.UNUSABLE))
    if any(each.code for each in ended.values()):
        raise typer.Exit(int(Exit.FINDINGS))


async def _try(
    services: tuple[str, ...], topics: tuple[str, ...], kafka: str, processes: int, language: Language
) -> dict[str, Refolded]:
    ended = {}
    with stopped_by_signals():
        for service in services:
            text = say("state.folding", language, service=service)
            with progress_bar(text, open_console(stderr=True), total=0) as told:
                ended[service] = await try_fold(
                    service, kafka=kafka, topics=topics, processes=processes, on_progress=told
                )
    return ended
