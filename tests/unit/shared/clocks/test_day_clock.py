"""The time of day of a process goes on when the system's jumps, and follows the database's."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.shared.clocks.day_clock import DAY_CLOCK, DayClock
from services.shared.commands.system_context import deadline_context
from services.shared.deadlines.worker import DueDeadline
from services.shared.kernel.actor import system_actor

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class Machine:
    """Its time of day can be set; what counts from its start cannot."""

    def __init__(self) -> None:
        self.set_off_s = NOON.timestamp()
        self.steady_s = 1000.0

    def clock(self) -> DayClock:
        return DayClock(
            system_s=lambda: self.set_off_s + self.steady_s - 1000.0, steady=lambda: self.steady_s
        )


@pytest.mark.parametrize("jump_s", [300, -300, 7200, -7200])
def test_a_jump_of_the_system_s_clock_is_not_seen(jump_s: int) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.steady_s += 10
    machine.set_off_s += jump_s
    assert clock.now() == NOON + timedelta(seconds=10)
    assert clock.seconds() == (NOON + timedelta(seconds=10)).timestamp()


def test_a_process_that_was_started_with_a_wrong_clock_follows_the_database() -> None:
    machine = Machine()
    machine.set_off_s -= 7200
    clock = machine.clock()
    asked_s = clock.asked_at()
    machine.steady_s += 0.010
    assert clock.agree(NOON + timedelta(seconds=0.004), asked_s) == pytest.approx(7200, abs=0.011)
    assert abs(clock.now() - (NOON + timedelta(seconds=0.010))) <= timedelta(seconds=0.010)


def test_a_clock_that_agrees_within_the_time_of_the_question_is_left_alone() -> None:
    machine = Machine()
    clock = machine.clock()
    asked_s = clock.asked_at()
    machine.steady_s += 5.0
    assert clock.agree(NOON + timedelta(seconds=2), asked_s) == 0.0
    assert clock.now() == NOON + timedelta(seconds=5)


@given(
    off_s=st.floats(min_value=-10_000, max_value=10_000),
    there_s=st.floats(min_value=0, max_value=60),
    back_s=st.floats(min_value=0, max_value=60),
)
def test_after_an_answer_it_is_off_by_no_more_than_the_question_took(
    off_s: float, there_s: float, back_s: float
) -> None:
    machine = Machine()
    machine.set_off_s += off_s
    clock = machine.clock()
    asked_s = clock.asked_at()
    machine.steady_s += there_s
    theirs = NOON + timedelta(seconds=there_s)
    machine.steady_s += back_s
    clock.agree(theirs, asked_s)
    truth_s = (NOON + timedelta(seconds=there_s + back_s)).timestamp()
    assert abs(clock.seconds() - truth_s) <= there_s + back_s + 1e-3


def test_what_nobody_typed_is_recorded_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DAY_CLOCK, "_ahead_s", DAY_CLOCK._ahead_s + 3600)
    past = datetime.now(UTC) - timedelta(hours=1)
    due = DueDeadline(stream_id="alerts/1", kind="alert", key="k", due_at=past, set_version=1)
    expected = datetime.now(UTC) + timedelta(hours=1)
    recorded_at = deadline_context(due, system_actor("notification")).recorded_at
    assert abs(recorded_at - expected) < timedelta(seconds=5)
