"""A short run on real processes; `make faults` has the long ones.

`TIERLINK_TEST_FAULTS_SEED` draws another one.
"""

import os

import pytest

from tests.faults.run import Plan, run
from tests.faults.schedule import KAFKA, Fault, FaultKind, draw_schedule
from tests.faults.wire import Place

SEED = int(os.environ.get("TIERLINK_TEST_FAULTS_SEED", "7"))
LASTS_S = 12.0

pytestmark = pytest.mark.timeout(480)

#: What every seed is to survive, whatever else it draws.
_ALWAYS = (
    Fault(
        at_s=1.0,
        kind=FaultKind.DEATH,
        target="referral-1",
        lasts_s=10.0,
        detail=Place.AFTER_COMMIT,
        count=2,
    ),
    Fault(at_s=3.0, kind=FaultKind.KILL, target="notification-1"),
    Fault(
        at_s=2.0, kind=FaultKind.RESET, target="referral-2", lasts_s=9.0, detail=Place.AFTER_COMMIT, count=1
    ),
    Fault(at_s=5.0, kind=FaultKind.FREEZE, target="bed-1", lasts_s=6.0),
    Fault(at_s=6.0, kind=FaultKind.DUPLICATE, target=KAFKA),
    Fault(at_s=2.0, kind=FaultKind.OUT_OF_ORDER, target="referral", lasts_s=9.0),
)
#: Where a machine is so slow that a process does not come to the place of its fault in time.
_RUNS_MAX = 2


#: They need what not every machine has, or a minute of patience.
_FOR_LONG_RUNS = {FaultKind.CLOCK_JUMP, FaultKind.DISK_FULL, FaultKind.HALF_OPEN}


async def test_nothing_is_lost_doubled_or_out_of_order(capsys: pytest.CaptureFixture[str]) -> None:
    drawn = tuple(
        fault
        for fault in draw_schedule(SEED, lasts_s=LASTS_S)
        if fault.target not in {each.target for each in _ALWAYS} and fault.kind not in _FOR_LONG_RUNS
    )
    schedule = tuple(sorted((*_ALWAYS, *drawn), key=lambda fault: fault.at_s))
    for _ in range(_RUNS_MAX):
        verdict = await run(Plan(seed=SEED, lasts_s=LASTS_S, clients=8, schedule=schedule))
        counts = verdict.counts()
        with capsys.disabled():
            print(f"\nfaults, seed {SEED}: {counts}")
        assert verdict.findings == {}, "\n".join(verdict.logged_errors)
        assert counts["restarts"] >= 1
        assert counts["acknowledged"] >= 20
        assert counts["receipts"] >= 1
        acted = {(fault.kind, fault.target) for fault in verdict.history.faults if fault.seen}
        spared = {(each.kind, each.target) for each in _ALWAYS} - acted
        if not spared:
            return
    pytest.fail(f"it proves nothing of {spared}, which came to nothing")
