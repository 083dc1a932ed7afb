"""The time of day, for what happens outside a command."""

from datetime import UTC, datetime


def now() -> datetime:
    """UTC."""
    return datetime.now(UTC)
