"""What is to be said of a service: from its answers to lines, without asking anybody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from services.operator.doctor.certificate_lines import OWN_CERTIFICATE, certificate_line
from services.operator.doctor.verdict import Finding, Line
from tierlink.operations.v1 import status_service_pb2 as pb

#: A message leaves within a tenth of a second; the alert rule begins at the first of these too.
_OUTBOX_LATE_S, _OUTBOX_STUCK_S = 10.0, 60.0
#: A due deadline is taken in hand within a second; the shortest limits of escalation are a minute.
_DEADLINE_LATE_S, _DEADLINE_STUCK_S = 5.0, 30.0
#: Timelines of several services are read beside each other to the second.
_CLOCK_OFF_S, _CLOCK_WRONG_S = 1.0, 5.0

#: (good, off, wrong)
_CLOCK = (Finding.CLOCK_GOOD, Finding.CLOCK_OFF, Finding.CLOCK_WRONG)
_DATABASE_CLOCK = (
    Finding.DATABASE_CLOCK_GOOD,
    Finding.DATABASE_CLOCK_OFF,
    Finding.DATABASE_CLOCK_WRONG,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ServiceAnswer:
    """What one service answered."""

    service: str
    address: str
    #: what the health service says, such as SERVING; empty when it could not be asked
    liveness: str
    readiness: str
    #: None when it was not told
    status: pb.GetStatusResponse | None
    #: why it was not told
    failure: str = ""
    #: it was not told because of who asked
    is_refused: bool = False
    #: around the question for the status, by this machine's clock
    asked_at: datetime
    answered_at: datetime

    @property
    def is_reached(self) -> bool:
        return bool(self.liveness) or self.status is not None or self.is_refused


def service_lines(answer: ServiceAnswer) -> Iterator[Line]:
    """The verdicts on one service."""
    name = answer.service
    if not answer.is_reached:
        yield Line(
            area=name,
            finding=Finding.SERVICE_UNREACHABLE,
            values={"address": answer.address, "failure": answer.failure},
        )
        return
    if answer.liveness != "SERVING":
        yield Line(area=name, finding=Finding.SERVICE_NOT_ALIVE, values={"address": answer.address})
    elif answer.readiness != "SERVING":
        yield Line(area=name, finding=Finding.SERVICE_NOT_READY, values={"address": answer.address})
    else:
        yield Line(area=name, finding=Finding.SERVICE_READY, values={"address": answer.address})
    status = answer.status
    if status is None:
        finding = Finding.STATUS_REFUSED if answer.is_refused else Finding.STATUS_UNAVAILABLE
        yield Line(area=name, finding=finding, values={"failure": answer.failure})
        return
    if status.service != name:
        yield Line(area=name, finding=Finding.ANOTHER_SERVICE, values={"found": status.service})
    yield _schema(name, status)
    ahead_s = _ahead_s(status.server_time.ToDatetime(UTC), answer.asked_at, answer.answered_at)
    yield _clock(name, ahead_s, _CLOCK)
    yield _clock(name, status.database_ahead_ms / 1000, _DATABASE_CLOCK)
    yield from _work(name, status)
    yield from _certificates(name, status, answer.answered_at)


def version_line(answers: Sequence[ServiceAnswer]) -> Line | None:
    """Whether all services that answered are of one version; None when none did."""
    versions = {
        answer.service: answer.status.product_version for answer in answers if answer.status is not None
    }
    if not versions:
        return None
    if len(set(versions.values())) == 1:
        only = next(iter(versions.values()))
        return Line(area="services", finding=Finding.VERSIONS_SAME, values={"version": only})
    found = ", ".join(f"{service} {version}" for service, version in versions.items())
    return Line(area="services", finding=Finding.VERSIONS_DIFFER, values={"versions": found})


def _schema(name: str, status: pb.GetStatusResponse) -> Line:
    found = status.migrations
    if found.missing:
        finding = Finding.SCHEMA_BEHIND
    elif found.unknown:
        finding = Finding.SCHEMA_AHEAD
    else:
        finding = Finding.SCHEMA_GOOD
    values: dict[str, str | int | float] = {
        "applied": found.applied_count,
        "missing": ", ".join(found.missing),
        "unknown": ", ".join(found.unknown),
    }
    return Line(area=name, finding=finding, values=values)


def _ahead_s(theirs: datetime, asked_at: datetime, answered_at: datetime) -> float:
    """How far their clock is ahead at least: they answered somewhere between question and answer."""
    if theirs > answered_at:
        return (theirs - answered_at).total_seconds()
    return min(0.0, (theirs - asked_at).total_seconds())


def _clock(name: str, ahead_s: float, findings: tuple[Finding, Finding, Finding]) -> Line:
    good, off, wrong = findings
    return Line(
        area=name,
        finding=_graded(abs(ahead_s), _CLOCK_OFF_S, _CLOCK_WRONG_S, (good, off, wrong)),
        values={"seconds": f"{ahead_s:+.3f}"},
    )


def _graded(value: float, off: float, wrong: float, findings: tuple[Finding, Finding, Finding]) -> Finding:
    if value <= off:
        return findings[0]
    return findings[1] if value <= wrong else findings[2]


def _work(name: str, status: pb.GetStatusResponse) -> Iterator[Line]:
    now = status.database_time.ToDatetime(UTC)
    outbox_s = _age_s(status.outbox, now)
    yield Line(
        area=name,
        finding=_graded(
            outbox_s,
            _OUTBOX_LATE_S,
            _OUTBOX_STUCK_S,
            (Finding.OUTBOX_GOOD, Finding.OUTBOX_LATE, Finding.OUTBOX_STUCK),
        ),
        values={"count": status.outbox.messages_count, "seconds": round(outbox_s)},
    )
    relays = status.relays
    yield Line(
        area=name,
        finding=Finding.SHARDS_UNHELD if relays.unheld_shards else Finding.RELAYS_GOOD,
        values={
            "relays": relays.live_count,
            "shards": relays.shards_count,
            "unheld": len(relays.unheld_shards),
        },
    )
    parked, letters, overdue = status.parked_aggregates, status.dead_letters, status.overdue_deadlines
    yield Line(
        area=name,
        finding=Finding.PARKED if parked.count else Finding.PARKED_NONE,
        values={"count": parked.count, "seconds": round(_age_s(parked, now))},
    )
    yield Line(
        area=name,
        finding=Finding.LETTERS if letters.count else Finding.LETTERS_NONE,
        values={"count": letters.count, "seconds": round(_age_s(letters, now)), "service": name},
    )
    overdue_s = _age_s(overdue, now)
    yield Line(
        area=name,
        finding=_graded(
            overdue_s,
            _DEADLINE_LATE_S,
            _DEADLINE_STUCK_S,
            (Finding.DEADLINES_GOOD, Finding.DEADLINES_LATE, Finding.DEADLINES_STUCK),
        ),
        values={"count": overdue.count, "seconds": round(overdue_s)},
    )


def _certificates(name: str, status: pb.GetStatusResponse, now: datetime) -> Iterator[Line]:
    if status.HasField("certificate_valid_until"):
        yield certificate_line(name, status.certificate_valid_until.ToDatetime(UTC), now)
    else:
        yield Line(area=name, finding=Finding.CERTIFICATE_NONE)
    if status.HasField("kafka_certificate_valid_until"):
        until = status.kafka_certificate_valid_until.ToDatetime(UTC)
        yield certificate_line(name, until, now, subject=OWN_CERTIFICATE)


def _age_s(waiting: pb.Outbox | pb.Waiting, now: datetime) -> float:
    if not waiting.HasField("oldest_at"):
        return 0.0
    return max(0.0, (now - waiting.oldest_at.ToDatetime(UTC)).total_seconds())
