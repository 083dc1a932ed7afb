"""The cache of Kafka's jars: nothing that was not verified is ever used."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from services.embedded import jars
from services.embedded.errors import ChecksumError, EmbeddedError, NotCachedError
from services.embedded.jars import LockedJar, ensure_jars


def _content(jar: LockedJar) -> bytes:
    return f"the classes of {jar.coordinates}".encode()


def _locked(name: str) -> LockedJar:
    coordinates = f"example.group:{name}:1.0"
    unsigned = LockedJar(coordinates=coordinates, sha256="")
    return LockedJar(coordinates=coordinates, sha256=hashlib.sha256(_content(unsigned)).hexdigest())


_JARS = (_locked("first"), _locked("second"))


class _Repository:
    """Stands for the network: hands out jars and counts them."""

    def __init__(self, *, damaged: frozenset[LockedJar] = frozenset()) -> None:
        self.fetched: list[LockedJar] = []
        self._damaged = damaged

    def fetch(self, wanted: Sequence[LockedJar], folder: Path) -> Mapping[LockedJar, Path]:
        folder.mkdir()
        paths = {jar: folder / jar.file_name for jar in wanted}
        for jar, path in paths.items():
            path.write_bytes(b"something else" if jar in self._damaged else _content(jar))
        self.fetched.extend(wanted)
        return paths


def _offline(wanted: Sequence[LockedJar], folder: Path) -> Mapping[LockedJar, Path]:
    raise NotCachedError("no network")


def test_the_lock_file_pins_kafka_and_its_logger() -> None:
    locked = jars.read_lock()
    assert set(jars.ROOTS) <= {jar.coordinates for jar in locked}
    assert all(len(jar.sha256) == 64 for jar in locked)


def test_a_lock_file_that_names_a_jar_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "twice.lock"
    path.write_text("aa  group:name:1\nbb  other:name:1\n")
    with pytest.raises(EmbeddedError, match="relock"):
        jars.read_lock(path)


def test_once_cached_a_start_needs_no_network(tmp_path: Path) -> None:
    repository = _Repository()
    first = ensure_jars(tmp_path, jars=_JARS, fetch=repository.fetch)
    again = ensure_jars(tmp_path, jars=_JARS, fetch=_offline)
    assert first == again
    assert [path.read_bytes() for path in again] == [_content(jar) for jar in _JARS]
    assert repository.fetched == list(_JARS)


def test_a_jar_with_another_checksum_is_refused_and_not_kept(tmp_path: Path) -> None:
    damaged = _Repository(damaged=frozenset({_JARS[1]}))
    with pytest.raises(ChecksumError, match=r"example\.group:second:1\.0"):
        ensure_jars(tmp_path, jars=_JARS, fetch=damaged.fetch)
    assert not list(tmp_path.rglob("*.jar"))
    # A good repository mends it.
    assert len(ensure_jars(tmp_path, jars=_JARS, fetch=_Repository().fetch)) == 2


@pytest.mark.parametrize("damage", ["truncated", "removed", "changed"])
def test_damage_in_the_cache_is_noticed_and_only_that_jar_is_fetched(tmp_path: Path, damage: str) -> None:
    _, second = ensure_jars(tmp_path, jars=_JARS, fetch=_Repository().fetch)
    match damage:
        case "truncated":
            os.truncate(second, 3)
        case "removed":
            second.unlink()
        case "changed":
            second.write_bytes(_content(_JARS[1])[::-1])
    repository = _Repository()
    assert ensure_jars(tmp_path, jars=_JARS, fetch=repository.fetch)[1].read_bytes() == _content(_JARS[1])
    assert repository.fetched == [_JARS[1]]


def test_without_a_network_a_first_start_says_what_to_do(tmp_path: Path) -> None:
    # A port on which nothing listens stands for a network that does not answer.
    program = "from services.embedded.__main__ import main; raise SystemExit(main(['prepare']))"
    environment = {
        **os.environ,
        "TIERLINK_CACHE_DIR": str(tmp_path / "cache"),
        "TIERLINK_MAVEN_URL": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "could not be fetched" in done.stderr
    assert "TIERLINK_MAVEN_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cache_path_that_java_cannot_use_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="TIERLINK_CACHE_DIR"):
        ensure_jars(tmp_path / "a:b", jars=_JARS, fetch=_Repository().fetch)


_FETCHING = """
import sys
from pathlib import Path
from services.embedded.jars import ensure_jars
from tests.unit.embedded.test_jars import _JARS, _Repository
repository = _Repository()
ensure_jars(Path(sys.argv[1]), jars=_JARS, fetch=repository.fetch)
print(len(repository.fetched))
"""


def test_processes_that_fetch_at_once_fetch_once(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _FETCHING, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        for _ in range(4)
    ]
    outputs = [process.communicate(timeout=60)[0].decode().strip() for process in processes]
    assert sorted(outputs) == ["0", "0", "0", "2"]
    assert len(ensure_jars(tmp_path, jars=_JARS, fetch=_offline)) == 2
