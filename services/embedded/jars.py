"""Kafka's jars: pinned in kafka-jars.lock, fetched once, checked, and kept in the cache.

The lock file names every jar with its SHA-256, so a start resolves nothing: it fetches those jars and no
others. `python -m services.embedded relock` resolves the dependencies anew and writes the lock file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.embedded import locks
from services.embedded.cache import cache_dir, make_cache_dir
from services.embedded.errors import ChecksumError, EmbeddedError

#: The roots of the lock file. Kafka logs through slf4j and ships no binding for it.
KAFKA_VERSION: Final = "4.3.1"
ROOTS: Final = (f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}", "org.slf4j:slf4j-simple:1.7.36")
LOCK_PATH: Final = Path(__file__).with_name("kafka-jars.lock")

_STAMP: Final = "verified.json"
_STAGING_PREFIX: Final = "fetching-"
#: Another process may be fetching over a slow line.
_LOCK_TIMEOUT_S: Final = 900.0


@dataclass(frozen=True, kw_only=True, order=True)
class LockedJar:
    """One line of the lock file."""

    #: group:artifact:version
    coordinates: str
    sha256: str

    @property
    def file_name(self) -> str:
        """The jar's name, as in a Maven repository."""
        _, artifact, version = self.coordinates.split(":")
        return f"{artifact}-{version}.jar"


#: Fetches jars into a folder and returns where each one is.
Fetch = Callable[[Sequence[LockedJar], Path], Mapping[LockedJar, Path]]


def read_lock(path: Path = LOCK_PATH) -> tuple[LockedJar, ...]:
    """Read the lock file: a line is a SHA-256 and the coordinates, `#` begins a comment line."""
    lines = (line for line in path.read_text("utf-8").splitlines() if line and not line.startswith("#"))
    jars = tuple(sorted(LockedJar(sha256=sha, coordinates=at) for sha, at in map(str.split, lines)))
    if len({jar.file_name for jar in jars}) != len(jars):
        raise EmbeddedError(f"{path} names a jar twice. Write it anew: python -m services.embedded relock")
    return jars


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256 as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ensure_jars(
    cache: Path | None = None, *, jars: Sequence[LockedJar] | None = None, fetch: Fetch | None = None
) -> tuple[Path, ...]:
    """Return Kafka's class path: every locked jar, verified, from the cache; what is missing is fetched.

    Once verified, a jar is recognised by its size and time of change; no network is used and nothing hashed.
    Processes that do this at once wait for one another. Raises NotCachedError without a network, and
    ChecksumError when a fetched jar is not the locked one.
    """
    wanted = tuple(read_lock() if jars is None else jars)
    root = make_cache_dir(cache_dir() if cache is None else cache)
    digest = hashlib.sha256(repr(wanted).encode()).hexdigest()[:12]
    folder = root / f"kafka-{KAFKA_VERSION}-{digest}"
    if os.pathsep in str(folder):
        raise EmbeddedError(
            f"Java cannot load classes from {folder}: the path has a {os.pathsep!r}. "
            "Set TIERLINK_CACHE_DIR to a folder without it."
        )
    paths = tuple(folder / jar.file_name for jar in wanted)
    if not _is_verified(folder, paths):
        with locks.exclusive(root / "kafka-jars.lock", timeout_s=_LOCK_TIMEOUT_S):
            if not _is_verified(folder, paths):
                _replace_folder(folder, wanted, fetch or _fetch_from_maven)
    return paths


def _is_verified(folder: Path, paths: Iterable[Path]) -> bool:
    try:
        stamp = json.loads((folder / _STAMP).read_text("utf-8"))
        return bool(stamp == _marks(paths))
    except (OSError, ValueError):
        return False


def _marks(paths: Iterable[Path]) -> dict[str, list[int]]:
    """Return each file's size and time of change in nanoseconds: enough to notice a truncated jar."""
    states = ((path.name, path.stat()) for path in paths)
    return {name: [state.st_size, state.st_mtime_ns] for name, state in states}


def _replace_folder(folder: Path, wanted: Sequence[LockedJar], fetch: Fetch) -> None:
    for abandoned in folder.parent.glob(f"{_STAGING_PREFIX}*"):
        shutil.rmtree(abandoned, ignore_errors=True)  # of a process that was killed while it fetched
    staging = Path(tempfile.mkdtemp(prefix=_STAGING_PREFIX, dir=folder.parent))
    try:
        complete = staging / "complete"
        complete.mkdir()
        good = {jar: path for jar in wanted if _matches(jar, path := folder / jar.file_name)}
        missing = [jar for jar in wanted if jar not in good]
        fetched = fetch(missing, staging / "repository") if missing else {}
        _verify(fetched)
        for jar, path in {**good, **fetched}.items():
            # A copy keeps the other's time of change, so that a class archive made from it stays valid.
            shutil.copy2(path, complete / jar.file_name)
        paths = [complete / jar.file_name for jar in wanted]
        (complete / _STAMP).write_text(json.dumps(_marks(paths)), "utf-8")
        if folder.exists():
            folder.rename(staging / "damaged")
        complete.rename(folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _matches(jar: LockedJar, path: Path) -> bool:
    return path.is_file() and sha256_of(path) == jar.sha256


def _verify(fetched: Mapping[LockedJar, Path]) -> None:
    for jar, path in fetched.items():
        actual = sha256_of(path)
        if actual != jar.sha256:
            raise ChecksumError(
                f"{jar.coordinates} was fetched with SHA-256 {actual}, but {LOCK_PATH.name} demands "
                f"{jar.sha256}. It was damaged or changed on the way and is not used. Try again; if it "
                "stays so, do not trust the repository or mirror that it comes from."
            )


def _fetch_from_maven(jars: Sequence[LockedJar], repository: Path) -> Mapping[LockedJar, Path]:
    # Needed once a machine, and its import takes half a second: not on the way of every start.
    from services.embedded import maven  # noqa: PLC0415

    return maven.fetch(jars, repository)
