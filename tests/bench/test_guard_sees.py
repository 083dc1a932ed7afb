"""The guard on real processes: a service that became slower is seen."""

import sys
from dataclasses import replace

import pytest

from services.operator.bench.cost_bench import CostBench
from services.operator.bench.guarding import judged, keep
from services.operator.bench.plan import Plan
from services.operator.bench.stack import bench_stack

_PLAN = Plan(seconds=0.3, turns=2, concurrency=16)


@pytest.mark.timeout(300)
async def test_a_service_that_became_slower_falls(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The module of the slow service is of the tests, which a service's process does not know by itself.
    monkeypatch.setenv("PYTHONPATH", ":".join(path for path in sys.path if path))
    async with bench_stack() as stack:
        kept = keep([await CostBench(stack, _PLAN).measure()])
        slow = await CostBench(
            stack, replace(_PLAN, seed=2), module="tests.bench.slow_referral", label="slow"
        ).measure()
    assert {each.name for each in kept} == {"service/echo", "whole/echo"}
    assert [verdict.has_fallen for verdict in judged(kept, [slow])] == [True, True]
