"""The list of boards as a person reads it."""

import io
from datetime import UTC, datetime

import pytest
from google.protobuf.json_format import ParseDict
from rich.console import Console

from services.operator.report.boards import print_boards
from services.operator.texts import Language
from tierlink.notification.v1 import board_pb2, board_service_pb2

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)
BOARDS = {
    "boards": [
        {"facility": "at-live", "state": "BOARD_STATE_LIVE", "last_seen_at": "2026-01-05T07:59:58Z"},
        {"facility": "at-lost", "state": "BOARD_STATE_LOST", "last_seen_at": "2026-01-04T06:30:00Z"},
        {"facility": "at-ahead", "state": "BOARD_STATE_LIVE", "last_seen_at": "2026-01-05T08:00:01Z"},
        {"facility": "at-never", "state": "BOARD_STATE_WITHDRAWN"},
    ]
}


def printed(document: object, language: Language) -> list[str]:
    answer = ParseDict(document, board_service_pb2.ListBoardsResponse())
    text = io.StringIO()
    print_boards(answer.boards, Console(file=text, width=120), language, now=NOW)
    return text.getvalue().splitlines()


@pytest.mark.parametrize(
    ("facility", "zh", "en", "silent"),
    [
        ("at-live", "在线", "live", "0:00:02"),
        ("at-lost", "中断", "LOST", "1 day, 1:30:00"),
        ("at-ahead", "在线", "live", "0:00:00"),
        ("at-never", "已撤下", "taken down", "–"),
    ],
)
def test_each_facility_has_its_line(facility: str, zh: str, en: str, silent: str) -> None:
    for language, word in ((Language.ZH, zh), (Language.EN, en)):
        (line,) = [line for line in printed(BOARDS, language) if f" {facility} " in line]
        assert word in line
        assert silent in line


def test_no_boards_is_said() -> None:
    assert printed({}, Language.EN) == ["No facility is to have a board"]


def test_every_state_has_a_name() -> None:
    for name in board_pb2.BoardState.keys()[1:]:
        printed({"boards": [{"facility": "f", "state": name}]}, Language.BOTH)
