"""What ends a province's bench: a call that failed, and an answer of which the store knows nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.operator.bench.plan import Plan
from services.operator.bench.province_bench import nothing_failed, stored_as_answered
from services.operator.bench.run import Bench, run_benches
from services.operator.bench.worker_process import BenchFailed

_STORED = {"referrals/1": ("referral", 4), "episodes/1": ("episode", 2), "alerts/1": ("alert", 3)}


def test_what_was_answered_is_in_the_store() -> None:
    assert stored_as_answered(_STORED, {"referrals/1": 4, "alerts/1": 2}, created=1) == 1


@pytest.mark.parametrize(
    ("answered", "created", "said"),
    [
        ({"referrals/1": 5}, 1, "referrals/1 version 5"),
        ({"referrals/2": 1}, 1, "referrals/2 version 1"),
        ({"referrals/1": 4}, 2, "1 referrals in the store, 2 were answered for"),
        ({"referrals/1": 4}, 0, "1 referrals in the store, 0 were answered for"),
    ],
)
def test_an_answer_of_what_is_not_there_fails_the_bench(
    answered: dict[str, int], created: int, said: str
) -> None:
    with pytest.raises(BenchFailed, match=said):
        stored_as_answered(_STORED, answered, created=created)


def test_a_refused_call_fails_the_bench() -> None:
    nothing_failed("province", {"failures": {}})
    with pytest.raises(BenchFailed, match="3 courses could not go on: 2 × HoldBed: ABORTED; 1 × x"):
        nothing_failed("province", {"failures": {"HoldBed: ABORTED": 2, "x": 1}})


async def test_a_bench_with_servers_of_its_own_starts_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    section: Any = SimpleNamespace(key="province")

    class Alone:
        def __init__(self, plan: Plan) -> None:
            pass

        async def measure(self) -> Any:
            return section

    def shared() -> Any:
        raise AssertionError("servers that nothing is measured on")

    monkeypatch.setattr("services.operator.bench.run.bench_stack", shared)
    monkeypatch.setattr("services.operator.bench.run._ON_ITS_OWN", ((Bench.PROVINCE, Alone),))
    assert await run_benches([Bench.PROVINCE], Plan()) == (section,)
