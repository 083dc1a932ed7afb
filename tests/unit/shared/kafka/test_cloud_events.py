"""Records as CloudEvents: what is written can be read, by us and by the `cloudevents` package."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from services.shared.kafka.cloud_events import Headers, Undecodable, decode, event_headers

_NOW = datetime(2026, 3, 1, 8, 0, 0, 123456, tzinfo=UTC)
_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@dataclass(frozen=True, kw_only=True)
class Record:
    headers: Headers
    topic: str = "t"
    partition: int = 3
    offset: int = 17
    key: bytes | None = b"parcels/1"
    value: bytes | None = b"\x08\x01"


class ProtobufFormat(JSONFormat):
    """The package knows JSON only; our data are bytes."""

    def read_data(self, body: bytes, datacontenttype: str | None) -> bytes:  # type: ignore[override]
        return body


def _headers(**changes: object) -> list[tuple[str, bytes]]:
    given_: dict[str, object] = {
        "source": b"/tierlink/test",
        "event_id": "6f2d7a3e-51c4-5b0e-9a7d-3c1f0e8b2a64",
        "type_": "Moved",
        "subject": b"parcels/1",
        "recorded_at": _NOW,
        "version": 42,
        "traceparent": _TRACE,
    }
    return event_headers(**(given_ | changes))  # type: ignore[arg-type]


def _with(name: str, value: bytes | None) -> Record:
    headers = [(one, old) for one, old in _headers() if one != name]
    return Record(headers=headers if value is None else [*headers, (name, value)])


def test_what_is_written_can_be_read() -> None:
    event = decode(Record(headers=_headers()))
    assert (event.topic, event.partition, event.offset, event.key) == ("t", 3, 17, "parcels/1")
    assert (event.type, event.version, event.value) == ("Moved", 42, b"\x08\x01")
    assert event.event_id == "6f2d7a3e-51c4-5b0e-9a7d-3c1f0e8b2a64"
    assert event.recorded_at == _NOW
    assert event.traceparent == _TRACE


@settings(deadline=None)
@given(st.integers(min_value=1, max_value=2**63 - 1), st.integers(min_value=1, max_value=2**63 - 1))
def test_versions_sort_as_text_as_they_do_as_numbers(one: int, other: int) -> None:
    def sequence(version: int) -> bytes:
        return dict(_headers(version=version))["ce_sequence"]

    assert (sequence(one) < sequence(other)) == (one < other)
    assert decode(Record(headers=_headers(version=one))).version == one


def test_the_cloudevents_package_reads_our_records() -> None:
    message = KafkaMessage(headers=dict(_headers()), key=b"parcels/1", value=b"\x08\x01")
    event = from_binary_event(message, ProtobufFormat())
    assert event.get_id() == "6f2d7a3e-51c4-5b0e-9a7d-3c1f0e8b2a64"
    assert event.get_type() == "Moved"
    assert event.get_source() == "/tierlink/test"
    assert event.get_specversion() == "1.0"
    assert event.get_subject() == "parcels/1"
    assert event.get_time() == _NOW
    assert event.get_datacontenttype() == "application/protobuf"
    assert int(event.get_extension("sequence")) == 42
    assert event.get_data() == b"\x08\x01"


def test_a_record_without_a_trace_has_none() -> None:
    headers = _headers(traceparent="")
    assert "traceparent" not in dict(headers)
    assert decode(Record(headers=headers)).traceparent == ""


def test_any_offset_from_utc_is_understood() -> None:
    east = _NOW.astimezone(timezone(timedelta(hours=8)))
    assert decode(Record(headers=_headers(recorded_at=east))).recorded_at == _NOW


@pytest.mark.parametrize(
    "record",
    [
        Record(headers=_headers(), key=None),
        Record(headers=_headers(), key=b""),
        Record(headers=_headers(), key=b"\xff\xfe"),
        Record(headers=_headers(), key=b"parcels\x00"),
        Record(headers=_headers(), value=None),
        Record(headers=[]),
        _with("ce_specversion", b"0.3"),
        _with("content-type", b"application/json"),
        _with("content-type", None),
        _with("ce_id", None),
        _with("ce_id", b""),
        _with("ce_type", b"\xff"),
        _with("ce_sequence", None),
        _with("ce_sequence", b"seven"),
        _with("ce_sequence", b"-1"),
        _with("ce_sequence", b"0"),
        _with("ce_sequence", b"9" * 19),
        _with("ce_sequence", "٣".encode()),
        _with("ce_time", b"yesterday"),
        _with("ce_time", b"2026-03-01T08:00:00"),
        _with("traceparent", b"\xff"),
    ],
)
def test_what_is_no_event_of_ours_is_said_to_be_so(record: Record) -> None:
    with pytest.raises(Undecodable):
        decode(record)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([name for name, _ in _headers()]), st.binary(max_size=30))))
def test_no_headers_break_the_reader(headers: list[tuple[str, bytes]]) -> None:
    try:
        decode(Record(headers=[*_headers(), *headers]))
    except Undecodable as error:
        assert str(error)
