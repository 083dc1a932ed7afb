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
