"""A report as a run would make it."""

from datetime import UTC, datetime

from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.machine import Machine
from services.operator.bench.plan import Plan
from services.operator.bench.report import Report
from services.shared.kernel.text import BilingualText


def rounds(key: str, *values: float) -> Rounds:
    return Rounds(key=key, title=BilingualText(zh=f"{key}（中）", en=key), unit="/s", values=values)


def ratio(at_least: float | None) -> Ratio:
    return Ratio(ours=rounds("ours", 40, 50, 60), baseline=rounds("echo", 100, 100, 100), at_least=at_least)


def reading(at_most: float | None) -> Reading:
    title = BilingualText(zh="内存", en="memory")
    return Reading(key="pss", title=title, unit="MiB", value=600.0, at_most=at_most)


def section(*, at_least: float | None = None, at_most: float | None = None) -> Section:
    return Section(
        key="commands",
        title=BilingualText(zh="命令", en="Commands"),
        ratios=(ratio(at_least),),
        readings=(reading(at_most),),
    )


def report(*sections: Section) -> Report:
    machine = Machine(
        system="Linux", processor="a processor", cores=2, load=0.5, python="3.11.7", packages={"grpcio": "1"}
    )
    begun_at = datetime(2026, 3, 1, 8, tzinfo=UTC)
    return Report(
        machine=machine, command="tierlink bench", begun_at=begun_at, plan=Plan(seed=7), sections=sections
    )
