"""The report of drills as a person reads it."""

import io

import pytest
from google.protobuf.json_format import ParseDict
from rich.console import Console

from services.operator.report.drills import print_drill_report
from services.operator.texts import Language
from tierlink.notification.v1 import drill_service_pb2

REPORT = {
    "centres": [
        {
            "facility": "jimsar-general",
            "centre": "STROKE",
            "held": 3,
            "answered": 2,
            "missed": 1,
            "not_held": 1,
            "median_response_ms": 41500,
            "slowest_response_ms": 90000,
        },
        {"facility": "changji-prefecture", "centre": "STROKE", "held": 1, "missed": 1},
    ],
    "drills": [
        {
            "facility": "jimsar-general",
            "centre": "STROKE",
            "state": "DRILL_STATE_MISSED",
            "started_at": "2025-07-03T23:45:00Z",
            "without_board": True,
        },
        {
            "facility": "jimsar-general",
            "centre": "STROKE",
            "state": "DRILL_STATE_ANSWERED",
            "started_at": "2025-07-02T23:45:00Z",
        },
    ],
}


def _printed(report: object, language: Language) -> str:
    text = io.StringIO()
    print_drill_report(report, Console(file=text, width=160), language)
    return text.getvalue()


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (Language.ZH, ("漏答", "响应中位数", "当时无提醒屏在线")),
        (Language.EN, ("Missed", "no board was live")),
    ],
)
def test_it_has_each_centre_and_each_drill_that_nobody_answered(
    language: Language, words: tuple[str, ...]
) -> None:
    printed = _printed(ParseDict(REPORT, drill_service_pb2.GetDrillReportResponse()), language)
    for word in (*words, "jimsar-general", "41.5 s", "90.0 s", "2025-07-04 07:45", "–"):
        assert word in printed
    assert "2025-07-03 07:45" not in printed


def test_a_time_without_drills_says_so() -> None:
    assert "No drills" in _printed(drill_service_pb2.GetDrillReportResponse(), Language.EN)
