"""What memory processes took, noted before they end and told with the section that they worked for."""

from collections.abc import Mapping
from pathlib import Path

from services.operator.bench.figures import ProcessMemory
from services.operator.bench.memory import memory_bytes, with_children

_PROC = Path("/proc")
_MIB = 1024 * 1024


class MemoryLog:
    """Of one stack. The servers are asked when the notes are taken, for they outlive all sections."""

    def __init__(self, *, kafka: int, postgres: int) -> None:
        self._kafka = kafka
        self._postgres = postgres
        self._noted: dict[str, ProcessMemory] = {}

    def note(self, name: str, pid: int) -> None:
        """As it is now; nothing where the system does not tell."""
        found = resident(name, pid)
        if found is not None:
            self._noted[name] = found

    def take(self) -> tuple[ProcessMemory, ...]:
        """What was noted since the last time, and the servers."""
        self.note("kafka", self._kafka)
        # Its processes share most of what each has: the sum of their own would count it many times.
        shared_once = memory_bytes(with_children(self._postgres), "Pss")
        if shared_once is not None:
            self._noted["postgres"] = ProcessMemory(
                process="postgres", rss_mib=shared_once / _MIB, peak_mib=None
            )
        noted, self._noted = self._noted, {}
        return tuple(noted.values())


def resident(name: str, pid: int) -> ProcessMemory | None:
    """A process as it is now; None where the system does not tell."""
    return of_status(name, _status(pid))


def of_status(name: str, status: Mapping[str, str]) -> ProcessMemory | None:
    """Of what Linux says in `/proc/<pid>/status`; None where it says nothing of memory."""
    if "VmRSS" not in status:
        return None
    peak = status.get("VmHWM")
    return ProcessMemory(
        process=name, rss_mib=_mib(status["VmRSS"]), peak_mib=None if peak is None else _mib(peak)
    )


def _mib(kibibytes: str) -> float:
    return int(kibibytes.split(maxsplit=1)[0]) / 1024


def _status(pid: int) -> dict[str, str]:
    try:
        lines = (_PROC / str(pid) / "status").read_text("utf-8").splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
