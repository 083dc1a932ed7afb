"""Log lines: one shape, whoever writes them, and nothing private in them."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from google.protobuf.wrappers_pb2 import StringValue
from hypothesis import given
from hypothesis import strategies as st

from services.shared.telemetry.log_context import log_fields, set_log_fields
from services.shared.telemetry.logging import LogSettings, configure_logging
from services.shared.telemetry.privacy import (
    DROPPED,
    PRIVATE_FIELDS,
    without_private_fields,
    without_private_text,
)

IDENTITY_NUMBER = "152301196503074512"
MOBILE = "13847512345"
JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ1LTEifQ.c2lnbmF0dXJl"


@pytest.fixture
def output() -> Iterator[io.StringIO]:
    """What the process logs; the logging configuration is as before afterwards."""
    root = logging.getLogger()
    level, handlers, show = root.level, root.handlers[:], warnings.showwarning
    stream = io.StringIO()
    # As in a service: an operator's command that a test ran in this process may have made the library silent.
    library = logging.getLogger("aiokafka")
    silenced = library.level
    library.setLevel(logging.NOTSET)
    configure_logging(LogSettings(service="probe", level="DEBUG", library_level="INFO"), stream)
    yield stream
    library.setLevel(silenced)
    logging.captureWarnings(False)
    warnings.showwarning = show
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    set_log_fields({})


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_of_our_own(output: io.StringIO) -> None:
    set_log_fields({"trace_id": "t-1", "span_id": "s-1", "request_id": "r-1"})
    structlog.get_logger().info("bed held", ward="w-1", count=2)
    (line,) = lines_of(output)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "bed held",
        "level": "info",
        "service": "probe",
        "ward": "w-1",
        "count": 2,
        "trace_id": "t-1",
        "span_id": "s-1",
        "request_id": "r-1",
    }


def test_a_line_of_a_library_has_the_same_shape(output: io.StringIO) -> None:
    set_log_fields({"trace_id": "t-1"})
    logging.getLogger("aiokafka.consumer").warning("partition %s lost", 7)
    (line,) = lines_of(output)
    assert line.pop("time").endswith("Z")
    assert line == {
        "event": "partition 7 lost",
        "level": "warning",
        "logger": "aiokafka.consumer",
        "service": "probe",
        "trace_id": "t-1",
    }


def test_libraries_are_quieter_than_our_own_code(output: io.StringIO) -> None:
    logging.getLogger("grpc").debug("chatter")
    structlog.get_logger().debug("detail")
    assert [line["event"] for line in lines_of(output)] == ["detail"]


def test_a_field_of_the_line_wins_over_one_of_the_task(output: io.StringIO) -> None:
    set_log_fields({"user": "task"})
    structlog.get_logger().info("x", user="line")
    assert lines_of(output)[0]["user"] == "line"


def test_fields_bound_with_structlog_are_logged_too(output: io.StringIO) -> None:
    structlog.contextvars.bind_contextvars(partition=3)
    structlog.get_logger().info("x")
    assert lines_of(output)[0]["partition"] == 3


def raise_with(text: str) -> None:
    raise ValueError(text)


def test_tracebacks_are_logged_on_one_line(output: io.StringIO) -> None:
    try:
        raise_with("broken")
    except ValueError:
        structlog.get_logger().exception("own")
        logging.getLogger("library").exception("theirs")
    own, theirs = lines_of(output)
    for line in (own, theirs):
        assert "raise_with" in line["exception"]
        assert "ValueError: broken" in line["exception"]
    structlog.get_logger().error("given", exc_info=ValueError("handed over"))
    assert "handed over" in lines_of(output)[-1]["exception"]


def test_warnings_are_logged(output: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old call", stacklevel=1)
    assert "old call" in lines_of(output)[-1]["event"]


def test_a_second_configuration_replaces_the_first(output: io.StringIO) -> None:
    second = io.StringIO()
    configure_logging(LogSettings(service="second"), second)
    logging.getLogger("library").warning("once")
    assert not output.getvalue()
    assert len(lines_of(second)) == 1
    structlog.get_logger().debug("not at INFO")
    assert len(lines_of(second)) == 1


def test_an_unknown_level_is_named() -> None:
    with pytest.raises(ValueError, match="LOUD"):
        configure_logging(LogSettings(service="x", level="LOUD"), io.StringIO())


def test_a_terminal_gets_readable_text(output: io.StringIO) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    configure_logging(LogSettings(service="probe"), terminal)
    structlog.get_logger().info("bed held", telephone=MOBILE, note=f"call {MOBILE}")
    text = terminal.getvalue()
    assert "bed held" in text
    assert not text.startswith("{")
    assert MOBILE not in text
    forced = Terminal()
    configure_logging(LogSettings(service="probe", format="json"), forced)
    structlog.get_logger().info("bed held")
    assert lines_of(forced)


def test_private_fields_are_dropped_at_every_depth(output: io.StringIO) -> None:
    structlog.get_logger().info(
        "x",
        identity_number=IDENTITY_NUMBER,
        Telephone="0475-1234567",
        patient={"patient_name": "包某", "pathway": "STROKE"},
        headers=[{"authorization": "Basic abc"}, {"kind": "a"}],
    )
    (line,) = lines_of(output)
    assert line["identity_number"] == DROPPED
    assert line["Telephone"] == DROPPED
    assert line["patient"] == {"patient_name": DROPPED, "pathway": "STROKE"}
    assert line["headers"] == [{"authorization": DROPPED}, {"kind": "a"}]


def test_private_text_is_dropped_wherever_it_slipped_in(output: io.StringIO) -> None:
    logger = structlog.get_logger()
    logger.info(f"row (包某, {IDENTITY_NUMBER})", note=f"电话{MOBILE}")
    logging.getLogger("grpc").warning("metadata authorization: Bearer abcdefgh12345")
    try:
        raise_with(f"DETAIL: Key (identity)=({IDENTITY_NUMBER}) token {JWT}")
    except ValueError:
        logger.exception("database")
    text = output.getvalue()
    for secret in (IDENTITY_NUMBER, MOBILE, "abcdefgh12345", JWT, "c2lnbmF0dXJl"):
        assert secret not in text
    assert len(lines_of(output)) == 3, "still one JSON object a line"


def test_a_message_is_logged_by_its_type_only(output: io.StringIO) -> None:
    structlog.get_logger().info("x", request=StringValue(value="包某"), many=[StringValue(value="李某")])
    (line,) = lines_of(output)
    assert line["request"] == "<google.protobuf.StringValue>"
    assert line["many"] == ["<google.protobuf.StringValue>"]


@pytest.mark.parametrize(
    "harmless",
    [
        "1795000000123",
        "1795000000123456789",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "0b9cbb3e-51c4-4b0e-9a7d-138475123456",
        "referrals/13847512345a",
        "took 12345678901 ns",
        "the bearer of bad news",
    ],
)
def test_ids_and_numbers_are_left_alone(harmless: str) -> None:
    assert without_private_text(harmless) == harmless


def test_a_giant_line_is_cut_and_says_so() -> None:
    line = without_private_text("x" * 1_000_000)
    assert len(line) < 33_000
    assert "968000 characters cut" in line


def test_depth_is_bounded() -> None:
    nested: dict[str, Any] = {}
    nested["self"] = nested
    assert DROPPED in str(without_private_fields(nested))


@given(st.dictionaries(st.sampled_from(sorted(PRIVATE_FIELDS)), st.text(min_size=12)))
def test_no_value_of_a_private_field_survives(fields: dict[str, str]) -> None:
    assert set(without_private_fields({"a": fields})["a"].values()) <= {DROPPED}


def test_objects_that_json_does_not_know_are_written_as_text(output: io.StringIO) -> None:
    structlog.get_logger().info("x", what=SimpleNamespace(a=1), raw=b"ab", keys={1: "one"})
    (line,) = lines_of(output)
    assert "a=1" in line["what"]
    assert line["keys"] == {"1": "one"}


def test_the_default_context_is_empty() -> None:
    assert dict(log_fields()) == {}
