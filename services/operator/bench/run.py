"""One run of the bench: the benches that are wanted, one after the other, on one stack."""

from collections.abc import Sequence
from enum import StrEnum

from services.operator.bench.audit_bench import AuditBench
from services.operator.bench.boards_bench import BoardsBench
from services.operator.bench.commands_bench import CommandsBench
from services.operator.bench.escalation_bench import EscalationBench
from services.operator.bench.figures import Section
from services.operator.bench.free_beds_bench import AvailabilityBench
from services.operator.bench.holds_bench import HoldsBench
from services.operator.bench.plan import Plan
from services.operator.bench.reading_bench import ReadingBench
from services.operator.bench.relay_bench import RelayBench
from services.operator.bench.replay_bench import ReplayBench
from services.operator.bench.stack import bench_stack
from services.operator.bench.whole_stack_bench import WholeStackBench


class Bench(StrEnum):
    """What can be measured."""

    COMMANDS = "commands"
    RELAY = "relay"
    ALERTS = "alerts"
    MEMORY = "memory"
    AUDIT = "audit"
    AVAILABILITY = "availability"
    READING = "reading"
    HOLDS = "holds"
    ESCALATION = "escalation"
    BOARDS = "boards"
    REPLAY = "replay"


async def run_benches(wanted: Sequence[Bench], plan: Plan) -> tuple[Section, ...]:
    """What was found, in the order of `Bench`.

    Raises BenchFailed, EmbeddedError, PlatformError, CallFailed, DependencyDown.
    """
    sections: list[Section] = []
    plan.note("Kafka, PostgreSQL")
    async with bench_stack() as stack:
        # First: the notification service would have to work through everything that other benches publish.
        whole = frozenset(bench.value for bench in (Bench.ALERTS, Bench.MEMORY) if bench in wanted)
        if whole:
            sections.extend(await WholeStackBench(stack, plan).measure(whole))
        if Bench.BOARDS in wanted:
            sections.append(await BoardsBench(stack, plan).measure())
        if Bench.COMMANDS in wanted:
            sections.append(await CommandsBench(stack, plan).measure())
        if Bench.RELAY in wanted:
            sections.append(await RelayBench(stack, plan).measure())
        if Bench.AUDIT in wanted:
            sections.append(await AuditBench(stack, plan).measure())
        if Bench.AVAILABILITY in wanted:
            sections.append(await AvailabilityBench(stack, plan).measure())
        if Bench.READING in wanted:
            sections.append(await ReadingBench(stack, plan).measure())
        if Bench.HOLDS in wanted:
            sections.append(await HoldsBench(stack, plan).measure())
        if Bench.ESCALATION in wanted:
            sections.append(await EscalationBench(stack, plan).measure())
        if Bench.REPLAY in wanted:
            sections.append(await ReplayBench(stack, plan).measure())
    order = [bench.value for bench in Bench]
    return tuple(sorted(sections, key=lambda section: order.index(section.key)))
