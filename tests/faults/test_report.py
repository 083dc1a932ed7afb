"""What the page of a run says at its top is what became of it."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from services.operator.bench.machine import this_machine
from tests.faults.history import History
from tests.faults.report import page
from tests.faults.run import Plan, Verdict

AT = datetime(2026, 1, 2, tzinfo=UTC)
HELD = Verdict(
    plan=Plan(seed=1),
    history=History(seed=1),
    findings={"one_bed": []},
    restarts=(),
    begun_at=AT,
    ended_at=AT,
    events_count=0,
    records_count=0,
    receipts_count=0,
)
BROKEN = replace(HELD, findings={"one_bed": ["two patients in bed 1"]})


def with_bug(verdict: Verdict) -> Verdict:
    return replace(verdict, plan=replace(verdict.plan, bug="hold_without_constraint"))


@pytest.mark.parametrize(
    ("verdicts", "title", "states"),
    [
        ((), "0 of 0 runs hold", []),
        ((HELD, BROKEN), "1 of 2 runs hold", [("good", "holds"), ("bad", "does not hold")]),
        ((with_bug(BROKEN),), "1 of 1 seeded bugs found", [("good", "found")]),
        (
            (with_bug(HELD), HELD),
            "1 of 1 runs hold; 0 of 1 seeded bugs found",
            [("bad", "not found"), ("good", "holds")],
        ),
    ],
)
def test_a_seeded_bug_that_is_found_is_as_it_must_be(
    verdicts: tuple[Verdict, ...], title: str, states: list[tuple[str, str]]
) -> None:
    html = page(verdicts, machine=this_machine(), command="x")
    assert f"<h1>{title}</h1>" in html
    assert re.findall(r'<h2>.*?<span class="(\w+)">(.*?)</span></h2>', html) == states
