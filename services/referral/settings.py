"""Settings of the referral service, parsed once."""

from pathlib import Path

from pydantic import Field

from services.shared.lifecycle.settings import ServiceSettings


class ReferralSettings(ServiceSettings):
    """`TIERLINK_REFERRAL_…` beside what every service has."""

    dsn: str = Field(
        "postgresql://127.0.0.1:5432/tierlink_referral",
        validation_alias="TIERLINK_REFERRAL_DSN",
        description="database of the referral service",
    )
    host: str = Field(
        "127.0.0.1", validation_alias="TIERLINK_REFERRAL_HOST", description="address to listen on"
    )
    port: int = Field(
        7101, validation_alias="TIERLINK_REFERRAL_PORT", description="gRPC port; 0 draws a free one", ge=0
    )
    operations_port: int | None = Field(
        None,
        validation_alias="TIERLINK_REFERRAL_OPERATIONS_PORT",
        description="HTTP port of /metrics, /livez and /readyz; 0 draws a free one, empty is off",
    )
    targets: Path | None = Field(
        None,
        validation_alias="TIERLINK_REFERRAL_TARGETS",
        description="YAML file with the site's own time targets, over the product's defaults",
    )
    views_retention_months: int = Field(
        36,
        validation_alias="TIERLINK_REFERRAL_VIEWS_RETENTION_MONTHS",
        description="months that the log of who looked at what is kept; 6 is the legal minimum",
        ge=6,
        le=1200,
    )
    identity_keys: Path | None = Field(
        None,
        validation_alias="TIERLINK_REFERRAL_IDENTITY_KEYS",
        description="file with the keys that patients' identities are encrypted with, the first for new ones:"
        " an id and 32 bytes in base64 a line; without it identities are neither recorded nor read",
    )
    recognition_rules: Path | None = Field(
        None,
        validation_alias="TIERLINK_REFERRAL_RECOGNITION_RULES",
        description="YAML file with the site's quality marks and how long results are recognised, over the"
        " product's defaults",
    )
    record_rules: Path | None = Field(
        None,
        validation_alias="TIERLINK_REFERRAL_RECORD_RULES",
        description="YAML file with what the site asks of a referral's record, over the product's defaults",
    )
    policy: Path | None = Field(
        None,
        validation_alias="TIERLINK_REFERRAL_POLICY",
        description="YAML file with the site's own time limits, crews, approval, over the product's defaults",
    )
