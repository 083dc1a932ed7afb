"""One run: load, faults, rest, and the verdict."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from services.operator.platform.supervision import Process
from services.operator.rpc.people import TokenBook
from services.operator.verification.checkpoint_file import SignedHeads
from tests.faults.bed_checks import BED_CHECKS
from tests.faults.checks import GENERAL_CHECKS, Check
from tests.faults.client import Lines
from tests.faults.collecting import collect, signed_heads
from tests.faults.evidence import Evidence
from tests.faults.history import UNKNOWN, History
from tests.faults.injection import Injection
from tests.faults.jumping_clock import why_no_jumps
from tests.faults.schedule import SERVICES, Fault, FaultKind, draw_schedule
from tests.faults.small_disks import why_no_small_disks
from tests.faults.stand import Stand, kept_up, running_stand
from tests.faults.workload import Hospitals

CHECKS: tuple[Check, ...] = (*GENERAL_CHECKS, *BED_CHECKS)
#: Findings kept of one check: a run that went wrong altogether has thousands.
_FINDINGS_MAX = 20


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run is to do."""

    seed: int
    lasts_s: float = 30.0
    clients: int = 12
    #: None draws it from the seed
    schedule: tuple[Fault, ...] | None = None
    #: a seeded bug; empty for the product as it is
    bug: str = ""

    def faults(self) -> tuple[Fault, ...]:
        """Those that this machine can be hurt by."""
        drawn = draw_schedule(self.seed, lasts_s=self.lasts_s) if self.schedule is None else self.schedule
        return tuple(fault for fault in drawn if fault.kind not in left_out())

    def impossible(self) -> str:
        """Why its bug cannot be shown here; empty where it can."""
        wanted = {fault.kind for fault in self.schedule or ()} if self.bug else set()
        return "; ".join(reason for kind, reason in left_out().items() if kind in wanted)


def left_out() -> dict[FaultKind, str]:
    """Kinds of faults that cannot be had on this machine, each with its reason."""
    reasons = {FaultKind.CLOCK_JUMP: why_no_jumps(), FaultKind.DISK_FULL: why_no_small_disks()}
    return {kind: reason for kind, reason in reasons.items() if reason}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was found, by check; nothing where everything holds."""

    plan: Plan
    history: History
    findings: dict[str, list[str]]
    restarts: Sequence[str]
    begun_at: datetime
    ended_at: datetime
    events_count: int
    records_count: int
    receipts_count: int
    logged_errors: tuple[str, ...] = field(default=())

    @property
    def holds(self) -> bool:
        return not any(self.findings.values())

    @property
    def is_as_it_must_be(self) -> bool:
        """It holds, or it has a seeded bug, and that was found."""
        return self.holds is not bool(self.plan.bug)

    def counts(self) -> dict[str, int]:
        """For whoever asks whether anything happened at all."""
        outcomes = Counter(
            "acknowledged" if call.is_acknowledged else "unknown" if call.outcome == UNKNOWN else "refused"
            for call in self.history.calls
        )
        return {
            "calls": len(self.history.calls),
            **outcomes,
            "sent_again": sum(call.attempts > 1 for call in self.history.calls),
            "faults": len(self.history.faults),
            "in_vain": len(self.history.in_vain),
            **Counter(str(fault.kind) for fault in self.history.faults),
            "restarts": len(self.restarts),
            "events": self.events_count,
            "records": self.records_count,
            "receipts": self.receipts_count,
        }


def judge(history: History, evidence: Evidence) -> dict[str, list[str]]:
    """Every check over what there is."""
    found: dict[str, list[str]] = {}
    for check in CHECKS:
        findings = list(check(history, evidence))
        if findings:
            found[check.__name__] = findings[:_FINDINGS_MAX]
    return found


async def run(plan: Plan) -> Verdict:
    """Raises PlatformError or EmbeddedError where a process does not come up again."""
    async with running_stand(bug=plan.bug, hurt_by={fault.kind for fault in plan.faults()}) as stand:
        return await run_on(stand, plan)


async def run_on(stand: Stand, plan: Plan) -> Verdict:
    """A run on a stand that is there; it is left up and at rest."""
    history = History(seed=plan.seed)
    restarts: list[str] = []
    begun_at = datetime.now(UTC)
    async with kept_up(stand, restarts):
        kept = await _load(stand, plan, history)
        await _mended(stand)
        evidence = await collect(stand, history, kept)
    return Verdict(
        plan=plan,
        history=history,
        findings=judge(history, evidence),
        restarts=tuple(restarts),
        begun_at=begun_at,
        ended_at=datetime.now(UTC),
        events_count=sum(len(store.events) for store in evidence.stores.values()),
        records_count=len(evidence.records),
        receipts_count=len(evidence.receipts),
        logged_errors=_logged_errors(stand),
    )


async def _load(stand: Stand, plan: Plan, history: History) -> list[SignedHeads]:
    """The clients and the faults side by side. Checkpoints are signed before the first fault."""
    kept = await signed_heads(stand)
    lines = Lines({service: stand.ports_of(service) for service in SERVICES})
    hospitals = Hospitals(plan.seed, lines, TokenBook(stand.key), history, clients=plan.clients)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(hospitals.run(time.monotonic() + plan.lasts_s))
            group.create_task(Injection(stand, history).run(plan.faults()))
    finally:
        await lines.close()
    return kept


async def _mended(stand: Stand) -> None:
    """Returns when every process is up."""
    up: list[Process] = [*stand.instances.values(), stand.servers.kafka, stand.servers.postgres]
    async with asyncio.timeout(60):
        for process in up:
            while not process.is_running:  # noqa: ASYNC110 - nobody tells of it but the process table
                await asyncio.sleep(0.1)


def _logged_errors(stand: Stand) -> tuple[str, ...]:
    lines = [
        f"{name}: {line}"
        for name, instance in stand.instances.items()
        for line in instance.log_path.read_text("utf-8", errors="replace").splitlines()
        if '"level":"error"' in line or line.startswith("Traceback")
    ]
    return tuple(lines[-40:])
