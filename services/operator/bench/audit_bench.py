"""How fast the chains of a store are verified, beside SHA-256 alone over the same bytes."""

import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.latencies import nothing_to_settle
from services.operator.bench.plan import Plan
from services.operator.bench.reading_bench import ReadingBench
from services.operator.bench.stack import BenchStack
from services.operator.bench.turns import Measure, in_turns
from services.operator.bench.worker_process import BenchFailed
from services.operator.rpc.calling import Caller
from services.operator.rpc.people import OPERATOR, TokenBook
from services.shared.kernel.text import BilingualText
from services.shared.rpc.channels import Addresses, open_channels
from tierlink.audit.v1 import audit_service_pb2 as pb

KEY = "audit"

_PATH = "/tierlink.audit.v1.AuditService/VerifyChains"
_TIMEOUT_S = 300.0
#: More are no better proof, and take longer to write and to fold.
_REFERRALS_MAX = 40_000
_PROCESSES = 2
#: Of what one process does alone; once through the store in any case.
_ROUND_S_MAX = 0.5

_TITLES = {
    "chains": BilingualText(zh="单进程核验链", en="chains, one process"),
    "processes": BilingualText(
        zh="VerifyChains 仅链，二进程，启动后",
        en="VerifyChains, links, two processes, once they run",
    ),
    "sha256": BilingualText(zh="仅计算 SHA-256", en="SHA-256 alone"),
    "read": BilingualText(zh="读取并计算 SHA-256", en="reading and SHA-256 alone"),
}


class AuditBench:
    """Measures on a store of its own, filled as the reading bench fills its: larger than any cache."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = replace(plan, referrals=min(plan.referrals, _REFERRALS_MAX))
        self._events = 0

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, CallFailed, grpc.aio.AioRpcError."""
        dsn = await self._stack.new_database("audit")
        async with (
            self._stack.service("referral", label="audited", parts="grpc", dsn=dsn) as service,
            self._stack.worker("hashing") as worker,
        ):
            address = service.ready.grpc
            await ReadingBench(self._stack, self._plan).fill(address, dsn)

            seconds = min(_ROUND_S_MAX, self._plan.seconds)

            async def timed(job: str) -> float:
                found = await worker.do(job, timeout_s=_TIMEOUT_S, dsn=dsn, seconds=seconds)
                if found.get("findings"):
                    raise BenchFailed(f"the audit trail of the bench has {found['findings']} findings")
                return float(found["per_second"])

            self._plan.note(f"{KEY}: sha256, chains, VerifyChains")
            measures: dict[str, Measure] = {
                "sha256": partial(timed, "hash"),
                "chains": partial(timed, "verify_chains"),
                "read": partial(timed, "read_and_hash"),
                "processes": partial(self._verify, address, pb.VERIFICATION_DEPTH_CHAINS),
            }
            figures = await in_turns(measures, self._plan.turns, nothing_to_settle)
            # Once: it takes a hundred times as long as the links alone.
            states = await self._verify(address, pb.VERIFICATION_DEPTH_STATES)
        return self._section(figures, states)

    def _section(self, figures: Mapping[str, tuple[float, ...]], states: float) -> Section:
        rounds = {
            key: Rounds(key=key, title=title, unit="/s", values=figures[key])
            for key, title in _TITLES.items()
        }
        events = Reading(
            key="events",
            title=BilingualText(zh="核验的事件数", en="events verified"),
            unit="",
            value=float(self._events),
        )
        with_states = Reading(
            key="states",
            title=BilingualText(zh="VerifyChains 含状态", en="VerifyChains with states"),
            unit="/s",
            value=states,
        )
        return Section(
            key=KEY,
            title=BilingualText(zh="每秒核验事件数", en="Events verified a second"),
            ratios=(
                Ratio(ours=rounds["processes"], baseline=rounds["sha256"], at_least=0.5),
                Ratio(ours=rounds["chains"], baseline=rounds["sha256"]),
                Ratio(ours=rounds["chains"], baseline=rounds["read"]),
            ),
            readings=(events, with_states),
        )

    async def _verify(self, address: str, depth: pb.VerificationDepth.ValueType) -> float:
        """Events a second once the processes run: what they take to start is the same for any store.

        Of a store so small that all of it is verified at the first word of it, their start counts too.
        """
        token = TokenBook(self._stack.key).token(OPERATOR)
        last = first = pb.VerifyChainsResponse()
        asked_s = begun_s = time.perf_counter()
        async with open_channels(Addresses(referral=address, bed=address, notification=address)) as channels:
            request = pb.VerifyChainsRequest(depth=depth, processes=_PROCESSES)
            async for data in Caller(channels).stream(_PATH, "referral", request, token):
                last = pb.VerifyChainsResponse.FromString(data)
                if last.events_count and not first.events_count:
                    first, begun_s = last, time.perf_counter()
        ended_s = time.perf_counter()
        if not last.complete or last.findings_count:
            raise BenchFailed(f"the audit trail of the bench has {last.findings_count} findings")
        self._events = last.events_count
        if last.events_count == first.events_count:
            return last.events_count / (ended_s - asked_s)
        return (last.events_count - first.events_count) / (ended_s - begun_s)
