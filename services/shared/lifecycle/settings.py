"""Settings that every service has. Each service's `settings.py` adds its own names."""

from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.shared.kafka.address import KafkaAddress, tls_context
from services.shared.rpc.server import RpcSettings


class Part(StrEnum):
    """What a process does; by default one process does all of it."""

    GRPC = "grpc"
    RELAY = "relay"
    CONSUMER = "consumer"
    DEADLINES = "deadlines"
    #: of the notification service alone: sends messages by the site's channels
    DELIVERIES = "deliveries"


class ServiceSettings(BaseSettings):
    """Read once from the environment (`TIERLINK_…`) or a `.env` file, then frozen."""

    model_config = SettingsConfigDict(
        env_prefix="TIERLINK_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    kafka_bootstrap: str = Field("127.0.0.1:9092", description="Kafka brokers, host:port, comma separated")
    kafka_tls: bool = Field(
        False, description="speak TLS to Kafka; implied by kafka_ca and kafka_certificate"
    )
    kafka_ca: Path | None = Field(
        None, description="PEM file: who signs Kafka's certificates; else the system's"
    )
    kafka_certificate: Path | None = Field(None, description="PEM file: our certificate, for mutual TLS")
    kafka_key: Path | None = Field(None, description="PEM file: its key")
    kafka_user: str = Field("", description="user for SASL SCRAM-SHA-512; empty for none")
    kafka_password: SecretStr = Field(SecretStr(""), description="password of that user")
    kafka_replicas: int = Field(
        1, description="copies of each topic that a service makes; three on a cluster", ge=1, le=9
    )
    jwks: str = Field(
        "", description="JWKS with the keys of the callers' tokens: a file's path or an https URL"
    )
    token_audience: str = Field("", description="audience that tokens must carry; empty accepts any")
    checkpoint_key: Path | None = Field(
        None, description="PEM file: Ed25519 key that checkpoints of the audit trail are signed with"
    )
    audit_processes: int = Field(
        2,
        description="processes that verify the audit trail at once, when an operator asks for it",
        ge=1,
        le=64,
    )
    parts: str = Field(
        "grpc,relay,consumer,deadlines,deliveries", description="what this process does, comma separated"
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    tracing_endpoint: str = Field(
        "",
        description="OTLP collector that spans go to by gRPC, such as http://collector:4317, or https:// for"
        " TLS; empty records none. Needs tierlink[tracing]",
    )
    tracing_ratio: float = Field(
        0.1,
        description="share of the traces beginning here that is recorded; a caller's traceparent decides for"
        " its own",
        ge=0,
        le=1,
    )
    tracing_callers_ratio: float = Field(
        1.0,
        description="share of the traces that callers ask to have recorded that is recorded; below the other"
        " share it is taken for that one",
        ge=0,
        le=1,
    )
    tls_certificate: Path | None = Field(None, description="PEM file; TLS when key and certificate are given")
    tls_key: Path | None = Field(None, description="PEM file")
    tls_client_ca: Path | None = Field(None, description="PEM file; mutual TLS when given")
    reuse_port: bool = Field(False, description="several processes share the gRPC port (SO_REUSEPORT)")
    drain_timeout_s: float = Field(
        20.0, description="seconds for calls in progress when a process stops", gt=0
    )
    calls_max: int = Field(512, description="calls under way at once; more are refused", ge=1)
    streams_max: int = Field(1000, description="watch streams open at once; more are refused", ge=1)
    database_connections_max: int = Field(8, description="connections of a process for reading", ge=1)

    def chosen_parts(self) -> frozenset[Part]:
        """Raises ValueError for a part that does not exist."""
        return frozenset(Part(name.strip()) for name in self.parts.split(",") if name.strip())

    def kafka(self) -> KafkaAddress:
        """Raises OSError or ssl.SSLError for files that cannot be used."""
        has_tls = self.kafka_tls or self.kafka_ca is not None or self.kafka_certificate is not None
        return KafkaAddress(
            bootstrap=self.kafka_bootstrap,
            ssl_context=tls_context(self.kafka_ca, self.kafka_certificate, self.kafka_key)
            if has_tls
            else None,
            user=self.kafka_user,
            password=self.kafka_password.get_secret_value(),
        )

    def rpc(self, host: str, port: int) -> RpcSettings:
        return RpcSettings(
            host=host,
            port=port,
            reuse_port=self.reuse_port,
            tls_certificate=self.tls_certificate,
            tls_key=self.tls_key,
            tls_client_ca=self.tls_client_ca,
            drain_timeout_s=self.drain_timeout_s,
        )
