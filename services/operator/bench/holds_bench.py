"""The last bed of a ward, asked for by many at once: how long each waits for an answer, and what it is."""

from collections import Counter
from contextlib import AsyncExitStack
from random import Random
from typing import Any

import grpc

from services.operator.bench.command_load import serve_echo
from services.operator.bench.figures import Ratio, Reading, Section
from services.operator.bench.jobs.rush import WON, draw_id, hold_request
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
from tierlink.type.v1 import type_pb2

KEY = "holds"
#: What whoever asks for a bed may wait while everybody else asks for the same one.
P99_AT_MOST_MS = 50.0
_FACILITY = "bench-county"
#: A ward of a county hospital: all of its beds but one are held.
_BEDS = 40
_REFUSED = "NO_FREE_BED"
_TITLES = {
    "echo": BilingualText(zh="空 gRPC 回显", en="bare grpc.aio echo"),
    "holds": BilingualText(zh="同抢一张空床", en="holds of the last bed"),
}


class HoldsBench:
    """A bed service with all of its parts and one ward."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._tokens = TokenBook(stack.key)
        self._latencies = Latencies(plan.turns)

    async def measure(self) -> Section:
        """Raises BenchFailed when a bed went to nobody or to two, PlatformError, grpc.aio.AioRpcError."""
        dsn = await self._stack.new_database("holds")
        async with AsyncExitStack() as exits:
            client = await exits.enter_async_context(self._stack.worker("rush"))
            echo = await exits.enter_async_context(self._stack.worker("rush-echo"))
            service = await exits.enter_async_context(self._stack.service("bed", label="holds", dsn=dsn))
            reply = await self._fill(service.ready.grpc)
            path = "/tierlink.bed.v1.BedService/HoldBed"
            address = await serve_echo(echo, {path: reply.SerializeToString()})
            self._plan.note(f"{KEY}: {', '.join(_TITLES)}")
            figures = await in_turns(
                {
                    "echo": self._measure(client, "echo", address),
                    "holds": self._measure(client, "holds", service.ready.grpc),
                },
                self._plan.turns,
                # The relay works on while the next round begins, as it does in a hospital.
                nothing_to_settle,
            )
        return self._section(figures)

    async def _fill(self, address: str) -> Any:
        """A ward with one bed free; the reply to the last hold."""
        desk = self._metadata(self._desk)
        random = Random(self._plan.seed)
        async with grpc.aio.insecure_channel(address) as channel:
            beds: Any = bed_service_pb2_grpc.BedServiceStub(channel)
            ward = bed_service_pb2.WardSpecification(
                id=f"{_FACILITY}-stroke", bed_type=type_pb2.BED_TYPE_STROKE_UNIT, bed_count=_BEDS
            )
            apply = bed_service_pb2.ApplyWardsRequest(
                request_id=draw_id(random), facility=_FACILITY, wards=[ward]
            )
            await beds.ApplyWards(apply, metadata=self._metadata(OPERATOR))
            reply = None
            for _ in range(_BEDS - 1):
                reply = await beds.HoldBed(hold_request(_FACILITY, random), metadata=desk)
        return reply

    @property
    def _desk(self) -> Actor:
        return Actor(user="bench-desk", name="Bench desk", facility=_FACILITY, roles=(Role.BED_DESK,))

    def _metadata(self, actor: Actor) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self._tokens.token(actor)}"),)

    def _measure(self, client: Worker, key: str, address: str) -> Measure:
        plan = self._plan

        async def rush() -> dict[str, Any]:
            found = await client.do(
                "rush",
                timeout_s=plan.round_timeout_s(),
                address=address,
                token=self._tokens.token(self._desk),
                facility=_FACILITY,
                callers=plan.concurrency,
                seconds=plan.seconds,
                # A repeated request would be answered without work.
                seed=f"{plan.seed}/{key}/{self._latencies.rounds_count(key)}",
                is_echo=key == "echo",
            )
            if found["wrong"] and key != "echo":
                raise BenchFailed(f"{found['wrong']} times not one had the bed: {found['outcomes']}")
            return found

        return self._latencies.measure(key, rush)

    def _section(self, figures: dict[str, tuple[float, ...]]) -> Section:
        rounds = rounds_of(figures, _TITLES)
        readings = self._latencies.readings(_TITLES, {"holds": P99_AT_MOST_MS})
        readings.append(
            Reading(
                key="won_ms_p50",
                title=BilingualText(zh="得到床位者 p50", en="whoever got the bed, p50"),
                unit="ms",
                value=middle([found["won_ms_p50"] for found in self._latencies.counted("holds")]),
            )
        )
        return Section(
            key=KEY,
            title=BilingualText(zh="最后一张床", en="The last bed"),
            ratios=(Ratio(ours=rounds["holds"], baseline=rounds["echo"]),),
            readings=(*readings, *self._outcomes()),
        )

    def _outcomes(self) -> tuple[Reading, ...]:
        outcomes: Counter[str] = Counter()
        for found in self._latencies.counted("holds"):
            outcomes.update(found["outcomes"])
        others = outcomes.total() - outcomes[WON] - outcomes[_REFUSED]
        said = {
            "won": (BilingualText(zh="得到床位", en="got the bed"), outcomes[WON], None),
            "refused": (
                BilingualText(zh="被告知无空床", en="told that no bed is free"),
                outcomes[_REFUSED],
                None,
            ),
            "unclear": (BilingualText(zh="其他答复", en="told anything else"), others, 0.0),
        }
        return tuple(
            Reading(key=key, title=title, unit="", value=float(value), at_most=at_most)
            for key, (title, value, at_most) in said.items()
        )
