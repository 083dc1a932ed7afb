"""How fast a store is folded anew from Kafka, and whether what comes of it is the same, byte for byte."""

from dataclasses import replace

from services.operator.bench.figures import Reading, Section
from services.operator.bench.jobs.publish import TOPIC_OF_KIND
from services.operator.bench.plan import Plan
from services.operator.bench.reading_bench import ReadingBench
from services.operator.bench.stack import BenchStack, bench_stack
from services.operator.bench.worker_process import BenchFailed
from services.operator.refolding.running import refold
from services.operator.refolding.target import Target
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.text import BilingualText

KEY = "state"
#: The promise is made for so many: what a smaller store shows is no proof of it.
REFERRALS_AT_LEAST = 100_000
_PUBLISH_TIMEOUT_S = 1_800.0
_TOPICS = ("tierlink.consultation.events.v1", "tierlink.standing.events.v1", *TOPIC_OF_KIND.values())


class StateBench:
    """Writes referrals as the reading bench does, publishes their events, and folds them anew."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, CallFailed, DependencyDown."""
        # Servers of its own: what other benches published would be read with it, and is of no store of its.
        async with bench_stack() as stack:
            section = await self._measure_on(stack)
            return replace(section, memory=stack.memory.take())

    async def _measure_on(self, stack: BenchStack) -> Section:
        dsn = await stack.new_database("state")
        async with stack.service("referral", label="state", parts="grpc", dsn=dsn) as service:
            filled = await ReadingBench(stack, self._plan).fill(service.ready.grpc, dsn)
        kafka = stack.kafka_bootstrap
        topics = [TopicSpec(name=topic) for topic in _TOPICS]
        await ensure_topics(KafkaAddress(bootstrap=kafka), topics)
        async with stack.worker("publisher") as worker:
            self._plan.note(f"{KEY}: {filled.events} events to Kafka")
            await worker.do("publish_store", timeout_s=_PUBLISH_TIMEOUT_S, dsn=dsn, bootstrap=kafka)
        target = Target(service="referral", live_dsn=dsn, name="bench_state_anew")
        await target.make()
        self._plan.note(f"{KEY}: fold and compare")
        ended = await refold(
            target, kafka=kafka, source="kafka", shown_max=10, on_progress=lambda folded, events: None
        )
        found = ended.verdict
        if found is None or not found["same"]:
            raise BenchFailed(f"{KEY}: {ended.reason or found}")
        return Section(
            key=KEY,
            title=BilingualText(zh="由事件重建状态", en="State folded anew"),
            ratios=(),
            readings=(
                Reading(
                    key="referrals",
                    title=BilingualText(zh="库中转诊", en="referrals in the store"),
                    unit="",
                    value=self._plan.referrals,
                    at_least=REFERRALS_AT_LEAST,
                ),
                Reading(
                    key="events",
                    title=BilingualText(zh="折叠并逐字节比较的事件", en="events folded, the same"),
                    unit="",
                    value=found["events"],
                ),
                Reading(
                    key="fold_per_second",
                    title=BilingualText(zh="每秒折叠写入事件", en="events folded and written"),
                    unit="/s",
                    value=found["read"] / found["fold_s"],
                ),
                Reading(
                    key="compare_s",
                    title=BilingualText(zh="比较", en="comparing both databases"),
                    unit="s",
                    value=found["compare_s"],
                ),
                Reading(
                    key="memory_mib",
                    title=BilingualText(zh="程序内存峰值", en="the program's memory at its most"),
                    unit="MiB",
                    value=found["memory_mib"],
                ),
            ),
        )
