"""A process's time of day jumps while it runs; what counts from the start of the machine does not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.jumping_clock import JumpingClock, why_no_jumps

#: Says what it reads each time that it is asked, a moment later.
_READS = """
import select, sys, time
for _ in sys.stdin:
    select.select([], [], [], 0.05)
    print(time.time(), time.clock_gettime(time.CLOCK_MONOTONIC), flush=True)
"""


def test_the_time_of_day_jumps_and_jumps_back(tmp_path: Path) -> None:
    if reason := why_no_jumps():
        pytest.skip(reason)
    clock = JumpingClock(tmp_path / "clock")
    environment = {**os.environ, **clock.environment()}
    with subprocess.Popen(
        [sys.executable, "-c", _READS],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        begun = _read(process)
        for by in (-7200, 0):
            clock.jump(f"{by:+d}")
            # It looks at its file once a second.
            while abs(_off(process, begun) - by) > 30:
                pass
        process.kill()


def _read(process: "subprocess.Popen[str]") -> tuple[float, float]:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    day_s, steady_s = process.stdout.readline().split()
    return float(day_s), float(steady_s)


def _off(process: "subprocess.Popen[str]", begun: tuple[float, float]) -> float:
    """By how much the time of day went on more than the time since the start."""
    now = _read(process)
    assert now[1] - begun[1] < 20, "it did not jump"
    return (now[0] - begun[0]) - (now[1] - begun[1])
