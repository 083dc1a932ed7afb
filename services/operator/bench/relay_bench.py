"""How fast the relay empties an outbox, beside a bare producer sending the same records."""

import asyncio
import time

import asyncpg

from services.operator.bench.figures import Ratio, Rounds, Section
from services.operator.bench.plan import Plan
from services.operator.bench.records import outbox_records
from services.operator.bench.stack import BenchStack
from services.operator.bench.turns import in_turns
from services.operator.bench.worker_process import BenchFailed
from services.shared.eventstore.postgres_store import SHARDS, shard_of
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.text import BilingualText
from services.shared.outbox.table import CHANNEL

KEY = "relay"
PRODUCE_AT_LEAST = 0.6

_RELAYED_TOPIC = "tierlink.bench.relayed.v1"
_PRODUCED_TOPIC = "tierlink.bench.produced.v1"
_COLUMNS = ("shard", "topic", "key", "version", "value", "event_id", "type", "recorded_at", "traceparent")
_LOOK_S = 0.005
_TIMEOUT_S = 120.0
_ALL_SHARDS = ",".join(str(shard) for shard in range(SHARDS))


class RelayBench:
    """Measures on a stack where nothing else runs."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, DependencyDown."""
        kafka = KafkaAddress(bootstrap=self._stack.kafka_bootstrap)
        await ensure_topics(kafka, [TopicSpec(name=_RELAYED_TOPIC), TopicSpec(name=_PRODUCED_TOPIC)])
        async with (
            self._stack.service("referral", label="relay", parts="relay"),
            self._stack.worker("producer") as worker,
        ):
            connection = await asyncpg.connect(self._stack.dsn("referral"))
            try:
                await self._holds_every_shard(connection)

                async def produce() -> float:
                    found = await worker.do(
                        "produce",
                        timeout_s=_TIMEOUT_S,
                        bootstrap=self._stack.kafka_bootstrap,
                        topic=_PRODUCED_TOPIC,
                        count=self._plan.records,
                        seed=self._plan.seed,
                    )
                    return float(found["per_second"])

                async def relay() -> float:
                    return await self._relay(connection)

                self._plan.note(f"{KEY}: produce, relay")
                measures = {"produce": produce, "relay": relay}
                figures = await in_turns(measures, self._plan.turns, _nothing)
            finally:
                await connection.close()
        ours = Rounds(
            key="relay",
            title=BilingualText(zh="发件箱转发", en="relay, from the outbox"),
            unit="/s",
            values=figures["relay"],
        )
        baseline = Rounds(
            key="produce",
            title=BilingualText(zh="直接发送同样记录", en="bare produce of the same records"),
            unit="/s",
            values=figures["produce"],
        )
        ratio = Ratio(ours=ours, baseline=baseline, at_least=PRODUCE_AT_LEAST)
        return Section(
            key=KEY, title=BilingualText(zh="每秒转发事件数", en="Events relayed a second"), ratios=(ratio,)
        )

    async def _relay(self, connection: "asyncpg.Connection[asyncpg.Record]") -> float:
        """Fills the outbox in one transaction, wakes the relay and waits until it is empty."""
        rows = [
            (
                shard_of(record.key),
                _RELAYED_TOPIC,
                record.key,
                record.version,
                record.value,
                record.event_id,
                record.type,
                record.recorded_at,
                record.traceparent,
            )
            for record in outbox_records(self._plan.records, self._plan.seed)
        ]
        async with connection.transaction():
            await connection.copy_records_to_table("outbox", records=rows, columns=_COLUMNS)
        begun_s = time.perf_counter()
        await connection.execute("SELECT pg_notify($1, $2)", CHANNEL, _ALL_SHARDS)
        while await connection.fetchval("SELECT EXISTS (SELECT FROM outbox)"):
            if time.perf_counter() - begun_s > _TIMEOUT_S:
                raise BenchFailed("the relay did not empty the outbox")
            await asyncio.sleep(_LOOK_S)
        return self._plan.records / (time.perf_counter() - begun_s)

    async def _holds_every_shard(self, connection: "asyncpg.Connection[asyncpg.Record]") -> None:
        deadline_s = time.monotonic() + _TIMEOUT_S
        while (
            await connection.fetchval("SELECT count(*) FROM relay_leases WHERE expires_at > now()") < SHARDS
        ):
            if time.monotonic() > deadline_s:
                raise BenchFailed("the relay did not take the outbox's leases")
            await asyncio.sleep(0.1)


async def _nothing() -> None:
    """Both rounds end when their last record is acknowledged."""
