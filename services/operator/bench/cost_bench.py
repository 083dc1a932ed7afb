"""What a command costs in time of the processor, beside what a call of a bare echo costs.

What others do on the machine takes time from both, and adds little to what either needs: these ratios stay
what they are where those by the clock do not, so it is these that a guard compares.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from services.operator.bench.command_load import CommandLoad
from services.operator.bench.draining import drained
from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.memory import with_children
from services.operator.bench.plan import Plan
from services.operator.bench.processor import processor_seconds
from services.operator.bench.stack import BenchStack
from services.operator.bench.statistics import middle
from services.operator.bench.together import together
from services.operator.bench.turns import Measure, in_turns
from services.operator.bench.worker_process import BenchFailed
from services.shared.kernel.text import BilingualText

KEY = "cost"
_UNIT = "/s"
#: The system counts time of the processor in hundredths: a shorter round may have none.
_SECONDS_MIN = 0.2
_TITLES = {
    "echo": BilingualText(zh="空 gRPC 回显，每处理器秒", en="bare grpc.aio echo, a second of the processor"),
    "service": BilingualText(
        zh="转诊服务，含转发，每处理器秒", en="referral service with its relay, a second of the processor"
    ),
    "whole": BilingualText(
        zh="转诊服务与 PostgreSQL，每处理器秒",
        en="referral service and PostgreSQL, a second of the processor",
    ),
}


def _nobody() -> Iterable[int]:
    return ()


@dataclass(frozen=True, kw_only=True)
class _Side:
    """One that is called, and whose time counts."""

    name: str
    address: str
    pids: Callable[[], Iterable[int]]
    #: who works for it, and counts where the whole is asked for
    beside: Callable[[], Iterable[int]] = _nobody


class CostBench:
    """One process with all parts, on a store of its own; a `module` is measured in the service's place."""

    def __init__(self, stack: BenchStack, plan: Plan, *, module: str = "", label: str = KEY) -> None:
        self._label = label
        self._stack = stack
        self._plan = plan
        self._module = module
        self._whole: list[float] = []

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError."""
        dsn = await self._stack.new_database(self._label)
        async with (
            together(self._stack.worker("client"), self._stack.worker("echo")) as (client, echo),
            self._stack.service("referral", label=self._label, dsn=dsn, module=self._module) as service,
        ):
            address = service.ready.grpc
            await self._stack.apply_directory(address)
            load = CommandLoad(stack=self._stack, plan=self._plan, client=client, label=KEY)
            echo_address = await load.echo_of(echo, address)
            postgres = self._stack.servers.postgres.pid
            self._plan.note(f"{KEY}: echo, service")

            async def settle() -> None:
                await drained([dsn])

            rested = _Side(name="echo", address=echo_address, pids=lambda: [echo.pid])
            working = _Side(
                name="service",
                address=address,
                pids=lambda: [service.pid],
                beside=lambda: with_children(postgres),
            )
            measures: dict[str, Measure] = {
                side.name: self._spent(load, side, settle) for side in (rested, working)
            }
            figures = await in_turns(measures, self._plan.turns, settle)
        return self._section(figures)

    def _spent(self, load: CommandLoad, side: _Side, settle: Callable[[], Awaitable[None]]) -> Measure:
        """Calls a second of the processor that those who answer them took."""

        seconds = max(_SECONDS_MIN, self._plan.seconds)

        async def measure() -> float:
            before, before_beside = processor_seconds(side.pids()), processor_seconds(side.beside())
            found = await load.commands(side.address, side.name, seconds=seconds)
            # What is published afterwards is a command's cost too.
            await settle()
            spent = processor_seconds(side.pids()) - before
            if spent <= 0:
                raise BenchFailed(f"{side.name} took no time of the processor that could be measured")
            if side.name == "service":
                beside = processor_seconds(side.beside()) - before_beside
                self._whole.append(found["answered"] / (spent + beside))
            return float(found["answered"] / spent)

        return measure

    def _section(self, figures: dict[str, tuple[float, ...]]) -> Section:
        values = {**figures, "whole": tuple(self._whole[-self._plan.turns :])}
        rounds = {key: Rounds(key=key, title=_TITLES[key], unit=_UNIT, values=values[key]) for key in _TITLES}
        return Section(
            key=KEY,
            title=BilingualText(zh="一条命令的处理器时间", en="A command in time of the processor"),
            ratios=(
                Ratio(ours=rounds["service"], baseline=rounds["echo"]),
                Ratio(ours=rounds["whole"], baseline=rounds["echo"]),
            ),
            readings=tuple(_microseconds(key, values[key]) for key in _TITLES),
        )


def _microseconds(key: str, per_second: tuple[float, ...]) -> Reading:
    title = {
        "echo": BilingualText(zh="一次回显", en="a call of the echo"),
        "service": BilingualText(zh="一条命令，转诊服务", en="a command, in the referral service"),
        "whole": BilingualText(zh="一条命令，连同 PostgreSQL", en="a command, with PostgreSQL"),
    }[key]
    return Reading(key=f"{key}_us", title=title, unit="µs", value=1e6 / middle(per_second))
