"""What a platform takes of memory, with its servers and the guardians of its processes."""

from collections.abc import Mapping

from services.operator.bench.figures import Reading
from services.operator.bench.memory import memory_bytes, parent_of, with_children
from services.operator.bench.stack import Platform
from services.operator.bench.worker_process import BenchFailed
from services.shared.kernel.text import BilingualText

MEMORY_MIB_AT_MOST = 1536.0

_MIB = 1024 * 1024
_PROCESSES = {
    "kafka": BilingualText(zh="Kafka", en="Kafka"),
    "postgres": BilingualText(zh="PostgreSQL", en="PostgreSQL"),
    "referral": BilingualText(zh="转诊服务", en="referral service"),
    "bed": BilingualText(zh="床位服务", en="bed service"),
    "notification": BilingualText(zh="提醒服务", en="notification service"),
}


def families(platform: Platform) -> Mapping[str, set[int]]:
    """All processes of each service and each server, by its name."""
    servers = platform.stack.servers
    pids = {
        **{"kafka": servers.kafka.pid, "postgres": servers.postgres.pid},
        **{name: process.pid for name, process in platform.services.items()},
    }
    # Each has a guardian, which started it.
    return {name: {*with_children(pid), parent_of(pid)} for name, pid in pids.items()}


def platform_memory(platform: Platform) -> tuple[Reading, ...]:
    """As it is now, all together and each. Raises BenchFailed where the system does not tell."""
    found = families(platform)
    readings: list[Reading] = []
    for what, key, title in (
        ("Pss", "pss", BilingualText(zh="合计（共享只计一次）", en="all together, what is shared once")),
        ("Rss", "rss", BilingualText(zh="合计 RSS", en="all together, RSS")),
    ):
        total = memory_bytes((pid for family in found.values() for pid in family), what)
        if total is not None:
            at_most = MEMORY_MIB_AT_MOST if what == "Pss" else None
            readings.append(Reading(key=key, title=title, unit="MiB", value=total / _MIB, at_most=at_most))
    if not readings:
        raise BenchFailed("this system does not tell how much memory a process takes")
    for name, family in found.items():
        own = memory_bytes(family, "Pss")
        if own is not None:
            readings.append(Reading(key=f"pss_{name}", title=_PROCESSES[name], unit="MiB", value=own / _MIB))
    return tuple(readings)
