"""Fetching from a Maven repository with jgo, which needs neither Java nor Maven."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import requests
from jgo.maven import MavenContext

from services.embedded.errors import NotCachedError
from services.embedded.jars import LockedJar, sha256_of

#: A mirror for machines that do not reach the public repository.
MIRROR_VARIABLE: Final = "TIERLINK_MAVEN_URL"
_READ_TIMEOUT_S: Final = 20
_TRIES: Final = 3
_RETRY_DELAY_S: Final = 1.0
_CONNECTIONS: Final = 6


def fetch(jars: Sequence[LockedJar], repository: Path) -> Mapping[LockedJar, Path]:
    """Fetch exactly these jars into the folder `repository`; nothing is resolved and nothing verified.

    Raises NotCachedError when one is not to be had after a bounded number of tries.
    """
    context = _context(repository)
    with ThreadPoolExecutor(max_workers=_CONNECTIONS) as pool:
        try:
            return dict(zip(jars, pool.map(lambda jar: _fetch_one(context, jar), jars), strict=True))
        except BaseException:
            # Without this, leaving the block would first try every jar that is still queued.
            pool.shutdown(cancel_futures=True)
            raise


def resolve(roots: Iterable[str], repository: Path) -> list[LockedJar]:
    """Resolve `roots` (group:artifact:version) with all that they need at run time, and fetch it."""
    context = _context(repository)
    wanted = [context.create_dependency(root) for root in roots]
    tree, needed = context.resolver.get_dependency_list(wanted)
    found = [node.dep for node in (*tree.children, *needed) if node.dep.scope not in ("provided", "system")]
    return sorted(
        LockedJar(
            coordinates=f"{dependency.groupId}:{dependency.artifactId}:{dependency.version}",
            sha256=sha256_of(dependency.artifact.resolve()),
        )
        for dependency in found
    )


def _context(repository: Path) -> Any:
    mirror = os.environ.get(MIRROR_VARIABLE)
    remotes = {"mirror": mirror.rstrip("/")} if mirror else None
    return MavenContext(repo_cache=repository, remote_repos=remotes, timeout=_READ_TIMEOUT_S)


def _fetch_one(context: Any, jar: LockedJar) -> Path:
    artifact = context.create_dependency(jar.coordinates).artifact
    for tries_left in reversed(range(_TRIES)):
        try:
            return Path(artifact.resolve())
        except (requests.RequestException, RuntimeError, OSError) as error:
            # jgo writes in place, and would take half a file for a whole one.
            Path(artifact.cached_path).unlink(missing_ok=True)
            if tries_left == 0:
                raise NotCachedError(_unreachable(jar, context, error)) from error
            time.sleep(_RETRY_DELAY_S)
    raise AssertionError("the last try returns or raises")


def _unreachable(jar: LockedJar, context: Any, error: Exception) -> str:
    return (
        f"Kafka's jar {jar.coordinates} is not in the cache and could not be fetched: {error}\n"
        f"The first start needs a network that reaches {', '.join(context.remote_repos.values())}. "
        f"Connect this machine once, or set {MIRROR_VARIABLE} to a Maven mirror that it reaches, or set "
        "TIERLINK_CACHE_DIR to a copy of the cache folder of a machine where Tierlink has run."
    )
