"""The time of day, for what happens outside a command."""

from datetime import datetime

from services.shared.clocks.day_clock import DAY_CLOCK


def now() -> datetime:
    """UTC."""
    return DAY_CLOCK.now()
