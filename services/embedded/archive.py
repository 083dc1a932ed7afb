"""Java's class archive for Kafka: made once from a trial run, it halves the start of every later one."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from services.embedded import java, locks
from services.embedded.cache import cache_dir, make_cache_dir
from services.embedded.jars import ensure_jars
from services.embedded.kafka import KafkaServer

#: Java writes the archive while it ends, some 5 s on a small machine.
_RECORD_TIMEOUT_S: Final = 120.0
_LOCK_TIMEOUT_S: Final = 300.0


def ensure_archive(cache: Path | None = None) -> Path | None:
    """Make the class archive when there is none; returns its path, or None where this Java makes none.

    Kafka starts without it as well, in about twice the time. Raises EmbeddedError when Kafka does not start.
    """
    root = make_cache_dir(cache_dir() if cache is None else cache)
    archive = java.archive_path(ensure_jars(root)[0])
    if archive.exists():
        return archive
    with locks.exclusive(root / "kafka-archive.lock", timeout_s=_LOCK_TIMEOUT_S):
        if not archive.exists():
            _record(root, archive)
    return archive if archive.exists() else None


def _record(root: Path, archive: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="recording-", dir=root) as folder:
        recorded = Path(folder) / archive.name
        server = KafkaServer(Path(folder) / "kafka", cache=root, is_temporary=True, record_archive=recorded)
        server.start()
        server.stop(_RECORD_TIMEOUT_S)
        if recorded.exists():
            recorded.rename(archive)
