"""When a referral's next reminder is due."""

from datetime import timedelta

from services.referral.domain.referral import deadlines
from tests.unit.referral.referral.chart import Chart

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def due_in(chart: Chart, key: str) -> timedelta:
    (found,) = [each.due_at for each in deadlines(chart.referral) if each.key.startswith(f"{key}:")]
    return found - chart.now


def asked_after(chart: Chart, key: str) -> bool:
    return any(each.key.startswith(key) for each in deadlines(chart.referral))
