"""How fast offices read where there are many referrals, in a network of three hundred facilities.

The rows are those that a running service writes, for other patients and facilities: their chains are whole
and their snapshots decode, which is checked through gRPC before anything is timed.
"""

import asyncio
import time
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from random import Random

import asyncpg
import grpc

from services.operator.bench.figures import Ratio, Reading, Section
from services.operator.bench.latencies import Latencies, nothing_to_settle, rounds_of
from services.operator.bench.network import communities, facilities, journey
from services.operator.bench.plan import Plan
from services.operator.bench.reading_cases import PATH, Case, deep_pages, first_pages
from services.operator.bench.stack import BenchStack
from services.operator.bench.templates import DESTINATION, TemplateWriter
from services.operator.bench.turns import in_turns
from services.operator.bench.worker_process import BenchFailed, Worker
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.rpc.calling import Caller
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import OPERATOR, TokenBook
from services.operator.rpc.values import build_message
from services.shared.kernel.actor import Actor, Role
from services.shared.kernel.text import BilingualText
from services.shared.rpc.channels import Addresses, open_channels
from tierlink.referral.v1 import referral_service_pb2

KEY = "reading"
#: What an office may wait for a page or a referral.
P99_AT_MOST_MS = 20.0
#: The promise is made for so many: what a smaller store shows is no proof of it.
REFERRALS_AT_LEAST = 1_000_000
#: Who reads waits for each answer before he asks again.
CALLERS = 1
_WRITERS = 2
_FILL_TIMEOUT_S = 1_800.0
_SAMPLED = 20
_NAMES = 2_000
_BASELINES = {
    "select": BilingualText(zh="asyncpg 主键查询一行", en="asyncpg, a row by primary key"),
    "select_50": BilingualText(zh="asyncpg 主键查询五十行", en="asyncpg, fifty rows by primary key"),
}


@dataclass(frozen=True, kw_only=True)
class Filled:
    """What lies in the database now."""

    events: int
    seconds: float
    #: referrals of the largest hospital
    names: list[str]


class ReadingBench:
    """Fills the referral service's database, then reads from it."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._tokens = TokenBook(stack.key)
        self._latencies = Latencies(plan.turns)

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, CallFailed, grpc.aio.AioRpcError."""
        dsn = await self._stack.new_database("reading")
        async with (
            self._stack.service("referral", label="read", parts="grpc", dsn=dsn) as service,
            self._stack.worker("reader") as worker,
        ):
            address = service.ready.grpc
            filled = await self.fill(address, dsn)
            await self._check(address, filled)
            cases = await self._cases(address, filled)
            timed = {
                "select": partial(self._select, worker, dsn, filled, 1),
                "get": partial(self.time, worker, address, cases[0]),
                "select_50": partial(self._select, worker, dsn, filled, 50),
                "list": partial(self.time, worker, address, cases[1]),
            }
            self._plan.note(f"{KEY}: {', '.join(timed)}")
            figures = await in_turns(
                {key: self._latencies.measure(key, each) for key, each in timed.items()},
                self._plan.turns,
                nothing_to_settle,
            )
            self._plan.note(f"{KEY}: {len(cases) - 2} other lists")
            for case in cases[2:]:
                self._latencies.keep(case.key, await self.time(worker, address, case))
        return self._section(filled, cases, figures)

    async def fill(self, address: str, dsn: str) -> Filled:
        """Writes the referrals into a service's database. Raises BenchFailed, CallFailed."""
        plan = self._plan
        plan.note(f"{KEY}: {plan.referrals} referrals")
        lives = await self._templates(address)
        connection = await asyncpg.connect(dsn)
        begun_s = time.perf_counter()
        try:
            base = int(await connection.fetchval("SELECT last_value FROM streams_changed"))
            position = base + plan.referrals * 2 + 2
            await connection.execute("SELECT setval('streams_changed', $1::bigint)", position)
            bounds = [plan.referrals * part // _WRITERS for part in range(_WRITERS + 1)]
            counts = await asyncio.gather(
                *(self._fill_part(dsn, lives, first, until, base) for first, until in pairwise(bounds))
            )
            await connection.execute("VACUUM ANALYZE", timeout=_FILL_TIMEOUT_S)
            await connection.execute("CHECKPOINT", timeout=_FILL_TIMEOUT_S)
        finally:
            await connection.close()
        return Filled(
            events=sum(counts),
            seconds=time.perf_counter() - begun_s,
            names=self._names_of_the_largest(),
        )

    def _names_of_the_largest(self) -> list[str]:
        """Referrals of the largest hospital, in no order."""
        found: list[str] = []
        random = Random(self._plan.seed)
        for _ in range(self._plan.referrals):
            whose = journey(random.randrange(self._plan.referrals), self._plan.seed)
            if whose.destination == DESTINATION:
                found.append(whose.referral)
            if len(found) == _NAMES:
                break
        return found

    async def _fill_part(
        self, dsn: str, lives: list[tuple[int, str, str]], first: int, until: int, base: int
    ) -> int:
        async with self._stack.worker(f"writer-{first}") as worker:
            done = await worker.do(
                "fill",
                timeout_s=_FILL_TIMEOUT_S,
                dsn=dsn,
                lives=lives,
                first=first,
                until=until,
                total=self._plan.referrals,
                seed=self._plan.seed,
                base=base,
            )
        return int(done["events"])

    async def _templates(self, address: str) -> list[tuple[int, str, str]]:
        async with open_channels(Addresses(referral=address, bed=address, notification=address)) as channels:
            caller = Caller(channels)
            # With the sample's beside them, among which commands are carried out.
            sample = read_case(DEFAULT_CASE).site.directory.fields()
            fields = {**sample, "request_id": "00000000-0000-4000-8000-00000000b001"}
            request = build_message(rpc_methods()["ApplyDirectory"].request, fields)
            for name, values in (("facilities", facilities()), ("communities", communities())):
                getattr(request, name).extend(values)
            await caller.call(rpc_methods()["ApplyDirectory"], request, self._tokens.token(OPERATOR))
            return [life async for life in TemplateWriter(caller, self._tokens).live()]

    async def _check(self, address: str, filled: Filled) -> None:
        """The rows are real: states are what the events say, and no link of a chain is broken."""
        metadata = (("authorization", f"Bearer {self._tokens.token(OPERATOR)}"),)
        async with grpc.aio.insecure_channel(address) as channel:
            verify = channel.unary_unary(
                f"{PATH}/VerifyTimeline",
                request_serializer=referral_service_pb2.VerifyTimelineRequest.SerializeToString,
                response_deserializer=referral_service_pb2.VerifyTimelineResponse.FromString,
            )
            for name in filled.names[:_SAMPLED]:
                found = await verify(referral_service_pb2.VerifyTimelineRequest(name=name), metadata=metadata)
                if not found.intact:
                    raise BenchFailed(f"{name} was written wrong: {found.findings}")

    def usual(self, filled: Filled) -> list[Case]:
        """GetReferral, and the first page of all that there is."""
        return first_pages(filled.names)[:2]

    async def _cases(self, address: str, filled: Filled) -> list[Case]:
        cases = first_pages(filled.names)
        async with grpc.aio.insecure_channel(address) as channel:
            return cases + await deep_pages(channel, self._token(Role.CLINICIAN, DESTINATION))

    def _token(self, role: Role, facility: str) -> str:
        actor = Actor(user=f"bench-{role.value}", name="Bench", facility=facility, roles=(role,))
        return self._tokens.token(actor)

    async def time(self, worker: Worker, address: str, case: Case) -> dict[str, float]:
        """One round of a case. Raises BenchFailed."""
        return await worker.do(
            "read",
            timeout_s=self._plan.round_timeout_s(),
            address=address,
            path=case.path,
            token=self._token(case.role, case.facility),
            requests=[request.SerializeToString().hex() for request in case.requests],
            seconds=self._plan.seconds,
        )

    async def _select(self, worker: Worker, dsn: str, filled: Filled, rows: int) -> dict[str, float]:
        return await worker.do(
            "select",
            timeout_s=self._plan.round_timeout_s(),
            dsn=dsn,
            names=filled.names,
            rows=rows,
            seconds=self._plan.seconds,
        )

    def _section(self, filled: Filled, cases: list[Case], figures: dict[str, tuple[float, ...]]) -> Section:
        titles = {**_BASELINES, **{case.key: case.title for case in cases}}
        rounds = rounds_of(figures, titles)
        promised = dict.fromkeys((key for key in titles if key not in _BASELINES), P99_AT_MOST_MS)
        readings = self._latencies.readings(titles, promised)
        readings.extend(_terms(self._plan.referrals))
        readings.append(
            Reading(
                key="fill_s",
                title=BilingualText(
                    zh=f"写入 {self._plan.referrals} 份转诊、{filled.events} 个事件",
                    en=f"writing {self._plan.referrals} referrals, {filled.events} events",
                ),
                unit="s",
                value=filled.seconds,
            )
        )
        return Section(
            key=KEY,
            title=BilingualText(zh="读取", en="Reading"),
            ratios=(
                Ratio(ours=rounds["get"], baseline=rounds["select"]),
                Ratio(ours=rounds["list"], baseline=rounds["select_50"]),
            ),
            readings=tuple(readings),
            curves=self._latencies.curves(
                {key: titles[key] for key in ("select", "get", "select_50", "list")}
            ),
        )


def _terms(referrals: int) -> tuple[Reading, Reading]:
    """What the latencies hold for."""
    return (
        Reading(
            key="referrals",
            title=BilingualText(zh="库中转诊", en="referrals in the store"),
            unit="",
            value=referrals,
            at_least=REFERRALS_AT_LEAST,
        ),
        Reading(
            key="callers", title=BilingualText(zh="同时读取", en="callers at once"), unit="", value=CALLERS
        ),
    )
