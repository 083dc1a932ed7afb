"""One run of the bench: the benches that are wanted, one after the other, on one stack."""

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from services.operator.bench.audit_bench import AuditBench
from services.operator.bench.audited_bench import AuditedBench
from services.operator.bench.boards_bench import BoardsBench
from services.operator.bench.commands_bench import CommandsBench
from services.operator.bench.cost_bench import CostBench
from services.operator.bench.escalation_bench import EscalationBench, Template, make_template
from services.operator.bench.figures import Section
from services.operator.bench.free_beds_bench import AvailabilityBench
from services.operator.bench.growth_bench import GrowthBench
from services.operator.bench.holds_bench import HoldsBench
from services.operator.bench.plan import Plan
from services.operator.bench.processes_bench import ProcessesBench
from services.operator.bench.province_bench import ProvinceBench
from services.operator.bench.reading_bench import ReadingBench
from services.operator.bench.relay_bench import RelayBench
from services.operator.bench.replay_bench import ReplayBench
from services.operator.bench.stack import BenchStack, bench_stack
from services.operator.bench.state_bench import StateBench
from services.operator.bench.whole_stack_bench import WholeStackBench


class Bench(StrEnum):
    """What can be measured."""

    COMMANDS = "commands"
    PROCESSES = "processes"
    COST = "cost"
    AUDITED = "audited"
    RELAY = "relay"
    ALERTS = "alerts"
    MEMORY = "memory"
    AUDIT = "audit"
    AVAILABILITY = "availability"
    READING = "reading"
    GROWTH = "growth"
    HOLDS = "holds"
    ESCALATION = "escalation"
    BOARDS = "boards"
    REPLAY = "replay"
    STATE = "state"
    PROVINCE = "province"


class _OneSection(Protocol):
    def __init__(self, stack: BenchStack, plan: Plan) -> None: ...

    async def measure(self) -> Section: ...


class _OnItsOwn(Protocol):
    def __init__(self, plan: Plan) -> None: ...

    async def measure(self) -> Section: ...


_ON_A_PLATFORM = frozenset({Bench.ALERTS, Bench.MEMORY, Bench.BOARDS, Bench.ESCALATION})

#: In the order in which they run: some measure what those before them wrote.
_ONE_SECTION: tuple[tuple[Bench, type[_OneSection]], ...] = (
    (Bench.COMMANDS, CommandsBench),
    (Bench.PROCESSES, ProcessesBench),
    (Bench.COST, CostBench),
    (Bench.AUDITED, AuditedBench),
    (Bench.RELAY, RelayBench),
    (Bench.AUDIT, AuditBench),
    (Bench.AVAILABILITY, AvailabilityBench),
    (Bench.READING, ReadingBench),
    (Bench.GROWTH, GrowthBench),
    (Bench.HOLDS, HoldsBench),
    (Bench.REPLAY, ReplayBench),
)

#: With servers of their own, after the others' have ended.
_ON_ITS_OWN: tuple[tuple[Bench, type[_OnItsOwn]], ...] = (
    (Bench.STATE, StateBench),
    (Bench.PROVINCE, ProvinceBench),
)


async def run_benches(wanted: Sequence[Bench], plan: Plan) -> tuple[Section, ...]:
    """What was found, in the order of `Bench`.

    Raises BenchFailed, EmbeddedError, PlatformError, CallFailed, DependencyDown.
    """
    sections: list[Section] = []
    if set(wanted) - {bench for bench, _ in _ON_ITS_OWN}:
        sections.extend(await _on_shared_servers(wanted, plan))
    for bench, kind in _ON_ITS_OWN:
        if bench in wanted:
            sections.append(await kind(plan).measure())
    order = [bench.value for bench in Bench]
    return tuple(sorted(sections, key=lambda section: order.index(section.key)))


async def _on_shared_servers(wanted: Sequence[Bench], plan: Plan) -> list[Section]:
    sections: list[Section] = []
    plan.note("Kafka, PostgreSQL")
    async with bench_stack() as stack:
        # First: the notification service would have to work through everything that other benches publish.
        if not _ON_A_PLATFORM.isdisjoint(wanted):
            sections.extend(await _on_a_platform(stack, wanted, plan))
        for bench, kind in _ONE_SECTION:
            if bench in wanted:
                sections.append(_with_memory(await kind(stack, plan).measure(), stack))
    return sections


async def _on_a_platform(stack: BenchStack, wanted: Sequence[Bench], plan: Plan) -> list[Section]:
    """What takes all services at once, on the same processes: none disturbs the next."""
    sections: list[Section] = []
    template: Template | None = None
    async with stack.platform() as platform:

        def noted(section: Section) -> Section:
            for name, process in platform.services.items():
                stack.memory.note(name, process.pid)
            return _with_memory(section, stack)

        whole = frozenset(bench.value for bench in (Bench.ALERTS, Bench.MEMORY) if bench in wanted)
        if whole:
            sections.extend(map(noted, await WholeStackBench(platform, plan).measure(whole)))
        if Bench.BOARDS in wanted:
            sections.append(noted(await BoardsBench(platform, plan).measure()))
        if Bench.ESCALATION in wanted:
            template = await make_template(platform, plan.seed)
    # What the platform had at its end belongs to none of them.
    stack.memory.take()
    # After the boards, which would show its alerts, and with the notification service alone.
    if template is not None:
        section = await EscalationBench(stack, plan, template).measure()
        sections.append(_with_memory(section, stack))
    return sections


def _with_memory(section: Section, stack: BenchStack) -> Section:
    """With what its processes took."""
    return replace(section, memory=stack.memory.take())
