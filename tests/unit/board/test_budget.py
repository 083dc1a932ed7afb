"""What is left of a clock: the window minus the drive minus what the destination takes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.board.domain.budget import budget

START = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_drive_and_the_door_are_taken_off_the_window() -> None:
    found = budget(
        started_at=START, stop_by=START + timedelta(hours=4, minutes=30), drive_minutes=90, door_minutes=40
    )
    assert found.leave_by == START + timedelta(hours=2, minutes=20)


def test_it_turns_amber_at_half_and_red_at_a_fifth_of_the_time() -> None:
    found = budget(started_at=START, stop_by=START + 100 * MINUTE, drive_minutes=0, door_minutes=0)
    assert found.amber_at == START + 50 * MINUTE
    assert found.red_at == START + 80 * MINUTE


def test_a_road_longer_than_the_window_is_over_before_it_began() -> None:
    found = budget(started_at=START, stop_by=START + 60 * MINUTE, drive_minutes=61, door_minutes=0)
    assert found.leave_by == START - MINUTE
    assert found.amber_at == found.red_at == found.leave_by


@given(window=st.integers(0, 600), drive=st.integers(0, 300), door=st.integers(0, 120))
def test_the_colours_come_in_their_order(window: int, drive: int, door: int) -> None:
    found = budget(started_at=START, stop_by=START + window * MINUTE, drive_minutes=drive, door_minutes=door)
    assert found.amber_at <= found.red_at <= found.leave_by
