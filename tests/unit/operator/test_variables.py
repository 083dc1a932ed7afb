"""Variables of a case file."""

from datetime import UTC, datetime, timedelta

import pytest

from services.operator.casefile.variables import (
    CaseTime,
    UnknownVariable,
    format_offset,
    parse_offset,
    substitute,
    variable_faults,
)

TIME = CaseTime(start=datetime(2026, 3, 1, 17, 30, tzinfo=UTC), utc_offset_minutes=480)


def test_a_variable_alone_keeps_its_type() -> None:
    assert substitute("${token}", {"token": 7}, TIME) == 7


def test_a_variable_within_a_text_becomes_text() -> None:
    assert substitute("P-${token}-${token}", {"token": 7}, TIME) == "P-7-7"


def test_lists_and_mappings_are_filled() -> None:
    filled = substitute({"a": ["${x}", {"b": "${x}"}], "c": 3}, {"x": "y"}, TIME)
    assert filled == {"a": ["y", {"b": "y"}], "c": 3}


def test_times_count_from_the_start() -> None:
    assert substitute("${at 01:05}", {}, TIME) == "2026-03-01T18:35:00Z"
    assert substitute("${at 2d 00:00}", {}, TIME) == "2026-03-03T17:30:00Z"


def test_days_are_local() -> None:
    # 17:30 UTC is the next day in Beijing.
    assert substitute("${day 0}", {}, TIME) == "2026-03-02"
    assert substitute("due ${day +10}", {}, TIME) == "due 2026-03-12"


def test_an_unknown_variable_is_an_error() -> None:
    with pytest.raises(UnknownVariable, match="x"):
        substitute("${x}", {}, TIME)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("${at noon}", "a time is hh:mm"),
        ("${day soon}", "a day is a whole number"),
        ("${A B}", "is no variable"),
        ("${missing}", "has no value here"),
    ],
)
def test_faults_are_found_before_anything_is_played(text: str, fault: str) -> None:
    assert fault in next(iter(variable_faults(text, {"known"})))


def test_sound_expressions_have_no_faults() -> None:
    assert not list(variable_faults("${known} ${at 01:00} ${at 9d 01:00} ${day -1}", {"known"}))


@pytest.mark.parametrize("text", ["00:00", "01:05", "23:59", "9d 02:00", "37d 03:10"])
def test_offsets_read_as_they_are_written(text: str) -> None:
    offset = parse_offset(text)
    assert offset is not None
    assert format_offset(offset) == text


@pytest.mark.parametrize("text", ["", "1", "01:60", "-01:00", "1d", "1d 1:5"])
def test_other_offsets_are_none(text: str) -> None:
    assert parse_offset(text) is None


def test_hours_may_pass_a_day() -> None:
    assert parse_offset("30:00") == timedelta(days=1, hours=6)
