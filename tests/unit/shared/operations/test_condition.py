"""Clocks, schemas and certificates compared; gauges set from a condition."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from services.shared.operations.certificate import valid_until
from services.shared.operations.condition import (
    Condition,
    Waiting,
    clock_difference,
    schema_difference,
)
from services.shared.operations.metrics import ConditionMetrics

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NOTHING = Waiting(count=0, oldest_at=None)


@pytest.mark.parametrize(
    ("theirs", "ahead"),
    [
        (NOW, timedelta()),
        (NOW + SECOND, timedelta()),
        (NOW + 3 * SECOND, 2 * SECOND),
        (NOW - 3 * SECOND, -3 * SECOND),
    ],
)
def test_only_what_the_question_does_not_explain_is_a_difference(theirs: datetime, ahead: timedelta) -> None:
    assert clock_difference(theirs, NOW, NOW + SECOND) == ahead


def test_a_schema_may_lack_migrations_and_have_others() -> None:
    found = schema_difference(frozenset({"0001", "0002"}), ["0001", "0003"])
    assert (found.missing, found.unknown) == (("0002",), ("0003",))
    assert (found.applied_count, found.expected_count) == (2, 2)


def test_without_a_certificate_there_is_no_end(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    assert valid_until(None) is valid_until(broken) is valid_until(tmp_path / "absent.pem") is None


def test_gauges_say_what_the_condition_says() -> None:
    registry = CollectorRegistry()
    metrics = ConditionMetrics(registry)
    metrics.certificates(callers=None, kafka=NOW)
    metrics.tell(
        Condition(
            database_time=NOW,
            database_ahead=-2 * SECOND,
            schema=schema_difference(frozenset({"0001"}), []),
            outbox=Waiting(count=1, oldest_at=NOW - 4 * SECOND),
            live_relays_count=0,
            shards_count=8,
            unheld_shards=(1, 2),
            parked_aggregates=NOTHING,
            dead_letters=Waiting(count=3, oldest_at=NOW),
            overdue_deadlines=Waiting(count=2, oldest_at=NOW - 7 * SECOND),
        ),
        at_s=5.0,
    )
    assert {
        name: registry.get_sample_value(f"tierlink_{name}")
        for name in (
            "deadlines_overdue",
            "deadlines_overdue_seconds",
            "dead_letters_open",
            "relay_shards_unheld",
            "outbox_oldest_seconds",
            "database_clock_ahead_seconds",
            "database_migrations_missing",
            "condition_measured_timestamp_seconds",
        )
    } == {
        "deadlines_overdue": 2,
        "deadlines_overdue_seconds": 7,
        "dead_letters_open": 3,
        "relay_shards_unheld": 2,
        "outbox_oldest_seconds": 4,
        "database_clock_ahead_seconds": -2,
        "database_migrations_missing": 1,
        "condition_measured_timestamp_seconds": 5,
    }
    ends = "tierlink_certificate_end_timestamp_seconds"
    assert registry.get_sample_value(ends, {"shown_to": "kafka"}) == NOW.timestamp()
    assert registry.get_sample_value(ends, {"shown_to": "callers"}) is None, "without TLS"
