"""How fast a service verifies every chain of its store, beside SHA-256 alone over the same bytes."""

import time

from services.operator.bench.figures import Ratio, Reading, Rounds, Section
from services.operator.bench.latencies import nothing_to_settle
from services.operator.bench.plan import Plan
from services.operator.bench.stack import BenchStack
from services.operator.bench.turns import in_turns
from services.operator.bench.worker_process import BenchFailed, Worker
from services.operator.rpc.calling import Caller
from services.operator.rpc.people import OPERATOR, TokenBook
from services.shared.kernel.text import BilingualText
from services.shared.rpc.channels import Addresses, open_channels
from tierlink.audit.v1 import audit_service_pb2

KEY = "audit"

_PATH = "/tierlink.audit.v1.AuditService/VerifyChains"
_TIMEOUT_S = 300.0


class AuditBench:
    """Measures on the database that the benches before it filled; writes some lives where there are none."""

    def __init__(self, stack: BenchStack, plan: Plan) -> None:
        self._stack = stack
        self._plan = plan
        self._events = 0

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, grpc.aio.AioRpcError."""
        async with (
            self._stack.service("referral", label="audited") as service,
            self._stack.worker("hashing") as worker,
        ):
            address = service.ready.grpc
            await self._stack.apply_directory(address)
            await self._some_lives(worker, address)

            async def hashing() -> float:
                found = await worker.do("hash", timeout_s=_TIMEOUT_S, dsn=self._stack.dsn("referral"))
                return float(found["per_second"])

            async def verifying() -> float:
                return await self._verify(address)

            self._plan.note(f"{KEY}: sha256, verify")
            figures = await in_turns(
                {"sha256": hashing, "verify": verifying}, self._plan.turns, nothing_to_settle
            )
        ours = Rounds(
            key="verify",
            title=BilingualText(zh="核验审计链", en="VerifyChains"),
            unit="/s",
            values=figures["verify"],
        )
        baseline = Rounds(
            key="sha256",
            title=BilingualText(zh="仅计算 SHA-256", en="SHA-256 alone"),
            unit="/s",
            values=figures["sha256"],
        )
        events = Reading(
            key="events",
            title=BilingualText(zh="核验的事件数", en="events verified"),
            unit="",
            value=float(self._events),
        )
        return Section(
            key=KEY,
            title=BilingualText(zh="每秒核验事件数", en="Events verified a second"),
            ratios=(Ratio(ours=ours, baseline=baseline),),
            readings=(events,),
        )

    async def _some_lives(self, worker: Worker, address: str) -> None:
        await worker.do(
            "load",
            timeout_s=self._plan.round_timeout_s(),
            address=address,
            tokens=self._stack.tokens(),
            concurrency=self._plan.concurrency,
            seconds=self._plan.seconds,
            seed=f"{self._plan.seed}/audit",
        )

    async def _verify(self, address: str) -> float:
        token = TokenBook(self._stack.key).token(OPERATOR)
        last = audit_service_pb2.VerifyChainsResponse()
        begun_s = time.perf_counter()
        async with open_channels(Addresses(referral=address, bed=address, notification=address)) as channels:
            request = audit_service_pb2.VerifyChainsRequest()
            async for data in Caller(channels).stream(_PATH, "referral", request, token):
                last = audit_service_pb2.VerifyChainsResponse.FromString(data)
        seconds = time.perf_counter() - begun_s
        if not last.complete or last.findings_count:
            raise BenchFailed(f"the audit trail of the bench has {last.findings_count} findings")
        self._events = last.events_count
        return last.events_count / seconds
