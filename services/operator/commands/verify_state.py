"""`tierlink projection verify-state`: all events, folded anew, give what the live databases have."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import asyncpg
import typer
from rich.text import Text

from services.operator.commands.causes import cause
from services.operator.commands.event_options import KafkaOption
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import LanguageOption, Output, OutputOption
from services.operator.commands.stopping import stopped_by_signals
from services.operator.platform.given import given_servers, variable
from services.operator.refolding.running import Refolded, refold
from services.operator.refolding.target import BadTarget, Target, targets
from services.operator.report.bars import progress_bar
from services.operator.report.consoles import open_console
from services.operator.report.json_document import print_json
from services.operator.report.states import print_state, state_document
from services.operator.texts import Language, say
from services.shared.rpc.channels import SERVICES


class EventSource(StrEnum):
    """Where events are taken from; those that are never published come from the store."""

    KAFKA = "kafka"
    STORE = "store"


class StoredService(StrEnum):
    """Whose state."""

    REFERRAL = "referral"
    BED = "bed"
    NOTIFICATION = "notification"


ServicesOption = Annotated[
    list[StoredService] | None, typer.Option("--service", help="服务，默认全部 · all by default")
]
SourceOption = Annotated[
    EventSource, typer.Option("--source", help="事件取自 Kafka 或事件库 · from Kafka, or the event store")
]


def verify_state(
    *,
    service: ServicesOption = None,
    source: SourceOption = EventSource.KAFKA,
    into_suffix: Annotated[
        str,
        typer.Option("--into-suffix", help="新库名后缀 · what the new databases' names end with"),
    ] = "_refold",
    keep: Annotated[
        bool, typer.Option("--keep", help="一致也保留新库 · keep the new databases though they are the same")
    ] = False,
    shown_max: Annotated[int, typer.Option("--max", min=1, help="至多列出 · differences listed")] = 100,
    execute: Annotated[bool, typer.Option("--execute", help="执行 · carry it out")] = False,
    kafka: KafkaOption = "",
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
) -> None:
    """把全部事件重新折叠进空库，与在用数据库逐字节比较 · Folds all events into empty databases, and compares.

    0 一致 · same；1 不一致 · different；2 无法核验 · impossible；130 人工中止 · interrupted.
    """
    chosen = tuple(each.value for each in service or ()) or SERVICES
    found = _targets(chosen, into_suffix, lang)
    if source is EventSource.KAFKA and not kafka:
        give_up("--kafka / TIERLINK_KAFKA_BOOTSTRAP ?")
    console = open_console(stderr=True)
    for target in found:
        text = "state.into_from_kafka" if source is EventSource.KAFKA else "state.into_from_store"
        line = say(text, lang, service=target.service, live=target.live_name, new=target.name)
        console.print(Text(line), soft_wrap=True)
    if not execute:
        console.print(Text(say("state.nothing_done", lang)), soft_wrap=True)
        return
    try:
        ended = asyncio.run(_verify(found, kafka, source, shown_max, lang, keep=keep))
    except (asyncpg.PostgresError, OSError) as error:
        give_up(say("state.cut", lang, error=_database_cause(error, lang)))
    except (asyncio.CancelledError, KeyboardInterrupt):
        give_up(say("state.cut", lang, error=say("replay.interrupted", lang)), Exit.INTERRUPTED)
    if output is Output.JSON:
        print_json({name: state_document(each) for name, each in ended.items()})
    else:
        for name, each in ended.items():
            print_state(open_console(), lang, name, each)
    if any(each.verdict is None for each in ended.values()):
        raise typer.Exit(int(Exit.UNUSABLE))
    if any(each.code for each in ended.values()):
        raise typer.Exit(int(Exit.FINDINGS))


def _database_cause(error: asyncpg.PostgresError | OSError, language: Language) -> str:
    away = (ConnectionError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)
    if isinstance(error, away):
        return say("state.cannot.POSTGRESQL_AWAY", language, reason=str(error) or type(error).__name__)
    return cause(error, language)


def _targets(services: tuple[str, ...], suffix: str, language: Language) -> tuple[Target, ...]:
    given = given_servers(os.environ)
    missing = [variable(name, "DSN") for name in services if given.dsns[name] is None]
    if missing:
        give_up(say("error.services_missing", language, names=", ".join(missing)))
    try:
        return targets(given, services, suffix)
    except BadTarget as error:
        give_up(say("state.bad_target", language, name=error))


async def _verify(
    found: Sequence[Target],
    kafka: str,
    source: EventSource,
    shown_max: int,
    language: Language,
    *,
    keep: bool,
) -> dict[str, Refolded]:
    """How each service's program ended. A new database goes when it is the same, unless it is to be kept."""
    ended = {}
    with stopped_by_signals():
        for target in found:
            ended[target.service] = await _one(target, kafka, source, shown_max, language)
            if ended[target.service].code == 0 and not keep:
                await target.drop()
    return ended


async def _one(
    target: Target, kafka: str, source: EventSource, shown_max: int, language: Language
) -> Refolded:
    # One that is there is of an earlier run that was cut: its program goes on, and refuses somebody else's.
    with suppress(asyncpg.DuplicateDatabaseError):
        await target.make()
    text = say("state.folding", language, service=target.service)
    with progress_bar(text, open_console(stderr=True), total=0) as told:
        return await refold(target, kafka=kafka, source=source.value, shown_max=shown_max, on_progress=told)
