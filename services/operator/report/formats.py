"""Moments and spans as people read them."""

from datetime import datetime, timedelta, timezone


def local_time(moment: datetime, utc_offset_minutes: int, start: datetime) -> str:
    """Day of the case and time of day, such as `d1 02:05`: what matters in a case that ends now."""
    zone = timezone(timedelta(minutes=utc_offset_minutes))
    local, first = moment.astimezone(zone), start.astimezone(zone)
    day = (local.date() - first.date()).days + 1
    return f"d{day} {local:%H:%M}"


def span(seconds: float | None) -> str:
    """Such as `40 min`, `1 h 35 min`, `12 d 3 h`; – for none."""
    if seconds is None:
        return "–"
    minutes, rest_s = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest_s} s"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count) or "0 min"


def milliseconds(value: float | None) -> str:
    """Such as `12 ms`; – for none."""
    return "–" if value is None else f"{value:.0f} ms"
