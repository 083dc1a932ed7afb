"""What is counted of an episode's clocks: one reading each, as means and shares over a period need it."""

from collections.abc import Iterable
from datetime import timedelta

from services.referral.domain.clocks import Clock, clocks
from services.referral.domain.clocks_targets import ClockTarget
from services.referral.domain.episode_state import Episode, facets

_MILLISECOND = timedelta(milliseconds=1)

Reading = dict[str, str | int | None]


def facets_with_readings(
    state: Episode, targets: Iterable[ClockTarget]
) -> dict[str, str | bool | list[str] | list[Reading]]:
    """What lists are filtered by, and what sums are made of."""
    return {**facets(state), "clocks": [_reading(clock) for clock in clocks(state, targets)]}


def _reading(clock: Clock) -> Reading:
    stopped_at = clock.stopped_at
    return {
        "key": clock.key,
        "facility": clock.measured_at,
        "started_by": clock.started_by,
        "started_at": clock.started_at.isoformat(),
        # Exact: a second too late is not met.
        "elapsed_ms": None if stopped_at is None else (stopped_at - clock.started_at) // _MILLISECOND,
        "excluded": "" if clock.exclusion is None else clock.exclusion.reason.code,
    }
