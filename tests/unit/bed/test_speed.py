"""A hold is decided and folded in far less time than it takes to write it."""

import timeit

from services.bed.domain import ward

from .scenario import NOW, context, described, fold, hold_bed, recorded

#: of one hold in a ward of 100 free beds; the usual figure is a third of it
HOLD_US_MAX = 150


def test_a_hold_in_a_ward_of_100_beds() -> None:
    before = fold(described(100))
    asked, given = hold_bed(sex="M", age_years=61), context()

    def hold() -> ward.Ward:
        (event,) = ward.decide(before, asked, given)
        return ward.evolve(before, recorded(event, 2, NOW))

    assert hold().counts.held == 1
    # The best of many short runs says what the code costs, whatever else the machine does.
    fastest_s = min(timeit.repeat(hold, number=20, repeat=50)) / 20
    assert fastest_s * 1e6 < HOLD_US_MAX
