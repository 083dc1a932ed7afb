"""Where Kafka is and how to speak to it."""

from dataclasses import dataclass, field
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any

#: The only mechanism that never sends the password itself.
SASL_MECHANISM = "SCRAM-SHA-512"


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaAddress:
    """One Kafka cluster."""

    #: `host:port`, several with commas between
    bootstrap: str
    #: for TLS; None speaks plain text
    ssl_context: SSLContext | None = None
    #: for SASL; empty for none
    user: str = ""
    password: str = field(default="", repr=False)

    def client_options(self, client_id: str) -> dict[str, Any]:
        """What every client of aiokafka is given."""
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "client_id": client_id}
        protocol = "PLAINTEXT" if self.ssl_context is None else "SSL"
        if self.ssl_context is not None:
            options["ssl_context"] = self.ssl_context
        if self.user:
            protocol = f"SASL_{protocol}"
            options |= {
                "sasl_mechanism": SASL_MECHANISM,
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return options | {"security_protocol": protocol}


def tls_context(ca: Path | None, certificate: Path | None, key: Path | None) -> SSLContext:
    """For TLS with the given authority, else the system's; with a certificate of our own for mutual TLS.

    Raises OSError when a file cannot be read, ssl.SSLError when it is not what it should be.
    """
    context = create_default_context(cafile=None if ca is None else str(ca))
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
