"""`tierlink dlq`: records that a service could not handle, and what becomes of them."""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Annotated, Any, TypeVar

import typer

from services.operator.commands.asking import ask_every_service
from services.operator.commands.causes import cause
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import (
    BedOption,
    ExecuteOption,
    KeyOption,
    LanguageOption,
    NotificationOption,
    Output,
    OutputOption,
    ReasonOption,
    ReferralOption,
    TokenOption,
    addresses_of,
    check_reason,
    operator_token,
)
from services.operator.report.consoles import open_console
from services.operator.report.json_document import message_document, print_json
from services.operator.report.letters import print_letter, print_letters, print_summaries
from services.operator.rpc.calling import Patience
from services.operator.rpc.dead_letters import DeadLetters
from services.operator.rpc.failures import CallFailed
from services.operator.texts import Language, say
from services.shared.rpc.channels import Addresses

_PATIENCE = Patience(attempt_s=10.0, total_s=20.0)
T = TypeVar("T")

dlq = typer.Typer(name="dlq", help="死信 · Records that could not be handled.", no_args_is_help=True)


class Service(StrEnum):
    """Whose inbox."""

    REFERRAL = "referral"
    BED = "bed"
    NOTIFICATION = "notification"


ServiceOption = Annotated[Service, typer.Option("--service", help="哪个服务的收件箱 · whose inbox")]
LetterArgument = Annotated[int, typer.Argument(help="死信编号 · id of the letter", min=1)]


@dlq.command("list")
def list_(
    *,
    count_max: Annotated[int, typer.Option("--max", min=1, max=10_000, help="每个服务至多 · at most")] = 50,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """各服务的死信、原因分布与受阻对象 · The letters of every service, by reason, and who waits behind them.

    0 没有 · none；1 有 · there are；2 无法查询 · impossible.
    """

    async def ask(desks: dict[str, DeadLetters]) -> dict[str, tuple[Any, list[Any]]]:
        return {
            name: (await desk.summary(), await desk.letters(count_max=count_max))
            for name, desk in desks.items()
        }

    found = _asked(addresses_of(referral, bed, notification), operator_token(token, key), ask, lang)
    if output is Output.JSON:
        print_json(
            {
                name: {
                    **message_document(summary, is_whole=True),
                    "letters": [message_document(each, is_whole=True) for each in letters],
                }
                for name, (summary, letters) in found.items()
            }
        )
    else:
        console = open_console()
        print_summaries(console, lang, {name: summary for name, (summary, _) in found.items()})
        print_letters(console, lang, {name: letters for name, (_, letters) in found.items()})
    if any(summary.letters_count or summary.parked_aggregates_count for summary, _ in found.values()):
        raise typer.Exit(int(Exit.FINDINGS))


@dlq.command()
def show(
    letter: LetterArgument,
    *,
    service: ServiceOption,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """显示一条死信及其原始记录 · Shows one letter with the record as it came."""
    found = _asked(
        addresses_of(referral, bed, notification),
        operator_token(token, key),
        lambda desks: desks[service.value].letter(letter),
        lang,
    )
    if output is Output.JSON:
        print_json(message_document(found, is_whole=True))
    else:
        print_letter(open_console(), lang, found)


@dlq.command()
def redrive(
    topic: Annotated[str, typer.Argument(help="来源主题 · topic that it came from")],
    aggregate: Annotated[str, typer.Argument(help="对象，如 referrals/… · the aggregate")],
    *,
    service: ServiceOption,
    reason: ReasonOption,
    execute: ExecuteOption = False,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """按序重新处理一个对象的全部死信及其后的事件 · Has an aggregate's letters handled again, in order."""
    check_reason(reason)

    async def work(desks: dict[str, DeadLetters]) -> list[int]:
        desk = desks[service.value]
        if execute:
            return await desk.redrive(topic, aggregate, reason=reason)
        letters = await desk.letters(count_max=10_000)
        return [each.id for each in letters if (each.topic, each.aggregate) == (topic, aggregate)]

    letters = _asked(addresses_of(referral, bed, notification), operator_token(token, key), work, lang)
    text = "dlq.redriven" if execute else "dlq.would_redrive"
    open_console().print(
        say(text, lang, count=len(letters), letters=", ".join(map(str, letters)), aggregate=aggregate)
    )
    if not letters:
        raise typer.Exit(int(Exit.UNUSABLE))


@dlq.command()
def discard(
    letter: LetterArgument,
    *,
    service: ServiceOption,
    reason: ReasonOption,
    execute: ExecuteOption = False,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """放弃一条死信，其后的事件继续处理 · Gives one letter up; what waits behind it goes on."""
    check_reason(reason)

    async def work(desks: dict[str, DeadLetters]) -> Any:
        desk = desks[service.value]
        if execute:
            return await desk.discard(letter, reason=reason)
        return (await desk.letter(letter)).letter

    found = _asked(addresses_of(referral, bed, notification), operator_token(token, key), work, lang)
    text = "dlq.discarded" if execute else "dlq.would_discard"
    open_console().print(
        say(text, lang, letter=found.id, aggregate=found.aggregate or "–", version=found.version)
    )


def _asked(
    addresses: Addresses,
    token: str,
    work: Callable[[dict[str, DeadLetters]], Awaitable[T]],
    language: Language,
) -> T:
    """What `work` makes of the services' dead letters. Gives up when one refuses or is not there."""
    try:
        return ask_every_service(addresses, token, DeadLetters, work, patience=_PATIENCE, language=language)
    except (CallFailed, OSError) as error:
        give_up(cause(error, language))
