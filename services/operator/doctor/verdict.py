"""What can be found, how bad it is, and one line of the doctor's report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is."""

    GREEN = "GREEN"
    #: to be looked at; nobody's care waits for it yet
    YELLOW = "YELLOW"
    #: something does not work, or data is in danger
    RED = "RED"


class Finding(StrEnum):
    """What was found; its words stand in the catalogue under `doctor.…`, what to do under `doctor.….do`."""

    KAFKA_REACHED = "kafka_reached"
    KAFKA_UNREACHABLE = "kafka_unreachable"
    KAFKA_PASSWORD = "kafka_password"
    KAFKA_CERTIFICATE_EXPIRED = "kafka_certificate_expired"
    KAFKA_CERTIFICATE_UNTRUSTED = "kafka_certificate_untrusted"
    KAFKA_OUR_CERTIFICATE = "kafka_our_certificate"
    BROKERS_FEW = "brokers_few"
    TOPIC_GOOD = "topic_good"
    TOPIC_MISSING = "topic_missing"
    TOPIC_PARTITIONS = "topic_partitions"
    TOPIC_CLEANUP = "topic_cleanup"
    TOPIC_RETENTION = "topic_retention"
    TOPIC_MESSAGE_BYTES = "topic_message_bytes"
    TOPIC_REPLICAS = "topic_replicas"
    TOPIC_MIN_ISR = "topic_min_isr"
    TOPIC_BEHIND = "topic_behind"
    TOPIC_UNAVAILABLE = "topic_unavailable"
    GROUP_GOOD = "group_good"
    GROUP_EMPTY = "group_empty"
    GROUP_LATE = "group_late"
    GROUP_STUCK = "group_stuck"
    SERVICE_READY = "service_ready"
    SERVICE_UNREACHABLE = "service_unreachable"
    SERVICE_NOT_ALIVE = "service_not_alive"
    SERVICE_NOT_READY = "service_not_ready"
    STATUS_REFUSED = "status_refused"
    STATUS_UNAVAILABLE = "status_unavailable"
    ANOTHER_SERVICE = "another_service"
    SCHEMA_GOOD = "schema_good"
    SCHEMA_BEHIND = "schema_behind"
    SCHEMA_AHEAD = "schema_ahead"
    CLOCK_GOOD = "clock_good"
    CLOCK_OFF = "clock_off"
    CLOCK_WRONG = "clock_wrong"
    DATABASE_CLOCK_GOOD = "database_clock_good"
    DATABASE_CLOCK_OFF = "database_clock_off"
    DATABASE_CLOCK_WRONG = "database_clock_wrong"
    OUTBOX_GOOD = "outbox_good"
    OUTBOX_LATE = "outbox_late"
    OUTBOX_STUCK = "outbox_stuck"
    RELAYS_GOOD = "relays_good"
    SHARDS_UNHELD = "shards_unheld"
    PARKED_NONE = "parked_none"
    PARKED = "parked"
    LETTERS_NONE = "letters_none"
    LETTERS = "letters"
    DEADLINES_GOOD = "deadlines_good"
    DEADLINES_LATE = "deadlines_late"
    DEADLINES_STUCK = "deadlines_stuck"
    CERTIFICATE_NONE = "certificate_none"
    CERTIFICATE_GOOD = "certificate_good"
    CERTIFICATE_ENDS = "certificate_ends"
    CERTIFICATE_SOON = "certificate_soon"
    CERTIFICATE_EXPIRED = "certificate_expired"
    VERSIONS_SAME = "versions_same"
    VERSIONS_DIFFER = "versions_differ"


_GREEN = frozenset(
    {
        Finding.KAFKA_REACHED,
        Finding.TOPIC_GOOD,
        Finding.GROUP_GOOD,
        Finding.SERVICE_READY,
        Finding.SCHEMA_GOOD,
        Finding.CLOCK_GOOD,
        Finding.DATABASE_CLOCK_GOOD,
        Finding.OUTBOX_GOOD,
        Finding.RELAYS_GOOD,
        Finding.PARKED_NONE,
        Finding.LETTERS_NONE,
        Finding.DEADLINES_GOOD,
        Finding.CERTIFICATE_NONE,
        Finding.CERTIFICATE_GOOD,
        Finding.VERSIONS_SAME,
    }
)
_YELLOW = frozenset(
    {
        Finding.BROKERS_FEW,
        Finding.TOPIC_MESSAGE_BYTES,
        Finding.TOPIC_REPLICAS,
        Finding.TOPIC_MIN_ISR,
        Finding.TOPIC_BEHIND,
        Finding.GROUP_LATE,
        Finding.SCHEMA_AHEAD,
        Finding.CLOCK_OFF,
        Finding.DATABASE_CLOCK_OFF,
        Finding.OUTBOX_LATE,
        Finding.DEADLINES_LATE,
        Finding.CERTIFICATE_ENDS,
        Finding.VERSIONS_DIFFER,
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One thing that was looked at."""

    #: `kafka`, `services`, or a service's name
    area: str
    #: such as a topic's name; empty when the area says it all
    subject: str = ""
    finding: Finding
    #: put into the words of the finding
    values: Mapping[str, str | int | float] = field(default_factory=dict)

    @property
    def level(self) -> Level:
        if self.finding in _GREEN:
            return Level.GREEN
        return Level.YELLOW if self.finding in _YELLOW else Level.RED


def worst(lines: Sequence[Line]) -> Level:
    """The worst level among the lines; green without any."""
    levels = {line.level for line in lines}
    return next((level for level in (Level.RED, Level.YELLOW) if level in levels), Level.GREEN)
