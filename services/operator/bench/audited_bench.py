"""What the audit trail costs a command: the service beside one whose chains have no hashes.

By time of the processor, of the service with its relay and of PostgreSQL: by the clock, what others do on the
machine is many times as much as what a hash takes.
"""

from collections.abc import Awaitable, Callable

import asyncpg

from services.operator.bench.command_load import CommandLoad
from services.operator.bench.draining import drained
from services.operator.bench.figures import Ratio, Rounds, Section
from services.operator.bench.memory import with_children
from services.operator.bench.plan import Plan
from services.operator.bench.processor import processor_seconds
from services.operator.bench.stack import BenchStack
from services.operator.bench.together import together
from services.operator.bench.turns import Measure, in_turns
from services.operator.bench.worker_process import BenchFailed
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.text import BilingualText

KEY = "audited"
AT_LEAST = 0.9
_UNAUDITED = "services.operator.bench.unaudited"
#: The system counts time of the processor in hundredths: a shorter round may have none.
_SECONDS_MIN = 0.2
_IS_HASHED = "SELECT count(DISTINCT hash) > 1 FROM (SELECT hash FROM events LIMIT 1000) AS first_events"
_TITLES = {
    "audited": BilingualText(
        zh="有审计链，服务与 PostgreSQL 每处理器秒", en="audited, a second of the processor, with PostgreSQL"
    ),
    "unaudited": BilingualText(zh="不计算哈希", en="the same without hashes"),
}


async def _is_hashed(dsn: str) -> bool:
    connection = await asyncpg.connect(dsn)
    try:
        return bool(await connection.fetchval(_IS_HASHED))
    finally:
        await connection.close()


class AuditedBench:
    """Two processes of the referral service, each on a store of its own, measured in turns."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError."""
        stack = self._stack
        dsns = {name: await stack.new_database(name) for name in _TITLES}
        async with (
            together(
                stack.service("referral", label="audited", dsn=dsns["audited"]),
                stack.service("referral", label="unaudited", dsn=dsns["unaudited"], module=_UNAUDITED),
            ) as (audited, unaudited),
            stack.worker("client") as client,
        ):
            services: dict[str, ServiceProcess] = {"audited": audited, "unaudited": unaudited}
            for service in services.values():
                await stack.apply_directory(service.ready.grpc)
            load = CommandLoad(stack=stack, plan=self._plan, client=client, label=KEY)
            self._plan.note(f"{KEY}: {', '.join(services)}")

            async def settle() -> None:
                await drained(list(dsns.values()))

            measures: dict[str, Measure] = {
                name: self._spent(load, name, service, settle) for name, service in services.items()
            }
            figures = await in_turns(measures, self._plan.turns, settle)
            for name, dsn in dsns.items():
                if await _is_hashed(dsn) is not (name == "audited"):
                    raise BenchFailed(f"{name} is not what it says")
        rounds = {
            key: Rounds(key=key, title=title, unit="/s", values=figures[key])
            for key, title in _TITLES.items()
        }
        return Section(
            key=KEY,
            title=BilingualText(zh="审计链的代价：命令数", en="What the audit trail costs: commands"),
            ratios=(Ratio(ours=rounds["audited"], baseline=rounds["unaudited"], at_least=AT_LEAST),),
        )

    def _spent(
        self,
        load: CommandLoad,
        name: str,
        service: ServiceProcess,
        settle: Callable[[], Awaitable[None]],
    ) -> Measure:
        """Commands a second of the processor that they took, with what is published afterwards."""
        postgres = self._stack.servers.postgres.pid

        def spent_s() -> float:
            return processor_seconds([service.pid]) + processor_seconds(with_children(postgres))

        async def measure() -> float:
            before_s = spent_s()
            found = await load.commands(
                service.ready.grpc, name, seconds=max(_SECONDS_MIN, self._plan.seconds)
            )
            await settle()
            took_s = spent_s() - before_s
            if took_s <= 0:
                raise BenchFailed(f"{name} took no time of the processor that could be measured")
            return float(found["answered"] / took_s)

        return measure
