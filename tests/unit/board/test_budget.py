"""What is left of a clock: the window minus the drive minus what the destination takes."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.board.domain.budget import Light, budget, light

START = datetime(2026, 3, 1, 1, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_the_drive_and_the_door_are_taken_off_the_window() -> None:
    found = budget(
        started_at=START, stop_by=START + timedelta(hours=4, minutes=30), drive_minutes=90, door_minutes=40
    )
    assert found.leave_by == START + timedelta(hours=2, minutes=20)


def test_the_light_turns_from_green_to_red_and_then_says_that_it_is_over() -> None:
    found = budget(started_at=START, stop_by=START + 100 * MINUTE, drive_minutes=0, door_minutes=0)
    assert light(found, START) is Light.GREEN
    assert light(found, START + 50 * MINUTE) is Light.GREEN
    assert light(found, START + 51 * MINUTE) is Light.AMBER
    assert light(found, START + 80 * MINUTE) is Light.AMBER
    assert light(found, START + 81 * MINUTE) is Light.RED
    assert light(found, START + 100 * MINUTE) is Light.OVER


def test_a_road_longer_than_the_window_is_over_from_the_start() -> None:
    found = budget(started_at=START, stop_by=START + 60 * MINUTE, drive_minutes=61, door_minutes=0)
    assert light(found, START - MINUTE) is Light.OVER or found.leave_by < START
    assert light(found, START) is Light.OVER


@given(
    window=st.integers(0, 600),
    drive=st.integers(0, 300),
    door=st.integers(0, 120),
    moments=st.lists(st.integers(0, 1000), min_size=2, max_size=6),
)
def test_the_light_never_turns_back(window: int, drive: int, door: int, moments: list[int]) -> None:
    found = budget(started_at=START, stop_by=START + window * MINUTE, drive_minutes=drive, door_minutes=door)
    order = list(Light)
    lights = [order.index(light(found, START + minutes * MINUTE)) for minutes in sorted(moments)]
    assert lights == sorted(lights)
