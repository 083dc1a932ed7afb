"""Boards as a table: which are live, and for how long the others have been silent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.operator.rpc.values import moment_of
from services.operator.texts import Language, say
from tierlink.notification.v1 import board_pb2


def print_boards(boards: Sequence[Any], console: Console, language: Language, *, now: datetime) -> None:
    """One line for each facility, and for each centre that has boards of its own."""
    if not boards:
        console.print(say("board.none", language))
        return
    table = Table(title=say("board.title", language), title_justify="left", title_style="bold")
    for column in ("facility", "centre", "state", "silent"):
        table.add_column(say(f"board.column.{column}", language), overflow="fold")
    for each in boards:
        state = board_pb2.BoardState.Name(each.state).removeprefix("BOARD_STATE_")
        style = "bold red" if each.state == board_pb2.BOARD_STATE_LOST else ""
        table.add_row(
            each.facility,
            each.centre or "–",
            Text(say(f"board.state.{state}", language), style=style),
            _silent(each, now),
        )
    console.print(table)


def _silent(board: Any, now: datetime) -> str:
    if not board.HasField("last_seen_at"):
        return "–"
    # Clocks of two machines differ a little: nothing is seen in the future.
    silence = max(now - moment_of(board.last_seen_at), timedelta())
    return str(timedelta(seconds=int(silence.total_seconds())))
