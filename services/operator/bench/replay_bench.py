"""How fast a replay reads a topic, beside a bare consumer that only counts the same records.

A replay decodes each value, reads each attribute, merges the partitions by time and follows each aggregate's
versions. The fold of the domain belongs to the services, which the program may not import: the referral
service's own program folds the same records beside it, in memory.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg

from services.operator.bench.command_load import CommandLoad
from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.plan import Plan
from services.operator.bench.stack import BenchStack
from services.operator.bench.turns import in_turns
from services.operator.bench.worker_process import BenchFailed, Worker
from services.operator.refolding.running import try_fold
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.text import BilingualText

KEY = "replay"
COUNT_AT_LEAST = 0.3

#: Times as many records as the relay has: what a pass costs at its beginning must not count for much.
_TIMES_RECORDS = 3
#: A life has six commands; the first alone is no history to follow.
_LIVES = "SELECT count(*) FROM streams WHERE kind = 'referral' AND version >= 6"
#: That fold, each of its own partitions.
_PROCESSES = 2
_TITLES = {
    "count": BilingualText(zh="aiokafka 仅计数", en="aiokafka that counts"),
    "replay": BilingualText(
        zh="重放读取（解码、逐个体核对版本）", en="replay reads, decodes, follows versions"
    ),
    "fold": BilingualText(
        zh="一个进程解码并折叠为领域状态", en="one process decodes and folds with the domain"
    ),
    "folds": BilingualText(
        zh="两个进程解码并折叠为领域状态", en="two processes decode and fold with the domain"
    ),
}
_TOPIC = "tierlink.referral.events.v1.bench"


class ReplayBench:
    """Measures on events of referrals that were created and changed by commands."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, DependencyDown, grpc.aio.AioRpcError."""
        await ensure_topics(KafkaAddress(bootstrap=self._stack.kafka_bootstrap), [TopicSpec(name=_TOPIC)])
        async with self._stack.worker("reader") as worker, self._stack.worker("counter") as counter:
            lives = await self._fill(worker)

            async def replay() -> float:
                return await self._timed(worker, "replay_read")

            async def count() -> float:
                return await self._timed(counter, "count_records")

            self._plan.note(f"{KEY}: count, replay, fold")
            measured: dict[str, Callable[[], Awaitable[float]]] = {
                "count": count,
                "replay": replay,
                "fold": partial(self._fold, 1),
                "folds": partial(self._fold, _PROCESSES),
            }
            figures = await in_turns(measured, self._plan.turns, _nothing)
        rounds = {
            key: Rounds(key=key, title=_TITLES[key], unit="/s", values=figures[key]) for key in measured
        }
        readings = (
            Reading(
                key="records",
                title=BilingualText(zh="主题中的记录数", en="records in the topic"),
                unit="",
                value=float(self._plan.records * _TIMES_RECORDS),
            ),
            Reading(
                key="lives",
                title=BilingualText(zh="其所依据的转诊数", en="referrals that they were made of"),
                unit="",
                value=float(lives),
            ),
        )
        return Section(
            key=KEY,
            title=BilingualText(zh="每秒读取记录数", en="Records read a second"),
            ratios=(
                Ratio(ours=rounds["folds"], baseline=rounds["count"], at_least=COUNT_AT_LEAST),
                Ratio(ours=rounds["fold"], baseline=rounds["count"]),
                Ratio(ours=rounds["replay"], baseline=rounds["count"]),
            ),
            readings=readings,
        )

    async def _fill(self, worker: Worker) -> int:
        """Has the events of referrals that lived published again and again; of how many.

        Those that a bench before it left are as good as any.
        """
        if not await self._has_lives():
            await self._some_lives(worker)
        found = await worker.do(
            "fill_topic",
            timeout_s=self._plan.round_timeout_s(),
            dsn=self._stack.dsn("referral"),
            bootstrap=self._stack.kafka_bootstrap,
            topic=_TOPIC,
            count=self._plan.records * _TIMES_RECORDS,
        )
        return int(found["lives"])

    async def _has_lives(self) -> bool:
        connection = await asyncpg.connect(self._stack.dsn("referral"))
        try:
            if await connection.fetchval("SELECT to_regclass('streams')") is None:
                return False
            return bool(await connection.fetchval(_LIVES) >= self._plan.concurrency)
        finally:
            await connection.close()

    async def _some_lives(self, worker: Worker) -> None:
        # Without the relay: the events are taken from the store.
        async with self._stack.service("referral", label="replayed", parts="grpc,deadlines") as service:
            await self._stack.apply_directory(service.ready.grpc)
            load = CommandLoad(stack=self._stack, plan=self._plan, client=worker, label=KEY)
            await load.commands(service.ready.grpc, "lives", seconds=min(2.0, self._plan.seconds))

    async def _fold(self, processes: int) -> float:
        """Records that the referral service's own program read and folded in a second, its start left out."""
        ended = await try_fold(
            "referral",
            kafka=self._stack.kafka_bootstrap,
            topics=(_TOPIC,),
            processes=processes,
            on_progress=lambda *_: None,
        )
        found = ended.verdict
        if found is None or not found["same"] or found["left_alone"]:
            raise BenchFailed(f"{KEY}: {ended.reason or found}")
        return float(found["events"] / found["fold_s"])

    async def _timed(self, worker: Worker, job: str) -> float:
        found = await worker.do(
            job,
            timeout_s=self._plan.round_timeout_s(),
            bootstrap=self._stack.kafka_bootstrap,
            topic=_TOPIC,
            seconds=self._plan.seconds,
        )
        return float(found["per_second"])


async def _nothing() -> None:
    """Reading leaves nothing behind."""
