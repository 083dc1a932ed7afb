"""What takes all three services: from a command to its alert, and the memory of everything together."""

from collections.abc import Mapping
from typing import Any

from services.operator.bench.figures import Reading, Section
from services.operator.bench.memory import memory_bytes, parent_of, with_children
from services.operator.bench.plan import Plan
from services.operator.bench.stack import Platform
from services.operator.bench.worker_process import BenchFailed
from services.operator.platform.service_process import ServiceProcess
from services.shared.kernel.text import BilingualText

ALERTS = "alerts"
MEMORY = "memory"
#: Commands a second up to which each is promised, with p50 and p99 from command to alert.
ALERT_MS_AT_MOST: tuple[tuple[float, float | None, float], ...] = ((50.0, 25.0, 100.0), (200.0, None, 40.0))
MEMORY_MIB_AT_MOST = 1536.0

_MIB = 1024 * 1024
_PROCESSES = {
    "kafka": BilingualText(zh="Kafka", en="Kafka"),
    "postgres": BilingualText(zh="PostgreSQL", en="PostgreSQL"),
    "referral": BilingualText(zh="转诊服务", en="referral service"),
    "bed": BilingualText(zh="床位服务", en="bed service"),
    "notification": BilingualText(zh="提醒服务", en="notification service"),
}


class WholeStackBench:
    """Measures on a platform that has done nothing yet: its memory is that of this work."""

    def __init__(self, platform: Platform, plan: Plan) -> None:
        self._platform = platform
        self._stack = platform.stack
        self._plan = plan

    async def measure(self, wanted: frozenset[str]) -> list[Section]:
        """Those of ALERTS and MEMORY that are wanted. Raises BenchFailed, PlatformError."""
        sections: list[Section] = []
        addresses = self._platform.addresses
        async with self._stack.worker("alerts") as worker:
            self._plan.note(f"{ALERTS}: {self._plan.alert_rate:g}/s")
            found = await worker.do(
                "alerts",
                timeout_s=self._plan.alert_seconds + 120,
                referral=addresses.referral,
                notification=addresses.notification,
                tokens=self._stack.tokens(),
                rate=self._plan.alert_rate,
                # Memory is looked at after some work, not before any.
                seconds=self._plan.alert_seconds if ALERTS in wanted else 2.0,
                seed=self._plan.seed,
            )
        if ALERTS in wanted:
            sections.append(alert_section(found, self._plan.alert_rate))
        if MEMORY in wanted:
            sections.append(self._memory(self._platform.services))
        return sections

    def _memory(self, services: Mapping[str, ServiceProcess]) -> Section:
        servers = {"kafka": self._stack.servers.kafka.pid, "postgres": self._stack.servers.postgres.pid}
        pids = {**servers, **{name: process.pid for name, process in services.items()}}
        # Each has a guardian, which started it.
        families = {name: {*with_children(pid), parent_of(pid)} for name, pid in pids.items()}
        readings: list[Reading] = []
        for what, key, title in (
            ("Pss", "pss", BilingualText(zh="合计（共享只计一次）", en="all together, what is shared once")),
            ("Rss", "rss", BilingualText(zh="合计 RSS", en="all together, RSS")),
        ):
            total = memory_bytes((pid for family in families.values() for pid in family), what)
            if total is not None:
                at_most = MEMORY_MIB_AT_MOST if what == "Pss" else None
                readings.append(
                    Reading(key=key, title=title, unit="MiB", value=total / _MIB, at_most=at_most)
                )
        if not readings:
            raise BenchFailed("this system does not tell how much memory a process takes")
        for name, family in families.items():
            found = memory_bytes(family, "Pss")
            if found is not None:
                readings.append(
                    Reading(key=f"pss_{name}", title=_PROCESSES[name], unit="MiB", value=found / _MIB)
                )
        return Section(key=MEMORY, title=BilingualText(zh="内存", en="Memory"), readings=tuple(readings))


def _promised(rate: float) -> tuple[float | None, float | None]:
    """The bounds of p50 and p99 at this rate; nothing is promised of one above all."""
    for up_to, p50_ms, p99_ms in ALERT_MS_AT_MOST:
        if rate <= up_to:
            return p50_ms, p99_ms
    return None, None


def alert_section(found: Mapping[str, Any], rate: float) -> Section:
    """What alerts of so many commands a second took, beside what is promised of that rate."""
    p50_at_most, p99_at_most = _promised(rate)
    titles = {
        "alert_ms_p50": (
            BilingualText(zh="命令到提醒 p50", en="command to alert, p50"),
            p50_at_most,
        ),
        "alert_ms_p99": (
            BilingualText(zh="命令到提醒 p99", en="command to alert, p99"),
            p99_at_most,
        ),
        "answer_ms_p50": (BilingualText(zh="命令到答复 p50", en="command to answer, p50"), None),
        "answer_ms_p99": (BilingualText(zh="命令到答复 p99", en="command to answer, p99"), None),
    }
    readings = [
        Reading(key=key, title=title, unit="ms", value=float(found[key]), at_most=at_most)
        for key, (title, at_most) in titles.items()
    ]
    readings += [
        Reading(
            key="alerts", title=BilingualText(zh="提醒数", en="alerts"), unit="", value=float(found["alerts"])
        ),
        Reading(
            key="rate", title=BilingualText(zh="每秒命令数", en="commands a second"), unit="/s", value=rate
        ),
    ]
    return Section(
        key=ALERTS,
        title=BilingualText(zh="从命令到提醒", en="From a command to its alert"),
        readings=tuple(readings),
    )
