"""Where Kafka is and how to speak to it."""

from dataclasses import dataclass
from ssl import SSLContext
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class KafkaAddress:
    """One Kafka cluster."""

    #: `host:port`, several with commas between
    bootstrap: str
    #: for TLS; None speaks plain text
    ssl_context: SSLContext | None = None

    def client_options(self, client_id: str) -> dict[str, Any]:
        """What every client of aiokafka is given."""
        options: dict[str, Any] = {"bootstrap_servers": self.bootstrap, "client_id": client_id}
        if self.ssl_context is not None:
            options |= {"security_protocol": "SSL", "ssl_context": self.ssl_context}
        return options
