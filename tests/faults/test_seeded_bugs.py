"""Each seeded bug turns the checker red, or the checker proves nothing."""

import os

import pytest

from tests.faults.bugs import BUGS
from tests.faults.run import run
from tests.faults.seeded import SCENARIOS

pytestmark = [
    pytest.mark.timeout(280),
    pytest.mark.skipif(
        "TIERLINK_TEST_FAULTS_BUGS" not in os.environ,
        reason="half a minute each: `make faults` has them (`python -m tests.faults --bugs`)",
    ),
]


def test_there_are_enough_of_them() -> None:
    assert len(BUGS) >= 12
    assert set(SCENARIOS) == set(BUGS)


@pytest.mark.parametrize("bug", BUGS)
async def test_the_checker_sees_it(bug: str) -> None:
    if reason := SCENARIOS[bug].impossible():
        pytest.skip(reason)
    verdict = await run(SCENARIOS[bug])
    assert not verdict.holds, verdict.counts()
