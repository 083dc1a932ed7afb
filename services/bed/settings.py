"""Settings of the bed service, parsed once."""

from pydantic import Field

from services.bed.domain.waiting import LEASE_MAX
from services.shared.lifecycle.settings import ServiceSettings


class BedSettings(ServiceSettings):
    """`TIERLINK_BED_…` beside what every service has."""

    dsn: str = Field(
        "postgresql://127.0.0.1:5432/tierlink_bed",
        validation_alias="TIERLINK_BED_DSN",
        description="database of the bed service",
    )
    host: str = Field("127.0.0.1", validation_alias="TIERLINK_BED_HOST", description="address to listen on")
    port: int = Field(
        7102, validation_alias="TIERLINK_BED_PORT", description="gRPC port; 0 draws a free one", ge=0
    )
    operations_port: int | None = Field(
        None,
        validation_alias="TIERLINK_BED_OPERATIONS_PORT",
        description="HTTP port of /metrics, /livez and /readyz; 0 draws a free one, empty is off",
    )
    stale_after_s: float = Field(
        8 * 3600.0,
        validation_alias="TIERLINK_BED_STALE_AFTER_S",
        description="seconds after which a ward's confirmed counts are shown as stale",
        gt=0,
    )
    hold_max_s: float = Field(
        LEASE_MAX.total_seconds(),
        validation_alias="TIERLINK_BED_HOLD_MAX_S",
        description="seconds ahead that a bed may be held for by people, and waited for",
        gt=0,
    )
