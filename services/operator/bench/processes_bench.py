"""Commands a second where several processes of the referral service share one port, beside one process."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from services.operator.bench.command_load import CommandLoad
from services.operator.bench.draining import drained
from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.latencies import Latencies, rounds_of
from services.operator.bench.plan import Plan
from services.operator.bench.processor import processor_seconds
from services.operator.bench.stack import BenchStack
from services.operator.bench.statistics import middle
from services.operator.bench.together import together
from services.operator.bench.turns import Measure, in_turns
from services.operator.bench.worker_process import BenchFailed
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.text import BilingualText

KEY = "processes"
#: Two processes beside one: for a machine on which callers and servers do not share two cores.
SEVERAL_AT_LEAST = 1.6


class ProcessesBench:
    """Each store has processes of its own: one that rests would relay for the others."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._latencies = Latencies(plan.turns)
        self._busiest: list[float] = []

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError."""
        dsns = {name: await self._stack.new_database(f"processes_{name}") for name in ("one", "several")}
        async with (
            together(self._stack.worker("client"), self._stack.worker("echo")) as (client, echo),
            together(
                self._processes("one", dsns["one"], 1),
                self._processes("several", dsns["several"], self._plan.processes),
            ) as (one, several),
        ):
            load = CommandLoad(stack=self._stack, plan=self._plan, client=client, label=KEY)
            echo_address = await load.echo_of(echo, one[0].ready.grpc)
            self._plan.note(f"{KEY}: echo, 1, {self._plan.processes}")
            measures: dict[str, Measure] = {
                "echo": self._timed(load, "echo", echo_address, ()),
                "one": self._timed(load, "one", one[0].ready.grpc, one),
                "several": self._timed(load, "several", several[0].ready.grpc, several),
            }

            async def settle() -> None:
                await drained(dsns.values())

            figures = await in_turns(measures, self._plan.turns, settle)
        return self._section(figures)

    @asynccontextmanager
    async def _processes(self, label: str, dsn: str, count: int) -> AsyncIterator[list[ServiceProcess]]:
        """So many on one port, each with all parts."""
        async with AsyncExitStack() as exits:
            found: list[ServiceProcess] = []
            for number in range(count):
                port = int(found[0].ready.grpc.rpartition(":")[2]) if found else None
                process = self._stack.service(
                    "referral", label=f"{KEY}-{label}-{number}", dsn=dsn, port=port, is_port_shared=True
                )
                found.append(await exits.enter_async_context(process))
                if number == 0:
                    # Of all of them: those that start later read it at their start.
                    await self._stack.apply_directory(found[0].ready.grpc)
            if len({process.ready.grpc for process in found}) != 1:
                raise BenchFailed("the processes did not get the same port")
            yield found

    def _timed(
        self, load: CommandLoad, name: str, address: str, served_by: Sequence[ServiceProcess]
    ) -> Measure:
        async def timed() -> dict[str, Any]:
            before = [processor_seconds([process.pid]) for process in served_by]
            # The system gives a connection, not a call, to one of the processes.
            found = await load.commands(address, name, connections=self._plan.concurrency)
            after = [processor_seconds([process.pid]) for process in served_by]
            spent = [late - early for early, late in zip(before, after, strict=True)]
            if len(spent) > 1 and sum(spent) > 0:
                self._busiest.append(max(spent) / sum(spent))
            return found

        return self._latencies.measure(name, timed)

    def _section(self, figures: Mapping[str, tuple[float, ...]]) -> Section:
        count = self._plan.processes
        titles = {
            "echo": BilingualText(zh="空 gRPC 回显", en="bare grpc.aio echo"),
            "one": BilingualText(zh="转诊服务，一个进程", en="referral service, one process"),
            "several": BilingualText(
                zh=f"转诊服务，同一端口 {count} 个进程", en=f"referral service, {count} processes on one port"
            ),
        }
        rounds: dict[str, Rounds] = rounds_of(figures, titles)
        busiest = Reading(
            key="busiest_share",
            title=BilingualText(
                zh="最忙进程占各进程处理器时间之比", en="the busiest process's share of their processor time"
            ),
            unit="",
            value=middle(self._busiest or [1.0]),
        )
        return Section(
            key=KEY,
            title=BilingualText(zh="同一端口多个进程", en="Several processes on one port"),
            ratios=(
                Ratio(
                    ours=rounds["several"],
                    baseline=rounds["one"],
                    at_least=SEVERAL_AT_LEAST if count == 2 else None,
                ),
                Ratio(ours=rounds["several"], baseline=rounds["echo"]),
                Ratio(ours=rounds["one"], baseline=rounds["echo"]),
            ),
            readings=(*self._latencies.readings(titles, {}), busiest),
            curves=self._latencies.curves(titles),
        )
