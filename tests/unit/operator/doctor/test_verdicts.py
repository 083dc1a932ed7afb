"""What is said of each thing that was seen, and what to do about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from services.bed import main as bed
from services.bed.adapters.aggregate_codecs import BED_TOPIC
from services.bed.adapters.availability_stream import APP, COUNTS_TOPIC
from services.notification import main as notification
from services.operator.doctor.expected import EXPECTED_GROUPS, GENERATIONS, expected_topics
from services.operator.doctor.kafka_lines import GroupSeen, KafkaSeen, PartitionSeen, TopicSeen, kafka_lines
from services.operator.doctor.kafka_reading import latest
from services.operator.doctor.service_lines import ServiceAnswer, service_lines, version_line
from services.operator.doctor.verdict import Finding, Level, Line, worst
from services.operator.report.examination import examination_document
from services.operator.texts import catalogue
from services.referral import main as referral
from services.shared.kafka.topics import TopicSpec
from tierlink.operations.v1 import status_service_pb2 as pb

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SPEC = TopicSpec(name="tierlink.bed.events.v1", replicas=3)
SETTINGS = SPEC.configuration()
PARTITION = PartitionSeen(has_leader=True, replicas_count=3, in_sync_count=3)
TOPIC = TopicSeen(partitions=[PARTITION] * 6, settings=SETTINGS)


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def _ago(seconds: float) -> Timestamp:
    return _stamp(NOW - timedelta(seconds=seconds))


def _kafka(
    topic: TopicSeen | None = TOPIC, groups: dict[str, GroupSeen] | None = None, brokers: int = 3
) -> list[Line]:
    topics = {} if topic is None else {SPEC.name: topic}
    seen = KafkaSeen(brokers_count=brokers, topics=topics, groups=groups or {})
    return list(kafka_lines(seen, [SPEC], 3))


def _status(**changed: Any) -> pb.GetStatusResponse:
    found: dict[str, Any] = {
        "service": "bed",
        "product_version": "0.1.0",
        "server_time": _stamp(NOW),
        "database_time": _stamp(NOW),
        "migrations": pb.Migrations(applied_count=5, expected_count=5),
        "relays": pb.Relays(live_count=1, shards_count=8),
    }
    return pb.GetStatusResponse(**{**found, **changed})


def _answer(status: pb.GetStatusResponse | None, **changed: Any) -> ServiceAnswer:
    answer = ServiceAnswer(
        service="bed",
        address="127.0.0.1:7102",
        liveness="SERVING",
        readiness="SERVING",
        status=status,
        asked_at=NOW - timedelta(milliseconds=20),
        answered_at=NOW + timedelta(milliseconds=20),
    )
    return replace(answer, **changed)


def _found(lines: Sequence[Line]) -> set[tuple[Finding, Level]]:
    """What is not green."""
    return {(line.finding, line.level) for line in lines if line.level is not Level.GREEN}


def test_what_is_as_it_must_be_is_green() -> None:
    group = GroupSeen(members_count=1, lag=3, is_stuck=False)
    lines = [*_kafka(groups={"tierlink-bed": group}), *service_lines(_answer(_status()))]
    assert _found(lines) == set()
    assert worst(lines) is Level.GREEN
    assert len(lines) == 13


@pytest.mark.parametrize(
    ("topic", "finding", "level"),
    [
        (None, Finding.TOPIC_MISSING, Level.RED),
        (replace(TOPIC, partitions=[PARTITION] * 7), Finding.TOPIC_PARTITIONS, Level.RED),
        (
            replace(TOPIC, partitions=[PARTITION] * 5 + [replace(PARTITION, in_sync_count=2)]),
            Finding.TOPIC_BEHIND,
            Level.YELLOW,
        ),
        (
            replace(TOPIC, partitions=[PARTITION] * 5 + [replace(PARTITION, in_sync_count=1)]),
            Finding.TOPIC_UNAVAILABLE,
            Level.RED,
        ),
        (
            replace(TOPIC, partitions=[PARTITION] * 5 + [replace(PARTITION, has_leader=False)]),
            Finding.TOPIC_UNAVAILABLE,
            Level.RED,
        ),
        (
            replace(TOPIC, partitions=[replace(PARTITION, replicas_count=2, in_sync_count=2)] * 6),
            Finding.TOPIC_REPLICAS,
            Level.YELLOW,
        ),
        *(
            (replace(TOPIC, settings={**SETTINGS, name: value}), finding, level)
            for name, value, finding, level in (
                ("cleanup.policy", "compact", Finding.TOPIC_CLEANUP, Level.RED),
                ("retention.ms", "604800000", Finding.TOPIC_RETENTION, Level.RED),
                ("retention.bytes", "1000000", Finding.TOPIC_RETENTION, Level.RED),
                ("max.message.bytes", "1048588", Finding.TOPIC_MESSAGE_BYTES, Level.YELLOW),
                ("min.insync.replicas", "1", Finding.TOPIC_MIN_ISR, Level.YELLOW),
            )
        ),
    ],
)
def test_a_topic_is_judged(topic: TopicSeen | None, finding: Finding, level: Level) -> None:
    assert _found(_kafka(topic)) == {(finding, level)}


def test_every_fault_of_a_topic_has_its_line() -> None:
    wrong = TopicSeen(
        partitions=[PARTITION], settings={**SETTINGS, "cleanup.policy": "compact,delete", "retention.ms": "1"}
    )
    findings = {finding for finding, _ in _found(_kafka(wrong))}
    assert findings == {Finding.TOPIC_PARTITIONS, Finding.TOPIC_CLEANUP, Finding.TOPIC_RETENTION}


@pytest.mark.parametrize(
    ("group", "finding", "level"),
    [
        (GroupSeen(members_count=0, lag=0, is_stuck=False), Finding.GROUP_EMPTY, Level.RED),
        (GroupSeen(members_count=1, lag=1, is_stuck=True), Finding.GROUP_STUCK, Level.RED),
        (GroupSeen(members_count=1, lag=1001, is_stuck=False), Finding.GROUP_LATE, Level.YELLOW),
    ],
)
def test_a_group_is_judged(group: GroupSeen, finding: Finding, level: Level) -> None:
    assert _found(_kafka(groups={"tierlink-bed": group})) == {(finding, level)}


def test_a_cluster_with_too_few_brokers_is_yellow() -> None:
    assert _found(_kafka(brokers=2)) == {(Finding.BROKERS_FEW, Level.YELLOW)}


@pytest.mark.parametrize(
    ("changed", "finding", "level"),
    [
        ({"service": "referral"}, Finding.ANOTHER_SERVICE, Level.RED),
        ({"migrations": pb.Migrations(missing=["0105"])}, Finding.SCHEMA_BEHIND, Level.RED),
        ({"migrations": pb.Migrations(unknown=["0199"])}, Finding.SCHEMA_AHEAD, Level.YELLOW),
        ({"server_time": _ago(1.5)}, Finding.CLOCK_OFF, Level.YELLOW),
        ({"server_time": _ago(-60)}, Finding.CLOCK_WRONG, Level.RED),
        ({"database_ahead_ms": -1500}, Finding.DATABASE_CLOCK_OFF, Level.YELLOW),
        ({"database_ahead_ms": 6000}, Finding.DATABASE_CLOCK_WRONG, Level.RED),
        ({"outbox": pb.Outbox(messages_count=1, oldest_at=_ago(11))}, Finding.OUTBOX_LATE, Level.YELLOW),
        ({"outbox": pb.Outbox(messages_count=1, oldest_at=_ago(61))}, Finding.OUTBOX_STUCK, Level.RED),
        (
            {"relays": pb.Relays(live_count=1, shards_count=8, unheld_shards=[3])},
            Finding.SHARDS_UNHELD,
            Level.RED,
        ),
        ({"parked_aggregates": pb.Waiting(count=1, oldest_at=_ago(1))}, Finding.PARKED, Level.RED),
        ({"dead_letters": pb.Waiting(count=1, oldest_at=_ago(1))}, Finding.LETTERS, Level.RED),
        (
            {"overdue_deadlines": pb.Waiting(count=1, oldest_at=_ago(6))},
            Finding.DEADLINES_LATE,
            Level.YELLOW,
        ),
        (
            {"overdue_deadlines": pb.Waiting(count=1, oldest_at=_ago(31))},
            Finding.DEADLINES_STUCK,
            Level.RED,
        ),
        ({"certificate_valid_until": _ago(-86400 * 20)}, Finding.CERTIFICATE_ENDS, Level.YELLOW),
        ({"certificate_valid_until": _ago(-86400 * 2)}, Finding.CERTIFICATE_SOON, Level.RED),
        ({"certificate_valid_until": _ago(1)}, Finding.CERTIFICATE_EXPIRED, Level.RED),
        ({"kafka_certificate_valid_until": _ago(-86400 * 20)}, Finding.CERTIFICATE_ENDS, Level.YELLOW),
        ({"kafka_certificate_valid_until": _ago(1)}, Finding.CERTIFICATE_EXPIRED, Level.RED),
    ],
)
def test_a_status_is_judged(changed: dict[str, Any], finding: Finding, level: Level) -> None:
    assert _found(list(service_lines(_answer(_status(**changed))))) == {(finding, level)}


@pytest.mark.parametrize(
    "changed",
    [
        {"outbox": pb.Outbox(messages_count=4000, oldest_at=_ago(2))},
        {"overdue_deadlines": pb.Waiting(count=3, oldest_at=_ago(0.2))},
        {"certificate_valid_until": _ago(-86400 * 300)},
        {"database_ahead_ms": 400},
    ],
)
def test_what_is_at_work_is_green(changed: dict[str, Any]) -> None:
    assert _found(list(service_lines(_answer(_status(**changed))))) == set()


def test_a_slow_answer_is_no_wrong_clock() -> None:
    slow = _answer(_status(server_time=_ago(3)), asked_at=NOW - timedelta(seconds=4))
    assert _found(list(service_lines(slow))) == set()


def test_who_does_not_answer_is_named_once() -> None:
    silent = _answer(None, liveness="", readiness="", failure="UNAVAILABLE: refused")
    assert _found(list(service_lines(silent))) == {(Finding.SERVICE_UNREACHABLE, Level.RED)}
    away = _answer(None, readiness="NOT_SERVING", failure="UNAVAILABLE: postgresql")
    assert {finding for finding, _ in _found(list(service_lines(away)))} == {
        Finding.SERVICE_NOT_READY,
        Finding.STATUS_UNAVAILABLE,
    }
    stranger = _answer(None, failure="PERMISSION_DENIED", is_refused=True)
    assert _found(list(service_lines(stranger))) == {(Finding.STATUS_REFUSED, Level.RED)}
    dying = _answer(_status(), liveness="NOT_SERVING")
    assert _found(list(service_lines(dying))) == {(Finding.SERVICE_NOT_ALIVE, Level.RED)}


def test_an_upgrade_half_done_is_seen() -> None:
    new = _answer(_status(product_version="0.2.0"), service="referral")
    line = version_line([_answer(_status()), new])
    assert line is not None
    assert (line.finding, line.level) == (Finding.VERSIONS_DIFFER, Level.YELLOW)
    same = version_line([_answer(_status()), _answer(_status())])
    assert same is not None
    assert same.level is Level.GREEN
    assert version_line([_answer(None)]) is None


def test_every_finding_has_its_words_and_what_is_not_green_says_what_to_do() -> None:
    for finding in Finding:
        assert f"doctor.{finding}" in catalogue()
        is_green = Line(area="kafka", finding=finding).level is Level.GREEN
        assert (f"doctor.{finding}.do" in catalogue()) is not is_green, finding


def test_the_document_has_both_languages() -> None:
    lines = tuple(service_lines(_answer(_status(dead_letters=pb.Waiting(count=2, oldest_at=_ago(9))))))
    document = examination_document(lines)
    assert document["level"] == "RED"
    (letters,) = [line for line in document["lines"] if line["level"] != "GREEN"]
    assert (letters["area"], letters["finding"], letters["values"]["count"]) == ("bed", "letters", 2)
    assert "dlq show --service bed" in letters["to_do"]["en"]
    assert letters["text"]["zh"] and letters["to_do"]["zh"]


def test_what_is_expected_is_what_the_services_have() -> None:
    theirs = {spec.name: spec for spec in (*referral.TOPICS, *bed.TOPICS, *notification.TOPICS)}
    assert {spec.name: spec for spec in expected_topics(1)} == theirs
    consumers = (referral.CONSUMES, bed.CONSUMES, notification.CONSUMES)
    groups = {settings.group: set(settings.topics) for settings in consumers}
    assert {name: set(topics) for name, topics in EXPECTED_GROUPS.items()} == groups
    assert {name: set(topics) for name, topics in GENERATIONS.items()} == {APP: {BED_TOPIC, COUNTS_TOPIC}}


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ((), ()),
        ((APP, f"{APP}-other", "tierlink-bed"), (APP,)),
        ((APP, f"{APP}-9", f"{APP}-10"), (f"{APP}-10",)),
    ],
)
def test_the_workers_latest_group_is_looked_at(known: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert tuple(latest(known, GENERATIONS)) == found
