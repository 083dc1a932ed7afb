"""An emergency that begins with the minimum of a record."""

from datetime import timedelta

from services.referral.domain.deadlines import deadlines
from tests.unit.referral.referral.chart import Chart
from tests.unit.referral.referral.stories import BARE, requested

LIMIT = timedelta(hours=6)


def bare() -> Chart:
    return requested(BARE)


def limited(chart: Chart) -> bool:
    """Whether its record's limit runs."""
    return any(deadline.key == "record" for deadline in deadlines(chart.referral))
