"""What the environment gives, so that it is not started here."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.shared.rpc.channels import SERVICES, Addresses

KAFKA_VARIABLE: Final = "TIERLINK_KAFKA_BOOTSTRAP"


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """Kafka and databases that are there already; None where one is to be started."""

    kafka_bootstrap: str | None
    #: by service
    dsns: Mapping[str, str | None]

    @property
    def needs_postgres(self) -> bool:
        return any(dsn is None for dsn in self.dsns.values())

    @property
    def needs_kafka(self) -> bool:
        return self.kafka_bootstrap is None


def given_servers(environment: Mapping[str, str]) -> Given:
    """What TIERLINK_KAFKA_BOOTSTRAP and TIERLINK_…_DSN say; empty is as good as missing."""
    return Given(
        kafka_bootstrap=environment.get(KAFKA_VARIABLE) or None,
        dsns={service: environment.get(variable(service, "DSN")) or None for service in SERVICES},
    )


def given_addresses(environment: Mapping[str, str]) -> Addresses | None:
    """The services' own addresses, when the environment has all three of them."""
    found = {service: environment.get(variable(service, "ADDRESS"), "") for service in SERVICES}
    if not all(found.values()):
        return None
    pem = {
        field: Path(value) if (value := environment.get(f"TIERLINK_CLIENT_{field.upper()}", "")) else None
        for field in ("tls_ca", "tls_certificate", "tls_key")
    }
    return Addresses(
        referral=found["referral"],
        bed=found["bed"],
        notification=found["notification"],
        tls_ca=pem["tls_ca"],
        tls_certificate=pem["tls_certificate"],
        tls_key=pem["tls_key"],
    )


def variable(service: str, what: str) -> str:
    """The name of a service's variable, such as TIERLINK_BED_DSN."""
    return f"TIERLINK_{service.upper()}_{what}"
