"""A schedule comes from its seed, hurts nothing twice at once, and leaves nothing hurt at the end."""

from collections import Counter
from itertools import groupby, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.schedule import INSTANCES, FaultKind, draw_schedule

SEEDS = st.integers(min_value=0, max_value=2**32)


@given(seed=SEEDS, lasts_s=st.floats(min_value=5, max_value=120))
@settings(deadline=None, max_examples=60)
def test_a_schedule_is_drawn_again_and_ends_in_time(seed: int, lasts_s: float) -> None:
    schedule = draw_schedule(seed, lasts_s=lasts_s)
    assert schedule == draw_schedule(seed, lasts_s=lasts_s)
    assert [fault.at_s for fault in schedule] == sorted(fault.at_s for fault in schedule)
    assert all(fault.at_s + fault.lasts_s <= lasts_s + 0.01 for fault in schedule)


@given(seed=SEEDS)
@settings(deadline=None, max_examples=60)
def test_nothing_is_hurt_while_it_is_hurt(seed: int) -> None:
    by_target = sorted(draw_schedule(seed, lasts_s=60.0), key=lambda fault: (fault.target, fault.at_s))
    for _, group in groupby(by_target, key=lambda fault: fault.target):
        faults = list(group)
        for one, two in pairwise(faults):
            assert two.at_s >= one.at_s + one.lasts_s


def test_another_seed_draws_other_faults_and_all_kinds_come() -> None:
    schedules = [draw_schedule(seed, lasts_s=60.0) for seed in range(20)]
    assert len({tuple(each) for each in schedules}) == 20
    kinds = Counter(fault.kind for schedule in schedules for fault in schedule)
    assert set(kinds) == set(FaultKind)
    targets = {fault.target for schedule in schedules for fault in schedule}
    assert targets >= {*INSTANCES, "kafka", "postgres"}
