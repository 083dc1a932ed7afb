"""One consumer group at a time: a service's group has one name, and the workers of a run share one Kafka.

Two processes of one group over different databases are dealt each other's partitions, and the events of one
test are handled in the database of another.
"""

import asyncio
import fcntl
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

#: Less than a test may take.
_BOUND_S = 200.0
#: What this worker holds: a test may run several processes of one group.
_held: Counter[str] = Counter()


@asynccontextmanager
async def alone_in_group(service: str, kafka: str, parts: str) -> AsyncIterator[None]:
    """For the block no other worker of the run consumes as this service. Raises TimeoutError."""
    name = f"tierlink-tests-{kafka.rpartition(':')[2]}-{service}.lock"
    if "consumer" not in parts.split(",") or _held[name]:
        yield
        return
    with (Path(tempfile.gettempdir()) / name).open("w") as file:
        until_s = time.monotonic() + _BOUND_S
        while not _is_locked(file.fileno()):
            if time.monotonic() > until_s:
                raise TimeoutError(f"another worker consumes as {service} for {_BOUND_S:.0f} s")
            await asyncio.sleep(0.1)
        _held[name] += 1
        try:
            yield
        finally:
            _held[name] -= 1


def _is_locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
