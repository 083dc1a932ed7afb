"""How fast it is told what is free, where a thousand facilities have a hundred thousand beds."""

from contextlib import AsyncExitStack
from typing import Any

import grpc

from services.operator.bench.command_load import serve_echo
from services.operator.bench.figures import Ratio, Reading, Section
from services.operator.bench.jobs.wards import BEDS
from services.operator.bench.latencies import Latencies, nothing_to_settle, rounds_of
from services.operator.bench.plan import Plan
from services.operator.bench.stack import BenchStack
from services.operator.bench.statistics import middle
from services.operator.bench.turns import Measure, in_turns
from services.operator.bench.worker_process import BenchFailed, Worker
from services.operator.rpc.people import OPERATOR, TokenBook
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.text import BilingualText
from tierlink.bed.v1 import bed_service_pb2, bed_service_pb2_grpc

KEY = "availability"
GET_MS_P99_AT_MOST = 20.0
WATCH_S_AT_MOST = 1.0
#: Facilities of one county: its hospitals, township health centres and branches.
COUNTY = 30
_FILL_TIMEOUT_S = 600.0
_PATH = "/tierlink.bed.v1.BedService/GetAvailability"
_TITLES = {
    "echo": BilingualText(zh="空 gRPC 回显，同样答复", en="bare grpc.aio echo of the same reply"),
    "get": BilingualText(
        zh=f"GetAvailability，一县 {COUNTY} 家机构", en=f"GetAvailability of a county of {COUNTY} facilities"
    ),
}


class AvailabilityBench:
    """A bed service that knows a province."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._tokens = TokenBook(stack.key)
        self._facilities = [f"f{number:04d}" for number in range(plan.facilities)]
        self._latencies = Latencies(plan.turns)

    async def measure(self) -> Section:
        """Raises BenchFailed when a bed is missing, PlatformError, grpc.aio.AioRpcError."""
        plan = self._plan
        dsn = await self._stack.new_database(KEY)
        async with AsyncExitStack() as exits:
            client = await exits.enter_async_context(self._stack.worker("wards"))
            echo = await exits.enter_async_context(self._stack.worker("wards-echo"))
            # Without the relay: what others would do with so many events is not what is measured.
            service = await exits.enter_async_context(
                self._stack.service("bed", label=KEY, dsn=dsn, parts="grpc")
            )
            address = service.ready.grpc
            plan.note(f"{KEY}: {plan.facilities * BEDS} beds")
            filled = await client.do(
                "fill_wards",
                timeout_s=_FILL_TIMEOUT_S,
                address=address,
                token=self._tokens.token(OPERATOR),
                facilities=self._facilities,
                desks={facility: self._token(Role.BED_DESK, facility) for facility in self._county},
                seed=f"{plan.seed}/wards",
                callers=plan.concurrency,
            )
            reply = await self._reply(address)
            echo_address = await serve_echo(echo, {_PATH: reply.SerializeToString()})
            plan.note(f"{KEY}: {', '.join(_TITLES)}")
            figures = await in_turns(
                {
                    "echo": self._measure(client, "echo", echo_address),
                    "get": self._measure(client, "get", address),
                },
                plan.turns,
                nothing_to_settle,
            )
            watched = await client.do(
                "watch_picture",
                timeout_s=_FILL_TIMEOUT_S,
                address=address,
                token=self._reader,
                times=plan.turns + 1,
            )
        if watched["beds"] != plan.facilities * BEDS:
            raise BenchFailed(f"the picture has {watched['beds']} beds of {plan.facilities * BEDS}")
        return self._section(figures, filled["seconds"], watched)

    @property
    def _county(self) -> list[str]:
        return self._facilities[:COUNTY]

    def _token(self, role: Role, facility: str) -> str:
        actor = Actor(user=f"bench-{role.value}", name="Bench", facility=facility, roles=(role,))
        return self._tokens.token(actor)

    @property
    def _reader(self) -> str:
        return self._token(Role.CLINICIAN, self._facilities[0])

    async def _reply(self, address: str) -> Any:
        """What the service answers for the county. Raises BenchFailed when beds are missing."""
        metadata = (("authorization", f"Bearer {self._reader}"),)
        async with grpc.aio.insecure_channel(address) as channel:
            stub: Any = bed_service_pb2_grpc.BedServiceStub(channel)
            reply = await stub.GetAvailability(self._request(), metadata=metadata)
        beds = sum(found.counts.beds for found in reply.availabilities)
        if beds != len(self._county) * BEDS:
            raise BenchFailed(f"the county has {beds} beds of {len(self._county) * BEDS}")
        return reply

    def _request(self) -> bed_service_pb2.GetAvailabilityRequest:
        return bed_service_pb2.GetAvailabilityRequest(facilities=self._county)

    def _measure(self, client: Worker, key: str, address: str) -> Measure:
        async def read() -> dict[str, Any]:
            return await client.do(
                "read",
                timeout_s=self._plan.round_timeout_s(),
                address=address,
                path=_PATH,
                token=self._reader,
                requests=[self._request().SerializeToString().hex()],
                seconds=self._plan.seconds,
            )

        return self._latencies.measure(key, read)

    def _section(
        self, figures: dict[str, tuple[float, ...]], fill_s: float, watched: dict[str, Any]
    ) -> Section:
        rounds = rounds_of(figures, _TITLES)
        readings = self._latencies.readings(_TITLES, {"get": GET_MS_P99_AT_MOST})
        beds, messages = watched["beds"], watched["messages"]
        picture = Reading(
            key="watch_s",
            title=BilingualText(
                zh=f"WatchAvailability 全图，{beds} 张床、{messages} 条",
                en=f"WatchAvailability, the whole picture: {beds} beds in {messages} messages",
            ),
            unit="s",
            # The first one opens connections and plans statements.
            value=middle(watched["seconds"][1:]),
            at_most=WATCH_S_AT_MOST,
        )
        fill = Reading(
            key="fill_s", title=BilingualText(zh="写入病区", en="writing the wards"), unit="s", value=fill_s
        )
        return Section(
            key=KEY,
            title=BilingualText(zh="空床查询", en="What is free"),
            ratios=(Ratio(ours=rounds["get"], baseline=rounds["echo"]),),
            readings=(*readings, picture, fill),
        )
