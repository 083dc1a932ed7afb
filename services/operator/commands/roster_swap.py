"""`tierlink roster swap`: exchanges of turns that two people agree on."""

import sys
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any
from uuid import uuid4

import typer

from services.operator.commands.asking import ask_notification
from services.operator.commands.exits import Exit, give_up
from services.operator.commands.options import (
    KeyOption,
    LanguageOption,
    NotificationOption,
    Output,
    OutputOption,
    TokenOption,
    operator_token,
)
from services.operator.report.json_document import message_document, print_json
from services.operator.report.rosters import print_swaps, swap_line
from services.operator.rpc.values import rfc3339
from services.operator.texts import Language
from tierlink.notification.v1 import roster_plan_pb2

_TIME_FORMAT = "%Y-%m-%d %H:%M"

swap = typer.Typer(name="swap", help="换班 · Swaps that two people agree on.", no_args_is_help=True)

SwapArgument = Annotated[str, typer.Argument(help="换班编号 · name of the swap", show_default=False)]
ReasonOption = Annotated[str, typer.Option("--reason", help="原因代码 · coded reason")]


@swap.command("list")
def list_swaps(
    facility: Annotated[str, typer.Argument(help="机构 · facility", show_default=False)],
    *,
    is_open: Annotated[bool, typer.Option("--open", help="仅待确认 · those that wait alone")] = False,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """近 100 天及以后的换班 · Swaps of the last 100 days and of those to come.

    0 无待确认 · none waits；1 有待确认 · some wait；2 无法查询 · impossible.
    """
    fields = {"facility": facility, "open_only": is_open}
    answer = ask_notification("ListSwaps", fields, notification, operator_token(token, key))
    if output is Output.JSON:
        print_json(message_document(answer, is_whole=True))
    else:
        print_swaps(answer, lang)
    if any(each.state == roster_plan_pb2.SWAP_STATE_PROPOSED for each in answer.swaps):
        raise typer.Exit(int(Exit.FINDINGS))


@swap.command()
def propose(
    facility: Annotated[str, typer.Argument(help="机构 · facility", show_default=False)],
    *,
    role: Annotated[str, typer.Option("--role", help="岗位 · role, such as STROKE")],
    step: Annotated[str, typer.Option("--step", help="duty, backup, lead, coordinator")] = "duty",
    seat: Annotated[int, typer.Option("--seat", min=1, max=99, help="席位 · seat")] = 1,
    user: Annotated[str, typer.Option("--user", help="原当班人 · whose turn it is")],
    at: Annotated[str, typer.Option("--at", help="开始时间 · when it begins, YYYY-MM-DD HH:MM")],
    taker: Annotated[str, typer.Option("--taker", help="接班人 · who takes it over")],
    in_return: Annotated[
        str, typer.Option("--in-return", help="接班人交换的班次 · when the taker's own turn begins")
    ] = "",
    reason: ReasonOption,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """申请换班，确认前仍由原当班人值班 · Asks for a swap; until it is confirmed the first person is on duty.

    时间为机构当地时间 · Times are by the site's clock. 0 已申请 · asked for；2 无法申请 · impossible.
    """
    bearer = operator_token(token, key)
    clock = ask_notification("ListSwaps", {"facility": facility, "open_only": True}, notification, bearer)
    post = {"role": role, "step": step, "seat": seat}

    def side(of: str, begins: str) -> dict[str, Any]:
        return {"post": post, "starts_at": _moment(begins, clock.utc_offset_minutes), "user": of}

    fields: dict[str, Any] = {
        "request_id": str(uuid4()),
        "facility": facility,
        "first": side(user, at),
        "taker": taker,
        "reason": {"code": reason},
    }
    if in_return:
        fields["second"] = side(taker, in_return)
    _show(ask_notification("ProposeSwap", fields, notification, bearer), lang)


@swap.command()
def confirm(
    name: SwapArgument,
    *,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """确认换班 · Agrees to a swap. 0 已商定 · agreed；2 无法确认 · impossible."""
    _answer("ConfirmSwap", {"swap": name}, lang, operator_token(token, key), notification)


@swap.command()
def decline(
    name: SwapArgument,
    *,
    reason: ReasonOption,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """谢绝换班 · Declines a swap. 0 已谢绝 · declined；2 无法谢绝 · impossible."""
    fields = {"swap": name, "reason": {"code": reason}}
    _answer("DeclineSwap", fields, lang, operator_token(token, key), notification)


@swap.command()
def withdraw(
    name: SwapArgument,
    *,
    reason: ReasonOption,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """撤回换班 · Takes a swap back. 0 已撤回 · withdrawn；2 无法撤回 · impossible."""
    fields = {"swap": name, "reason": {"code": reason}}
    _answer("WithdrawSwap", fields, lang, operator_token(token, key), notification)


def _answer(method: str, fields: dict[str, Any], lang: Language, token: str, notification: str) -> None:
    answer = ask_notification(method, {**fields, "request_id": str(uuid4())}, notification, token)
    _show(answer, lang)


def _show(answer: Any, lang: Language) -> None:
    sys.stdout.write(f"{swap_line(answer.swap, lang)}\n{answer.swap.name}\n")


def _moment(text: str, offset_minutes: int) -> str:
    """A time of the site's clock, for the request. Gives up on one that is none."""
    try:
        local = datetime.strptime(text, _TIME_FORMAT)  # noqa: DTZ007
    except ValueError:
        give_up(f"{text} · YYYY-MM-DD HH:MM")
    return rfc3339(local.replace(tzinfo=timezone(timedelta(minutes=offset_minutes))))
