"""Settings of the notification service, parsed once."""

from pathlib import Path

from pydantic import Field

from services.shared.lifecycle.settings import ServiceSettings


class NotificationSettings(ServiceSettings):
    """`TIERLINK_NOTIFICATION_…` beside what every service has."""

    dsn: str = Field(
        "postgresql://127.0.0.1:5432/tierlink_notification",
        validation_alias="TIERLINK_NOTIFICATION_DSN",
        description="database of the notification service",
    )
    host: str = Field(
        "127.0.0.1", validation_alias="TIERLINK_NOTIFICATION_HOST", description="address to listen on"
    )
    port: int = Field(
        7103, validation_alias="TIERLINK_NOTIFICATION_PORT", description="gRPC port; 0 draws a free one", ge=0
    )
    operations_port: int | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_OPERATIONS_PORT",
        description="HTTP port of /metrics, /livez and /readyz; 0 draws a free one, empty is off",
    )
    boards: Path | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_BOARDS",
        description="YAML file with the site's own terms for boards and drills, instead of the product's",
    )
    rules: Path | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_RULES",
        description="YAML file with the site's own alert rules, instead of the product's",
    )
    contact_keys: Path | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_CONTACT_KEYS",
        description="file with the keys that contact points are encrypted with, the first for new ones:"
        " an id and 32 bytes in base64 a line; without it none are kept",
    )
    site_rules: Path | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_SITE_RULES",
        description="YAML file with what the site changes in the alert rules: keys, rules, policies",
    )
    channels: Path | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_CHANNELS",
        description="YAML file with the channels that messages go by (docs/channels.md); empty sends none",
    )
    answer_url: str = Field(
        "",
        validation_alias="TIERLINK_NOTIFICATION_ANSWER_URL",
        description="address of the board's answer page, such as https://board.example/answer; with the key"
        " of the links, messages carry one",
    )
    answer_key: Path | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_ANSWER_KEY",
        description="file with 32 bytes in base64 that the codes of answer links are made with",
    )
    answer_signing_key: Path | None = Field(
        None,
        validation_alias="TIERLINK_NOTIFICATION_ANSWER_SIGNING_KEY",
        description="PEM file; lets links accept and decline. Its public half is in the key set, limited to"
        " clinicians and 120 s (docs/channels.md)",
    )
    answer_link_s: float = Field(
        1800.0,
        validation_alias="TIERLINK_NOTIFICATION_ANSWER_LINK_S",
        description="seconds that an answer link is in force",
        gt=0,
    )
    deliveries_retention_months: int = Field(
        36,
        validation_alias="TIERLINK_NOTIFICATION_DELIVERIES_RETENTION_MONTHS",
        description="months that messages, their tries and their answer links are kept; 6 is the legal"
        " minimum of network logs. Who was called and who answered stays in the alerts' events",
        ge=6,
        le=1200,
    )
    silent_failures: int = Field(
        5,
        validation_alias="TIERLINK_NOTIFICATION_SILENT_FAILURES",
        description="failures in a row after which a channel counts as silent and an alarm is raised",
        ge=1,
    )
    silent_after_s: float = Field(
        300.0,
        validation_alias="TIERLINK_NOTIFICATION_SILENT_AFTER_S",
        description="seconds without a success, while messages wait, after which a channel counts as silent",
        gt=0,
    )
