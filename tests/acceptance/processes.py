"""Runs the `tierlink` program as a person would: as a process of its own."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.warm_starts.programs import CHOICE

PROGRAM = (sys.executable, "-m", "services.operator")

#: For the environment of `tierlink up` and `demo` where it is what comes after their start that is tried.
WARM = {CHOICE: "warm"}


def clean_environment(**given: str) -> dict[str, str]:
    """This process's environment without what would point the program elsewhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TIERLINK_")}
    return {**kept, "PYTHONWARNINGS": "default", **given}


def run(
    *arguments: str, timeout_s: float = 180.0, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the program to its end."""
    return subprocess.run(
        [*PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        env=dict(environment) if environment is not None else clean_environment(),
        check=False,
    )


class Running:
    """A program that goes on running; what it printed so far is kept."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def lines(self) -> Sequence[str]:
        return tuple(self._lines)

    def wait_for(self, part: str, timeout_s: float = 90.0) -> str:
        """The first line with that part. Raises AssertionError when it does not come."""
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            for line in self.lines:
                if part in line:
                    return line
            if self.process.poll() is not None and not self._reader.is_alive():
                break
            time.sleep(0.05)
        raise AssertionError(f"no line with {part!r} in:\n" + "\n".join(self._lines))

    def descendants(self) -> list[psutil.Process]:
        """Its children and theirs."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line.rstrip("\n"))


@contextmanager
def running(*arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> Iterator[Running]:
    """Runs the program for the time of the block; what is left of it then is killed."""
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env=dict(environment) if environment is not None else clean_environment(),
    )
    program = Running(process)
    try:
        yield program
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        program._reader.join(10)
        assert process.stdout is not None
        process.stdout.close()


@contextmanager
def running_platform(folder: Path, **environment: str) -> Iterator[Running]:
    """`tierlink up` with its data in that folder, started warm, for the time of the block."""
    arguments = ("up", "--data", str(folder / "data"), "--lang", "en")
    with running(*arguments, cwd=folder, environment=clean_environment(**WARM, **environment)) as program:
        yield program


def exports_of(platform: Running) -> dict[str, str]:
    """The variables that `tierlink up` tells its user to set, once it has."""
    platform.wait_for("export TIERLINK_NOTIFICATION_ADDRESS=")
    found = (re.fullmatch(r"export (\w+)=(.*)", line.strip()) for line in platform.lines)
    return {match.group(1): match.group(2) for match in found if match}


@contextmanager
def shell_beside_platform(folder: Path) -> Iterator[dict[str, str]]:
    """The environment of a shell beside a platform that has the sample site."""
    with running_platform(folder) as platform:
        platform.wait_for("The sample directory, wards and rosters are in force")
        yield clean_environment(**WARM, **exports_of(platform))


def wait_until_gone(processes: Sequence[psutil.Process], timeout_s: float = 30.0) -> list[psutil.Process]:
    """Those that are still there after the time."""
    _, alive = psutil.wait_procs(processes, timeout=timeout_s)
    return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]
