"""`tierlink board`: who is to have a board, whether one is live, and to take one down for good."""

import sys
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer

from services.operator.commands.asking import ask_notification
from services.operator.commands.exits import Exit
from services.operator.commands.options import (
    KeyOption,
    LanguageOption,
    NotificationOption,
    Output,
    OutputOption,
    TokenOption,
    operator_token,
)
from services.operator.report.boards import print_boards
from services.operator.report.consoles import open_console
from services.operator.report.json_document import message_document, print_json
from services.operator.texts import Language, say
from tierlink.notification.v1 import board_pb2, board_service_pb2

board = typer.Typer(name="board", help="提醒屏 · Alert boards.", no_args_is_help=True)


@board.command("list")
def list_(
    *,
    output: OutputOption = Output.TEXT,
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """应有提醒屏的机构及其在线状态 · Facilities that are to have a board, and whether one is live.

    0 均在线或已撤下 · all live or taken down；1 有中断 · an outage；2 无法读取 · impossible.
    """
    answer = ask_notification("ListBoards", {}, notification, operator_token(token, key))
    assert isinstance(answer, board_service_pb2.ListBoardsResponse)
    if output is Output.JSON:
        print_json(message_document(answer))
    else:
        print_boards(answer.boards, open_console(), lang, now=datetime.now(UTC))
    if any(each.state == board_pb2.BOARD_STATE_LOST for each in answer.boards):
        raise typer.Exit(int(Exit.FINDINGS))


@board.command()
def withdraw(
    facility: Annotated[str, typer.Argument(help="机构 · facility", show_default=False)],
    *,
    reason: Annotated[str, typer.Option("--reason", help="原因代码，如 MOVED · coded reason")],
    centre: Annotated[
        str, typer.Option("--centre", help="中心；缺省为全院 · of a centre, else of the facility")
    ] = "",
    text: Annotated[str, typer.Option("--text", help="说明 · in words")] = "",
    lang: LanguageOption = Language.BOTH,
    token: TokenOption = "",
    key: KeyOption = None,
    notification: NotificationOption = "",
) -> None:
    """撤下已中断的提醒屏，不再视为中断 · Takes a lost board down for good: its silence is no outage any more.

    0 已撤下 · done；2 被拒绝或无法连接 · refused, or impossible.
    """
    fields = {
        "request_id": str(uuid4()),
        "facility": facility,
        "centre": centre,
        "reason": {"code": reason, "text": text},
    }
    answer = ask_notification("WithdrawBoard", fields, notification, operator_token(token, key))
    assert isinstance(answer, board_service_pb2.WithdrawBoardResponse)
    sys.stdout.write(say("board.withdrawn", lang, place=answer.board.name.removeprefix("boards/")) + "\n")
