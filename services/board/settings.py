"""Settings of the board, parsed once."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.shared.rpc.channels import Addresses


class BoardSettings(BaseSettings):
    """`TIERLINK_BOARD_…`, and where the services are."""

    model_config = SettingsConfigDict(
        env_prefix="TIERLINK_BOARD_",
        env_file=".env",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(7100, description="HTTP port; 0 draws a free one", ge=0)
    https: bool = Field(
        False, description="browsers reach it by https: cookies are sent over nothing else, and HSTS is told"
    )
    session_s: int = Field(
        12 * 3600, description="seconds until a browser must sign in again; a token's end comes first", ge=60
    )
    session_key: Path | None = Field(
        None,
        description="file with 32 bytes in base64 that cookies are sealed with, the same for all boards; "
        "without it everybody signs in anew after a restart",
    )
    streams_max: int = Field(
        2_000,
        description="pages open at once, each with one live stream; more are refused",
        ge=1,
    )
    signing_key: Path | None = Field(
        None,
        description="PEM file; opens answer links. Its public half is in the key set, limited to the role"
        " board and 120 s (docs/channels.md)",
    )
    answers_per_minute: int = Field(
        30, description="tries of answer links a minute that one address has", ge=1
    )
    heartbeat_s: float = Field(
        2.0, description="seconds between two signs of life; a page without three of them sounds", gt=0
    )
    door_minutes: int = Field(
        60,
        description="minutes that a destination takes from its door to the treatment, while fewer than 5 "
        "patients of the last 90 days give a median",
        ge=0,
    )
    jwks: str = Field(
        "",
        validation_alias="TIERLINK_JWKS",
        description="JWKS with the keys of the callers' tokens: a file's path or an https URL",
    )
    token_audience: str = Field(
        "", validation_alias="TIERLINK_TOKEN_AUDIENCE", description="audience that tokens must carry"
    )
    tracing_endpoint: str = Field(
        "",
        validation_alias="TIERLINK_TRACING_ENDPOINT",
        description="OTLP collector; empty records no traces",
    )
    tracing_ratio: float = Field(
        0.1,
        validation_alias="TIERLINK_TRACING_RATIO",
        description="share of the traces beginning here that is recorded",
        ge=0,
        le=1,
    )
    log_level: str = Field(
        "INFO", validation_alias="TIERLINK_LOG_LEVEL", description="DEBUG, INFO, WARNING or ERROR"
    )
    referral_address: str = Field(
        "127.0.0.1:7101",
        validation_alias="TIERLINK_REFERRAL_ADDRESS",
        description="the referral service's gRPC",
    )
    bed_address: str = Field(
        "127.0.0.1:7102", validation_alias="TIERLINK_BED_ADDRESS", description="the bed service's gRPC"
    )
    notification_address: str = Field(
        "127.0.0.1:7103",
        validation_alias="TIERLINK_NOTIFICATION_ADDRESS",
        description="the notification service's gRPC",
    )
    tls_ca: Path | None = Field(None, validation_alias="TIERLINK_CLIENT_TLS_CA", description="PEM file")
    tls_certificate: Path | None = Field(
        None, validation_alias="TIERLINK_CLIENT_TLS_CERTIFICATE", description="PEM file"
    )
    tls_key: Path | None = Field(None, validation_alias="TIERLINK_CLIENT_TLS_KEY", description="PEM file")

    def addresses(self) -> Addresses:
        return Addresses(
            referral=self.referral_address,
            bed=self.bed_address,
            notification=self.notification_address,
            tls_ca=self.tls_ca,
            tls_certificate=self.tls_certificate,
            tls_key=self.tls_key,
        )
