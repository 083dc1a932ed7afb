"""What the doctor sees is shown as it is now: each line once, and none that is gone."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import typer
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from typer.testing import CliRunner

from services.operator.doctor.certificate_lines import certificate_line
from services.operator.doctor.examination import Report
from services.operator.doctor.kafka_lines import GroupSeen, KafkaSeen, PartitionSeen, TopicSeen, kafka_lines
from services.operator.doctor.verdict import Finding, Level, Line
from services.operator.doctor.watching import LINES_MAX, DoctorMetrics, DoctorWatch
from services.operator.main import app
from services.shared.kafka.topics import TopicSpec
from services.shared.rpc.channels import SERVICES

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def _shown(registry: CollectorRegistry) -> dict[tuple[str, ...], float]:
    """Every series of the doctor, by the last part of its name and its labels."""
    return {
        (sample.name.removeprefix("tierlink_doctor_"), *sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }


def _told(lines: Sequence[Line], *, at_s: float = 5.0) -> dict[tuple[str, ...], float]:
    registry = CollectorRegistry()
    DoctorMetrics(registry).tell(lines, at_s=at_s)
    return _shown(registry)


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (Finding.TOPIC_GOOD, 0),
        (Finding.GROUP_LATE, 1),
        (Finding.GROUP_STUCK, 2),
        (Finding.TOPIC_RETENTION, 2),
    ],
)
def test_a_line_has_its_level(finding: Finding, level: int) -> None:
    shown = _told([Line(area="kafka", subject="x", finding=finding)])
    assert shown == {
        ("line_level", "kafka", "x", finding.value): level,
        ("examined_timestamp_seconds",): 5.0,
    }


def test_what_only_the_doctor_sees_of_kafka_is_there() -> None:
    spec = TopicSpec(name="t")
    seen = KafkaSeen(
        brokers_count=1,
        topics={
            "t": TopicSeen(
                partitions=[PartitionSeen(has_leader=True, replicas_count=1, in_sync_count=1)] * 5,
                settings={**spec.configuration(), "retention.ms": "1000"},
            )
        },
        groups={"tierlink-bed-availability-2": GroupSeen(members_count=1, lag=4711, is_stuck=False)},
    )
    certificate = certificate_line("kafka", NOW + timedelta(days=3), NOW, subject="broker-1:9092")
    shown = _told([*kafka_lines(seen, [spec], 1), certificate])
    assert shown["line_level", "kafka", "t", "topic_retention"] == 2
    assert shown["line_level", "kafka", "t", "topic_partitions"] == 2
    assert shown["line_figure", "kafka", "t", "topic_partitions", "found"] == 5
    assert shown["line_level", "kafka", "tierlink-bed-availability-2", "group_late"] == 1
    assert shown["line_figure", "kafka", "tierlink-bed-availability-2", "group_late", "lag"] == 4711
    assert shown["line_level", "kafka", "broker-1:9092", "certificate_soon"] == 2
    assert shown["line_figure", "kafka", "broker-1:9092", "certificate_soon", "days"] == 3


def test_what_is_over_is_gone_and_what_stays_has_its_new_figures() -> None:
    registry = CollectorRegistry()
    metrics = DoctorMetrics(registry)
    late = Line(area="kafka", subject="g", finding=Finding.GROUP_LATE, values={"lag": 2_000, "members": 1})
    other = Line(area="bed", finding=Finding.PARKED, values={"count": 2, "seconds": 9})
    metrics.tell([late, other], at_s=1.0)
    good = Line(area="kafka", subject="g", finding=Finding.GROUP_GOOD, values={"lag": 3, "members": 1})
    more = Line(area="bed", finding=Finding.PARKED, values={"count": 5, "seconds": 60})
    metrics.tell([good, more], at_s=2.0)
    assert _shown(registry) == {
        ("line_level", "kafka", "g", "group_good"): 0,
        ("line_figure", "kafka", "g", "group_good", "lag"): 3,
        ("line_figure", "kafka", "g", "group_good", "members"): 1,
        ("line_level", "bed", "", "parked"): 2,
        ("line_figure", "bed", "", "parked", "count"): 5,
        ("line_figure", "bed", "", "parked", "seconds"): 60,
        ("examined_timestamp_seconds",): 2.0,
    }


def test_a_report_without_end_is_cut() -> None:
    lines = [Line(area="kafka", subject=f"t{n}", finding=Finding.TOPIC_MISSING) for n in range(LINES_MAX + 9)]
    assert sum(name[0] == "line_level" for name in _told(lines)) == LINES_MAX


async def test_it_goes_on_looking_whatever_keeps_it_from_it() -> None:
    registry = CollectorRegistry()
    looked, ended = 0, asyncio.Event()

    async def look() -> Report:
        nonlocal looked
        looked += 1
        if looked == 1:
            raise OSError("no such file")
        if looked == 2:
            # A key that is being replaced: what gives a single look up must not end this one.
            raise typer.Exit(2)
        if looked == 4:
            ended.set()
            await asyncio.Event().wait()
        return Report(lines=(Line(area="services", finding=Finding.VERSIONS_SAME),), is_unreachable=False)

    watch = DoctorWatch(look, DoctorMetrics(registry), every_s=0.0)
    assert not watch.has_looked()
    running = asyncio.create_task(watch.run())
    await asyncio.wait_for(ended.wait(), 10)
    assert watch.has_looked()
    assert b'tierlink_doctor_line_level{area="services",finding="versions_same",subject=""} 0.0' in (
        generate_latest(registry)
    )
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def test_every_finding_has_a_level_that_a_rule_can_ask_for() -> None:
    """The metric shows whatever the doctor can find: there is no finding without one."""
    lines = [Line(area="a", finding=finding) for finding in Finding]
    shown = _told(lines)
    for line in lines:
        level = {Level.GREEN: 0, Level.YELLOW: 1, Level.RED: 2}[line.level]
        assert shown["line_level", "a", "", line.finding.value] == level


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--every", "20"), "--every is for --metrics"),
        (("--metrics", "9470"), "9470 is no address"),
        (("--metrics", "localhost:high"), "localhost:high is no address"),
        (("--metrics", "localhost:65536"), "localhost:65536 is no address"),
    ],
)
def test_who_asks_for_what_cannot_be_is_told(options: tuple[str, ...], said: str) -> None:
    where = [part for name in SERVICES for part in (f"--{name}", "127.0.0.1:9")]
    done = CliRunner().invoke(app, ["doctor", *options, *where, "--token", "x", "--lang", "en"])
    assert (done.exit_code, said in done.stderr) == (2, True)
