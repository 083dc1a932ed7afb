"""Is everything as it must be? Steps, clocks and their sources, alerts, streams, hashes."""

from collections import Counter
from collections.abc import Iterable, Iterator

from services.operator.casefile.model import ExpectedAlert, ExpectedClock
from services.operator.casefile.variables import format_offset
from services.operator.playing.alert_watch import AlertWatch
from services.operator.playing.results import StepFailed, StepResult
from services.operator.playing.stage import Stage
from services.operator.playing.summary import AlertRow, AuditVerdict, ClockRow, Shortcoming
from services.operator.texts import text

_CONFIDENCES = ("A", "B", "C")


def judge(
    stage: Stage,
    steps: Iterable[StepResult],
    clocks: tuple[ClockRow, ...],
    alerts: tuple[AlertRow, ...],
    audit: AuditVerdict | None,
) -> Iterator[Shortcoming]:
    """Everything that is not as the case, and honesty, demand."""
    taken = tuple(steps)
    yield from _steps(stage, taken)
    if len(taken) < len(stage.case.steps) or not all(result.is_ok for result in taken):
        return  # what did not happen cannot have led anywhere
    yield from _clocks(stage.case.clocks, clocks)
    for expected in stage.case.alerts:
        yield from _alert(stage, expected, alerts)
    yield from _duplicates(alerts)
    for watch in stage.watches.values():
        yield from _stream(watch)
    yield from _audit(audit)


def _steps(stage: Stage, taken: tuple[StepResult, ...]) -> Iterator[Shortcoming]:
    for result in taken:
        if not result.is_ok:
            where = f"{result.step.number} (line {result.step.line})"
            yield Shortcoming(kind="step", where=where, text=text("plain", text=result.error))
    left = len(stage.case.steps) - len(taken)
    if left:
        yield Shortcoming(kind="step", where=f"{len(taken) + 1}…", text=text("judge.not_taken", count=left))


def _clocks(expected: tuple[ExpectedClock, ...], clocks: tuple[ClockRow, ...]) -> Iterator[Shortcoming]:
    for clock in clocks:
        where = f"{clock.key} {clock.facility}".strip()
        if not clock.source.en or clock.confidence not in _CONFIDENCES:
            yield Shortcoming(kind="clock", where=where, text=text("judge.clock_source"))
    for wanted in expected:
        where = f"{wanted.key} {wanted.facility}".strip()
        found = [clock for clock in clocks if (clock.key, clock.facility) == (wanted.key, wanted.facility)]
        if not found:
            yield Shortcoming(kind="clock", where=where, text=text("judge.clock_missing"))
        for clock in found:
            elapsed_s = wanted.elapsed.total_seconds()
            if (clock.elapsed_s, clock.status) != (elapsed_s, wanted.status):
                yield Shortcoming(
                    kind="clock",
                    where=where,
                    text=text(
                        "judge.clock_differs",
                        found=f"{clock.elapsed_s} s {clock.status}",
                        wanted=f"{elapsed_s:.0f} s {wanted.status}",
                    ),
                )


def _alert(stage: Stage, expected: ExpectedAlert, alerts: tuple[AlertRow, ...]) -> Iterator[Shortcoming]:
    where = f"{expected.rule} {expected.facility}"
    try:
        subject = stage.fill(expected.subject)
    except StepFailed as error:
        yield Shortcoming(kind="alert", where=where, text=text("plain", text=str(error)))
        return
    found = [
        alert
        for alert in alerts
        if (alert.rule, alert.facility, alert.subject) == (expected.rule, expected.facility, subject)
    ]
    if len(found) != 1:
        yield Shortcoming(kind="alert", where=where, text=text("judge.alert_count", count=len(found)))
        return
    (alert,) = found
    if alert.state != expected.state:
        yield Shortcoming(
            kind="alert",
            where=where,
            text=text("judge.alert_state", found=alert.state, wanted=expected.state),
        )
    if expected.acknowledged_by and alert.acknowledged_by != expected.acknowledged_by:
        yield Shortcoming(
            kind="alert",
            where=where,
            text=text(
                "judge.alert_person", found=alert.acknowledged_by or "–", wanted=expected.acknowledged_by
            ),
        )
    within = expected.within
    if within is not None and (alert.response_s is None or alert.response_s > within.total_seconds()):
        yield Shortcoming(
            kind="alert",
            where=where,
            text=text("judge.alert_late", found=alert.response_s, wanted=format_offset(within)),
        )


def _duplicates(alerts: tuple[AlertRow, ...]) -> Iterator[Shortcoming]:
    """Nobody is alerted twice of one thing."""
    counted = Counter((alert.rule, alert.facility, alert.subject) for alert in alerts)
    for (rule, facility, _), count in counted.items():
        if count > 1:
            yield Shortcoming(
                kind="alert", where=f"{rule} {facility}", text=text("judge.alert_count", count=count)
            )


def _stream(watch: AlertWatch) -> Iterator[Shortcoming]:
    for message in watch.repeated:
        yield Shortcoming(
            kind="stream", where=watch.actor.user, text=text("judge.stream_repeats", message=message)
        )


def _audit(audit: AuditVerdict | None) -> Iterator[Shortcoming]:
    if audit is None:
        return
    for verification in (*audit.services, audit.local):
        for finding in verification.findings:
            yield Shortcoming(
                kind="audit",
                where=f"{finding.found_by} {finding.aggregate}@{finding.version}",
                text=text("plain", text=f"{finding.code}: {finding.description}"),
            )
