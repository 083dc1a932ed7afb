"""A province in its busiest hour: referrals, questions, beds, alerts and reads at once, as they come.

Whatever was answered must be there at the end, and nothing may be left that is still to be published.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from services.operator.bench.command_load import serve_echo
from services.operator.bench.draining import drained
from services.operator.bench.figures import Section
from services.operator.bench.plan import Plan
from services.operator.bench.platform_memory import families, platform_memory
from services.operator.bench.processor import processor_seconds
from services.operator.bench.province import network
from services.operator.bench.province.findings import Findings, Turn, section_of
from services.operator.bench.stack import BenchStack, Platform, bench_stack
from services.operator.bench.together import together
from services.operator.bench.worker_process import BenchFailed, Worker
from services.operator.rpc.people import TokenBook
from services.shared.rpc.channels import SERVICES

KEY = "province"
#: Of a few seconds each, to the end of what began in them; the others of the plan would take too long.
_TURNS_MAX = 3
#: Between the moments at which two steps of a course are due.
_GAP_S = 0.2
#: For the last of the courses to end.
_END_TIMEOUT_S = 180.0
_SHOWN_MAX = 10
_STORED = "SELECT stream_id, kind, version FROM streams"


class ProvinceBench:
    """On servers of its own: what is there at the end is what it did."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    async def measure(self) -> Section:
        """Raises BenchFailed, PlatformError, CallFailed, DependencyDown."""
        async with bench_stack() as stack:
            async with (
                stack.platform(network.site()) as platform,
                together(stack.worker("hospitals"), stack.worker("echo")) as (client, echo),
            ):
                section = await _Played(platform, self._plan, client).measure(echo)
            return replace(section, memory=stack.memory.take())


@dataclass(kw_only=True)
class _Answered:
    """What the services said that they did, in all rounds."""

    versions: dict[str, int] = field(default_factory=dict)
    created: int = 0

    def add(self, found: Mapping[str, Any]) -> None:
        self.versions |= found["versions"]
        self.created += found["created"]


class _Played:
    """The rounds on one platform."""

    def __init__(self, platform: Platform, plan: Plan, client: Worker) -> None:
        self._platform = platform
        self._stack: BenchStack = platform.stack
        self._plan = plan
        self._client = client
        book = TokenBook(self._stack.key)
        self._tokens = {key: book.token(actor) for key, actor in network.people().items()}
        self._answered = _Answered()

    async def measure(self, echo: Worker) -> Section:
        plan = self._plan
        turns = min(plan.turns, _TURNS_MAX)
        plan.note(f"{KEY}: every course once")
        first = await self._round(0.0, "first")
        replies = {path: bytes.fromhex(reply) for path, reply in first["replies"].items()}
        address = await serve_echo(echo, replies)
        found: list[Turn] = []
        for turn in range(1, turns + 1):
            plan.note(f"{KEY}: {plan.provinces:g} provinces, echo ({turn}/{turns})")
            before = self._spent()
            begun_s = time.perf_counter()
            played = await self._round(plan.province_seconds, str(turn))
            played_s = time.perf_counter() - begun_s
            await drained(self._dsns())
            drained_s = time.perf_counter() - begun_s - played_s
            after = self._spent()
            bare = await self._client.do(
                "province_again", timeout_s=self._timeout_s(), address=address, tokens=self._tokens
            )
            nothing_failed("echo", bare)
            found.append(
                Turn(
                    played=played,
                    bare=bare,
                    played_s=played_s,
                    drained_s=drained_s,
                    processor_s={name: after[name] - before[name] for name in before},
                )
            )
        stored = await self._stored()
        return section_of(
            Findings(
                plan=plan,
                turns=found,
                created=self._answered.created,
                stored=stored,
                memory=platform_memory(self._platform),
            )
        )

    async def _round(self, seconds: float, name: str) -> dict[str, Any]:
        found = await self._client.do(
            "province",
            timeout_s=self._timeout_s(),
            addresses=dict(self._platform.addresses.by_service()),
            tokens=self._tokens,
            provinces=self._plan.provinces,
            seconds=seconds,
            gap_s=_GAP_S,
            seed=f"{self._plan.seed}/{KEY}/{name}",
        )
        nothing_failed(KEY, found)
        if not found["courses"]:
            raise BenchFailed(
                f"{KEY}: no course began in {seconds:g} s: more provinces are wanted, or seconds"
            )
        self._answered.add(found)
        return found

    def _spent(self) -> dict[str, float]:
        """Time of the processor by service and server."""
        return {name: processor_seconds(pids) for name, pids in families(self._platform).items()}

    def _dsns(self) -> list[str]:
        return [self._stack.dsn(service) for service in SERVICES]

    def _timeout_s(self) -> float:
        return self._plan.province_seconds + _END_TIMEOUT_S

    async def _stored(self) -> int:
        """The referrals in the store. Raises BenchFailed when something that was answered is not there."""
        stored: dict[str, tuple[str, int]] = {}
        for dsn in self._dsns():
            connection = await asyncpg.connect(dsn)
            try:
                rows = await connection.fetch(_STORED)
            finally:
                await connection.close()
            stored |= {row["stream_id"]: (row["kind"], row["version"]) for row in rows}
        return stored_as_answered(stored, self._answered.versions, created=self._answered.created)


def stored_as_answered(
    stored: Mapping[str, tuple[str, int]], answered: Mapping[str, int], *, created: int
) -> int:
    """How many referrals are in the store, of kinds and versions by name, beside what was answered.

    Raises BenchFailed when a version that was answered is not there, or there are more or fewer referrals
    than were answered for.
    """
    missing = [
        f"{name} version {version}"
        for name, version in answered.items()
        if stored.get(name, ("", 0))[1] < version
    ]
    if missing:
        shown = ", ".join(missing[:_SHOWN_MAX])
        raise BenchFailed(f"{KEY}: {len(missing)} answers are of what is not in the store: {shown}")
    referrals = sum(kind == "referral" for kind, _ in stored.values())
    if referrals != created:
        raise BenchFailed(f"{KEY}: {referrals} referrals in the store, {created} were answered for")
    return referrals


def nothing_failed(what: str, found: Mapping[str, Any]) -> None:
    """Raises BenchFailed when a call failed: a figure of the others would be one of another load."""
    failures: Mapping[str, int] = found["failures"]
    if failures:
        shown = "; ".join(f"{count} × {said}" for said, count in list(failures.items())[:_SHOWN_MAX])
        raise BenchFailed(f"{what}: {sum(failures.values())} courses could not go on: {shown}")
