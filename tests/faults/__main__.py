"""`python -m tests.faults`: seeded runs, or the seeded bugs; exits with 1 when one is not as it must be."""

import asyncio
import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from services.operator.bench.machine import this_machine
from tests.faults.report import page
from tests.faults.run import Plan, Verdict, left_out, run
from tests.faults.seeded import SCENARIOS


def main(
    *,
    seed: Annotated[int, typer.Option("--seed", min=0, help="first seed")] = 1,
    seeds: Annotated[int, typer.Option("--seeds", min=1, max=1000, help="how many, one after the other")] = 3,
    seconds: Annotated[float, typer.Option("--seconds", min=5, max=600, help="load of each run")] = 30.0,
    clients: Annotated[int, typer.Option("--clients", min=4, max=200)] = 12,
    bugs: Annotated[bool, typer.Option("--bugs", help="the seeded bugs instead: each must be found")] = False,
    report: Annotated[Path, typer.Option("--report", help="page to write")] = Path("build/faults.html"),
) -> None:
    """Real processes, a load, faults drawn from a seed, and a checker over what is left."""
    console = Console(highlight=False)
    plans = (
        list(SCENARIOS.values())
        if bugs
        else [Plan(seed=each, lasts_s=seconds, clients=clients) for each in range(seed, seed + seeds)]
    )
    for kind, reason in left_out().items():
        console.print(f"{kind} is left out: {reason}", style="yellow")
    verdicts = [_one(plan, console) for plan in plans if not plan.impossible()]
    command = shlex.join(["python", "-m", "tests.faults", *sys.argv[1:]])
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text(page(verdicts, machine=this_machine(), command=command), encoding="utf-8")
    right = sum(each.is_as_it_must_be for each in verdicts)
    console.print(f"{right} of {len(verdicts)} as they must be; {report}")
    if right < len(verdicts):
        raise typer.Exit(1)


def _one(plan: Plan, console: Console) -> Verdict:
    begun_s = time.monotonic()
    verdict = asyncio.run(run(plan))
    counts = ", ".join(f"{count} {name}" for name, count in verdict.counts().items())
    said = "holds" if verdict.holds else "DOES NOT HOLD"
    named = f"seed {plan.seed}" + (f" with {plan.bug}" if plan.bug else "")
    console.print(f"{named}: {said} ({time.monotonic() - begun_s:.0f} s; {counts})")
    for check, findings in verdict.findings.items():
        console.print(f"  {check}: {len(findings)}; {findings[0]}", style="dim" if plan.bug else "red")
    if not verdict.holds and not plan.bug:
        for line in verdict.logged_errors[-10:]:
            console.print(f"  {line}", style="dim")
    return verdict


if __name__ == "__main__":
    typer.run(main)
