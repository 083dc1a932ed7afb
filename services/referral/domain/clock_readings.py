"""What is counted of an episode's clocks: one reading each, as means and shares over a period need it;
and what is asked at its doors, as readings of the same shape."""

from collections.abc import Iterable
from datetime import timedelta

from services.referral.domain.clocks import Clock, clocks
from services.referral.domain.clocks_targets import ClockTarget, SourcedShare
from services.referral.domain.episode_state import Episode, facets
from services.referral.domain.share_readings import ShareReading, share_readings

_MILLISECOND = timedelta(milliseconds=1)

#: A share has no duration. Its reading says by this whether it was done, and nothing where that is not known.
_MET, _NOT_MET = 0, 1

Reading = dict[str, str | int | None]


def facets_with_readings(
    state: Episode, targets: Iterable[ClockTarget], shares: Iterable[SourcedShare] = ()
) -> dict[str, str | bool | list[str] | list[Reading]]:
    """What lists are filtered by, and what sums are made of."""
    return {
        **facets(state),
        "clocks": [
            *(_reading(clock) for clock in clocks(state, targets)),
            *(_share_reading(share) for share in share_readings(state, shares)),
        ],
    }


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


def _share_reading(share: ShareReading) -> Reading:
    return {
        "key": share.key,
        "facility": share.facility,
        "started_by": share.door,
        "started_at": share.arrived_at.isoformat(),
        "elapsed_ms": None if share.met is None else _MET if share.met else _NOT_MET,
        "excluded": "",
    }
