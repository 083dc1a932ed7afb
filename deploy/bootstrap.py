"""Set up `.venv` with the locked packages, on a machine that has Python and nothing else.

`python3 deploy/bootstrap.py` does so once and then returns at once, until uv.lock, pyproject.toml or Python
changes; with `--servers` it also fetches and prepares what the embedded Kafka and PostgreSQL need. Two at the
same time are safe: the second waits. It needs the standard library only, and says everything on standard
error, so that the output of the command that follows stays clean.
"""

from __future__ import annotations  # this file must load under an older Python, to say that it is too old

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

OLDEST_PYTHON = (3, 11)
UV_VERSION = "0.13.9"

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
#: Its own folder in the environment: `uv sync` removes from the environment what the lock does not name.
UV_FOLDER = VENV / "uv"
STAMP = VENV / "tierlink-packages.stamp"
SERVERS_STAMP = VENV / "tierlink-servers.stamp"
#: Outside the environment, which is removed and made anew while the lock is held.
LOCK = ROOT / ".cache" / "bootstrap.lock"

STEP_TIMEOUT_S = 1800
LOCK_TIMEOUT_S = 3600
LOCK_POLL_S = 0.2


class SetupError(Exception):
    """The environment cannot be set up; the text says what to do."""


def say(text: str) -> None:
    """Tell the person what happens, on standard error."""
    print(text, file=sys.stderr, flush=True)


def check_python(version: tuple[int, ...], has_module: Callable[[str], bool]) -> None:
    """Raise SetupError unless this Python can make the environment."""
    wanted = ".".join(map(str, OLDEST_PYTHON))
    if tuple(version[:2]) < OLDEST_PYTHON:
        found = ".".join(map(str, version[:3]))
        raise SetupError(
            f"Tierlink needs Python {wanted} or newer, and this is Python {found}.\n"
            "Install a newer one (Debian and Ubuntu: apt-get install python3 python3-venv; macOS:\n"
            "brew install python3), or say where it is: make PYTHON=/path/to/python3"
        )
    for module in ("venv", "ensurepip"):
        if not has_module(module):
            raise SetupError(
                f"This Python ({sys.executable}) lacks its module {module}.\n"
                f"Debian and Ubuntu: apt-get install python{version[0]}.{version[1]}-venv (or python3-venv). "
                "Elsewhere: install a complete Python, and say where it is: make PYTHON=/path/to/python3"
            )


def environment_key() -> str:
    """Return what the environment depends on, as one line; another key means that it must be made anew."""
    digest = hashlib.sha256()
    for name in ("uv.lock", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    # Its path is written into the environment, so that a moved folder needs another one.
    parts = (
        digest.hexdigest(),
        platform.python_version(),
        platform.machine(),
        sys.platform,
        UV_VERSION,
        ROOT,
    )
    return " ".join(map(str, parts))


def is_current(stamp: Path, key: str) -> bool:
    """Say whether `stamp` was written for `key`, in an environment that is still there."""
    try:
        return stamp.read_text("utf-8") == key and (VENV / "bin" / "python").exists()
    except OSError:
        return False


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Hold the lock between processes that set up the same folder; it ends with the process."""
    LOCK.parent.mkdir(exist_ok=True)
    deadline_s = time.monotonic() + LOCK_TIMEOUT_S
    with LOCK.open("w") as file:
        is_waiting = False
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline_s:
                    text = f"Another process has held {LOCK} for too long. End it and try again."
                    raise SetupError(text) from None
                if not is_waiting:
                    say("Another process sets up .venv in this folder; waiting for it.")
                is_waiting = True
                time.sleep(LOCK_POLL_S)
        yield


def run(what: str, command: Sequence[str | Path], advice: str) -> None:
    """Run one step; raises SetupError with `advice` when it fails."""
    settings = {
        "UV_PROJECT_ENVIRONMENT": str(VENV),
        "UV_PYTHON_DOWNLOADS": "never",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }
    # Of another environment that may be active; they would make the tools work on that one.
    inherited = {
        name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONHOME")
    }
    try:
        subprocess.run(
            [str(word) for word in command],
            cwd=ROOT,
            env={**inherited, **settings},
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            timeout=STEP_TIMEOUT_S,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise SetupError(f"{what} took longer than {STEP_TIMEOUT_S // 60} minutes.\n{advice}") from None
    except subprocess.CalledProcessError as error:
        raise SetupError(f"{what} failed with status {error.returncode}.\n{advice}") from None
    except OSError as error:
        raise SetupError(f"{what} failed: {error}\n{advice}") from None


NETWORK_ADVICE = (
    "The first run needs a network that reaches the Python package index. Behind a proxy, set HTTPS_PROXY; "
    "then run the same command again: it goes on where it stopped."
)


def make_environment() -> None:
    """Make `.venv` unless there is one of this Python that works."""
    version = platform.python_version()
    probe = [str(VENV / "bin" / "python"), "-c", "import platform; print(platform.python_version())"]
    try:
        found = subprocess.run(probe, stdout=subprocess.PIPE, timeout=60, check=True).stdout.decode().strip()
    except (OSError, subprocess.SubprocessError):
        found = None
    if found != version:
        run(
            "Making the virtual environment",
            [sys.executable, "-m", "venv", "--clear", VENV],
            f"Remove {VENV} and try again; is the disk full?",
        )


def install_uv() -> None:
    """Install the pinned uv beside the environment's packages, with the environment's own pip."""
    wanted = UV_FOLDER / f"uv-{UV_VERSION}.dist-info"
    if wanted.exists() and (UV_FOLDER / "bin" / "uv").exists():
        return
    shutil.rmtree(UV_FOLDER, ignore_errors=True)
    options = ("--quiet", "--no-deps", "--retries", "2", "--target", UV_FOLDER)
    install = (VENV / "bin" / "python", "-m", "pip", "install", *options, f"uv=={UV_VERSION}")
    run(f"Installing uv {UV_VERSION}", install, NETWORK_ADVICE)


def install_packages() -> None:
    """Install exactly the locked packages, and the project itself."""
    # On a terminal uv shows how far it is; elsewhere it would only list every package.
    quiet = () if sys.stderr.isatty() else ("--quiet",)
    sync = (UV_FOLDER / "bin" / "uv", "sync", "--frozen", *quiet, "--python", VENV / "bin" / "python")
    run("Installing the locked packages", sync, NETWORK_ADVICE)


def write_stamp(stamp: Path, key: str) -> None:
    """Write a stamp so that it is there whole or not at all."""
    unfinished = stamp.with_suffix(".new")
    unfinished.write_text(key, "utf-8")
    unfinished.replace(stamp)


def set_up(*, with_servers: bool) -> None:
    """Bring the environment up to date. Raises SetupError."""
    check_python(sys.version_info[:3], lambda module: importlib.util.find_spec(module) is not None)
    key = environment_key()
    is_done = is_current(STAMP, key) and (not with_servers or is_current(SERVERS_STAMP, key))
    if is_done:
        return
    with one_at_a_time():
        if not is_current(STAMP, key):
            say("Setting up .venv with the locked packages (once; some minutes on a slow line) ...")
            STAMP.unlink(missing_ok=True)
            make_environment()
            install_uv()
            install_packages()
            write_stamp(STAMP, key)
        if with_servers and not is_current(SERVERS_STAMP, key):
            say("Preparing the embedded Kafka and PostgreSQL (once) ...")
            prepare = (VENV / "bin" / "python", "-m", "services.embedded", "prepare")
            run("Preparing the embedded servers", prepare, "The reason stands above.")
            write_stamp(SERVERS_STAMP, key)


def main(arguments: Sequence[str]) -> int:
    """Run; returns the exit status."""
    unknown = [argument for argument in arguments if argument != "--servers"]
    if unknown:
        say(f"usage: {Path(__file__).name} [--servers]")
        return 2
    try:
        set_up(with_servers="--servers" in arguments)
    except SetupError as error:
        say(f"\nTierlink cannot be set up.\n{error}")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
