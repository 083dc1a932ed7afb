"""How long, how often, how many at once, and how it is told what happens meanwhile."""

from collections.abc import Callable
from dataclasses import dataclass, field


def _nobody(note: str) -> None:
    pass


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """The terms of one run; the same for ours and for every baseline."""

    #: one round
    seconds: float = 3.0
    #: rounds of each, in turns
    turns: int = 5
    #: callers at once
    concurrency: int = 32
    #: commands in one call, where they travel in batches, and callers that send such
    batch_items: int = 32
    batch_callers: int = 8
    #: of the referral service on one port, where several are measured beside one
    processes: int = 2
    #: draws every id that the bench makes up
    seed: int = 1
    #: records of one round of the relay
    records: int = 20_000
    #: of a hundred beds each, written before availability is timed
    facilities: int = 1_000
    #: commands a second while alerts are timed
    alert_rate: float = 50.0
    #: how long alerts are timed
    alert_seconds: float = 20.0
    #: referrals that are written before reading is timed
    referrals: int = 20_000
    #: as many referrals as are in the store, one after the other, while growth is measured
    growth: tuple[int, ...] = (10_000, 100_000)
    #: open alerts whose next call is due at once
    alerts: int = 10_000
    #: boards that one process serves while an alert's way to them is timed
    boards: int = 500
    #: of which each is timed until the last board shows it
    board_alerts: int = 10
    #: whose busiest hours are played at once
    provinces: float = 20.0
    #: in which courses begin; what began is played to its end
    province_seconds: float = 10.0
    note: Callable[[str], None] = field(default=_nobody)

    def round_timeout_s(self) -> float:
        """What a round may take before it is given up."""
        return self.seconds + 60.0
