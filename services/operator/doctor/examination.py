"""The whole examination: everything is asked at once, and nothing is waited for longer than a bound."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiokafka.errors import KafkaError

from services.operator.doctor.certificate_lines import OWN_CERTIFICATE, certificate_line
from services.operator.doctor.expected import EXPECTED_GROUPS, GENERATIONS, expected_topics
from services.operator.doctor.kafka_lines import kafka_lines
from services.operator.doctor.kafka_reading import read_kafka
from services.operator.doctor.service_asking import ask_service
from services.operator.doctor.service_lines import service_lines, version_line
from services.operator.doctor.verdict import Finding, Line
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.knocking import Knock, Trouble, knock
from services.shared.operations.certificate import valid_until
from services.shared.rpc.channels import SERVICES, Addresses, open_channels

_KAFKA_S = 20.0
_REFUSED = {
    Trouble.PASSWORD: Finding.KAFKA_PASSWORD,
    Trouble.CERTIFICATE_EXPIRED: Finding.KAFKA_CERTIFICATE_EXPIRED,
    Trouble.CERTIFICATE_UNTRUSTED: Finding.KAFKA_CERTIFICATE_UNTRUSTED,
    Trouble.OUR_CERTIFICATE: Finding.KAFKA_OUR_CERTIFICATE,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found."""

    lines: tuple[Line, ...]
    #: neither Kafka nor any service answered
    is_unreachable: bool


async def examine(
    addresses: Addresses,
    kafka: KafkaAddress,
    token: str,
    *,
    replicas: int,
    own_certificate: Path | None = None,
) -> Report:
    """Looks at Kafka and at the three services. Raises OSError for a PEM file that cannot be read.

    `own_certificate` is what we show to Kafka, PEM.
    """
    async with open_channels(addresses) as channels:
        looking = asyncio.create_task(_kafka(kafka, replicas, own_certificate))
        answers = await asyncio.gather(*(ask_service(channels, addresses, name, token) for name in SERVICES))
        of_kafka = await looking
    lines = [*of_kafka]
    for answer in answers:
        lines += service_lines(answer)
    versions = version_line(answers)
    if versions is not None:
        lines.append(versions)
    nobody = not any(answer.is_reached for answer in answers)
    is_unreachable = nobody and of_kafka[0].finding is Finding.KAFKA_UNREACHABLE
    return Report(lines=tuple(lines), is_unreachable=is_unreachable)


async def _kafka(kafka: KafkaAddress, replicas: int, own_certificate: Path | None) -> list[Line]:
    expected = expected_topics(replicas)
    knocks = await knock(kafka)
    own = _ends({OWN_CERTIFICATE: valid_until(own_certificate)})
    try:
        async with asyncio.timeout(_KAFKA_S):
            names = [spec.name for spec in expected]
            seen = await read_kafka(kafka, names, EXPECTED_GROUPS, generations=GENERATIONS)
    except (KafkaError, OSError) as error:
        refused = [_refused(each) for each in knocks if each.trouble in _REFUSED]
        reason = str(error) or type(error).__name__
        values = {"address": kafka.bootstrap, "failure": reason}
        away = [Line(area="kafka", finding=Finding.KAFKA_UNREACHABLE, values=values)]
        return [*(refused or away), *own]
    # Others may let us in where one does not.
    lines = [
        *kafka_lines(seen, expected, replicas),
        *(_refused(each) for each in knocks if each.trouble in _REFUSED),
    ]
    return [*lines, *_ends({each.address: each.certificate_until for each in knocks}), *own]


def _ends(ends: Mapping[str, datetime | None]) -> list[Line]:
    """What is to be said of the ends of certificates, by whose they are."""
    now = datetime.now(UTC)
    return [
        certificate_line("kafka", until, now, subject=subject)
        for subject, until in ends.items()
        if until is not None
    ]


def _refused(found: Knock) -> Line:
    assert found.trouble is not None
    values = {"address": found.address, "failure": found.failure}
    return Line(area="kafka", finding=_REFUSED[found.trouble], values=values)
