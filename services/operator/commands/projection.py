"""`tierlink projection`: read models made anew, and proof that they are what the events say."""

from typing import Annotated

import typer
from rich.text import Text

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
from services.operator.commands.projection_asking import asked, chosen, compared, print_comparison, rebuilt
from services.operator.commands.try_fold import try_to_fold
from services.operator.commands.verify_state import EventSource, SourceOption, verify_state
from services.operator.report.consoles import open_console
from services.operator.report.json_document import print_json
from services.operator.report.projections import (
    RowComparison,
    print_projections,
    projection_document,
    source_of,
)
from services.operator.rpc.projections import Projections
from services.operator.texts import Language, say

projection = typer.Typer(
    name="projection", help="读模型 · Read models, made of the events.", no_args_is_help=True
)
projection.command()(verify_state)
projection.command("try-fold")(try_to_fold)

NameArgument = Annotated[str, typer.Argument(help="读模型，如 listing · the read model")]
MaxOption = Annotated[int, typer.Option("--max", min=1, help="至多列出 · differences listed")]


@projection.command("list")
def list_(
    *,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """列出读模型：在用、重建中、已换下 · The read models: what serves, what is made, what is kept."""
    addresses = addresses_of(referral, bed, notification)
    found = asked(addresses, operator_token(token, key), lambda models: models.all(), lang)
    if output is Output.JSON:
        print_json([projection_document(each) for each in found])
    else:
        print_projections(open_console(), lang, found)


@projection.command()
def rebuild(
    name: NameArgument,
    *,
    source: SourceOption = EventSource.STORE,
    reason: ReasonOption = "",
    execute: ExecuteOption = False,
    shown_max: MaxOption = 100,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """在原表旁重建并追上，再逐行比较；中断后以同样命令继续 · Makes it anew beside the old one, and compares.

    0 一致 · same；1 不一致 · different；2 无法执行 · impossible；130 人工中止 · interrupted.
    """
    if execute:
        check_reason(reason)
    console = open_console(stderr=True)

    async def work(models: Projections) -> RowComparison | None:
        known = await chosen(models, name, lang)
        begun = bool(known.building)
        if begun and source_of(known) != source.name:
            give_up(say("projection.other_source", lang, number=known.building, source=source_of(known)))
        line = say(
            "projection.goes_on" if begun else "projection.would_rebuild",
            lang,
            name=name,
            serving=known.serving,
            source=source.name,
            built=known.built_count,
            aggregates=known.aggregates_count,
        )
        console.print(Text(line), soft_wrap=True)
        if not execute:
            console.print(Text(say("state.nothing_done", lang)), soft_wrap=True)
            return None
        if not begun:
            await models.begin(name, source.name, reason=reason)
        await rebuilt(models, name, console, lang)
        return await compared(models, name, shown_max)

    found = asked(addresses_of(referral, bed, notification), operator_token(token, key), work, lang)
    if found is not None:
        print_comparison(found, output, lang)


@projection.command()
def compare(
    name: NameArgument,
    *,
    shown_max: MaxOption = 100,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """逐行比较重建的与在用的 · Compares the one that is made with the one that serves.

    0 一致 · same；1 不一致 · different；2 无法比较 · impossible.
    """
    addresses = addresses_of(referral, bed, notification)
    found = asked(
        addresses, operator_token(token, key), lambda models: compared(models, name, shown_max), lang
    )
    print_comparison(found, output, lang)


@projection.command()
def swap(
    name: NameArgument,
    *,
    reason: ReasonOption,
    execute: ExecuteOption = False,
    despite_differences: Annotated[
        bool,
        typer.Option("--despite-differences", help="有差异也切换 · though they are not the same"),
    ] = False,
    shown_max: MaxOption = 100,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """追上、比较，一致则在一个事务内切换 · Catches up, compares, and has it serve where they are the same.

    0 已切换 · swapped；1 不一致，未切换 · different, not swapped；2 无法执行 · impossible.
    """
    check_reason(reason)
    console = open_console(stderr=True)

    async def work(models: Projections) -> bool:
        known = await chosen(models, name, lang)
        if known.building:
            await rebuilt(models, name, console, lang)
        found = await compared(models, name, shown_max)
        found.print(console, lang)
        if not found.is_same and not despite_differences:
            return False
        if execute:
            done = await models.swap(name, reason=reason)
            text = say("projection.swapped", lang, name=name, serving=done.serving, retired=done.retired)
        else:
            text = say("projection.would_swap", lang, name=name, serving=known.serving, number=known.building)
        open_console().print(Text(text), soft_wrap=True)
        return True

    if not asked(addresses_of(referral, bed, notification), operator_token(token, key), work, lang):
        raise typer.Exit(int(Exit.FINDINGS))


@projection.command()
def drop(
    name: NameArgument,
    number: Annotated[int, typer.Argument(min=1, help="编号，见 list · its number, see list")],
    *,
    reason: ReasonOption,
    execute: ExecuteOption = False,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    referral: ReferralOption = "",
    bed: BedOption = "",
    notification: NotificationOption = "",
) -> None:
    """丢弃一份不在用的 · Gives one up that does not serve."""
    check_reason(reason)

    async def work(models: Projections) -> None:
        known = await chosen(models, name, lang)
        if number not in (known.building, known.retired):
            give_up(say("projection.not_there", lang, name=name, number=number))
        if execute:
            await models.drop(name, number, reason=reason)

    asked(addresses_of(referral, bed, notification), operator_token(token, key), work, lang)
    text = "projection.dropped" if execute else "projection.would_drop"
    open_console().print(Text(say(text, lang, name=name, number=number)), soft_wrap=True)
