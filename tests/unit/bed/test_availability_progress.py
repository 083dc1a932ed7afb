"""What stands still while there is more to be done is found, and what is merely behind is not."""

from services.bed.domain.availability_progress import Standstills

A, B = ("events", 0), ("events", 1)


def test_what_stands_still_in_front_of_a_record_is_found_once_its_time_is_over() -> None:
    standstills: Standstills[tuple[str, int]] = Standstills(2.0)
    assert standstills.found({A: 48, B: 7}, {A: 49, B: 7}, 100.0) == {}
    assert standstills.found({A: 48, B: 7}, {A: 49, B: 7}, 101.9) == {}
    assert standstills.found({A: 48, B: 7}, {A: 49, B: 7}, 102.0) == {A: 48}


def test_later_records_that_are_done_do_not_hide_the_one_that_is_not() -> None:
    standstills: Standstills[tuple[str, int]] = Standstills(2.0)
    ends = iter([49, 55, 60])
    found = [standstills.found({A: 48}, {A: next(ends)}, now_s) for now_s in (0.0, 1.0, 2.0)]
    assert found == [{}, {}, {A: 48}]


def test_what_goes_on_is_behind_and_no_more() -> None:
    standstills: Standstills[tuple[str, int]] = Standstills(2.0)
    for step in range(10):
        assert standstills.found({A: step}, {A: 1000}, float(step * 2)) == {}


def test_one_that_was_found_is_given_its_time_again() -> None:
    standstills: Standstills[tuple[str, int]] = Standstills(2.0)
    found = [bool(standstills.found({A: 5}, {A: 6}, float(now_s))) for now_s in range(6)]
    assert found == [False, False, True, False, True, False]


def test_one_that_caught_up_meanwhile_begins_anew() -> None:
    standstills: Standstills[tuple[str, int]] = Standstills(2.0)
    standstills.found({A: 5}, {A: 6}, 0.0)
    standstills.found({A: 6}, {A: 6}, 1.0)
    assert standstills.found({A: 6}, {A: 7}, 2.0) == {}


def test_of_which_nothing_was_ever_done_counts_from_its_beginning() -> None:
    standstills: Standstills[tuple[str, int]] = Standstills(1.0)
    standstills.found({}, {A: 3}, 0.0)
    assert standstills.found({}, {A: 3}, 1.0) == {A: 0}
