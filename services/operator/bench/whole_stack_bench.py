"""What takes all three services: from a command to its alert, and the memory of everything together."""

from collections.abc import Mapping
from typing import Any

from services.operator.bench.figures import Reading, Section
from services.operator.bench.plan import Plan
from services.operator.bench.platform_memory import platform_memory
from services.operator.bench.stack import Platform
from services.shared.kernel.text import BilingualText

ALERTS = "alerts"
MEMORY = "memory"
#: Commands a second up to which each is promised, with p50 and p99 from command to alert.
ALERT_MS_AT_MOST: tuple[tuple[float, float | None, float], ...] = ((50.0, 25.0, 100.0), (200.0, None, 40.0))


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
            sections.append(
                Section(
                    key=MEMORY,
                    title=BilingualText(zh="内存", en="Memory"),
                    readings=platform_memory(self._platform),
                )
            )
        return sections


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
