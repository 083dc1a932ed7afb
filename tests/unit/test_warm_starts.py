"""A process that a starter starts is to its test, and to itself, as any other."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from services.operator.platform.errors import PlatformError
from services.operator.platform.service_process import ServiceProcess
from services.shared.rpc.signing import generate_signing_key, write_key_files
from tests.warm_starts import starts
from tests.warm_starts.asking import Starter
from tests.warm_starts.calls import COLD, Call, Execute, set_execute
from tests.warm_starts.programs import CHOICE, is_known
from tests.warm_starts.starts import starter_on_demand, warm_execute

PROJECT = Path(__file__).parents[2]
PROBE = (sys.executable, "-m", "tests.warm_starts.probe")
#: For ever, but for a signal.
ENDLESS = (sys.executable, "-m", "tests.warm_starts.probe", "--stay")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a process to adopt")


def starting(execute: Execute) -> Iterator[None]:
    before = subprocess.Popen._execute_child  # type: ignore[attr-defined]
    set_execute(execute)
    yield
    set_execute(before)


@pytest.fixture(scope="module")
def warm_starts() -> Iterator[Execute]:
    """Starts the probe warm, beside what a run of tests does."""
    with pytest.MonkeyPatch.context() as patch:
        # Wherever the probe is to run, it is found.
        patch.setenv("PYTHONPATH", str(PROJECT))
        yield warm_execute(starter_on_demand(), lambda command: command[:3] == PROBE or is_known(command))


@pytest.fixture
def warm(warm_starts: Execute) -> Iterator[None]:
    yield from starting(warm_starts)


Probed = tuple[dict[str, Any], int, str]


def probe(*arguments: str, **options: Any) -> Probed:
    """What it says of itself, its exit code, and what it says beside."""
    options = {"cwd": PROJECT, "input": "read me", **options}
    done = subprocess.run(
        [*PROBE, *arguments], capture_output=True, text=True, timeout=60, check=False, **options
    )
    return json.loads(done.stdout), done.returncode, done.stderr


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"PYTHONWARNINGS": "default,error::ResourceWarning"},
        {"PYTHONUNBUFFERED": "1"},
        {"TIERLINK_DSN": "x", "PYTEST_X": "1"},
    ],
    ids=["plain", "warnings", "unbuffered", "settings"],
)
@pytest.mark.parametrize("has_session", [False, True], ids=["", "session"])
def test_it_finds_itself_started_as_a_cold_one_does(
    changes: dict[str, str], has_session: bool, warm_starts: Execute, tmp_path: Path
) -> None:
    found = []
    for execute in (COLD, warm_starts):
        for _ in starting(execute):
            environment = {**os.environ, **changes}
            found.append(probe("a", "b c", "", cwd=tmp_path, env=environment, start_new_session=has_session))
    (cold, *cold_end), (warm, *warm_end) = found
    assert [cold.pop("is_warm"), warm.pop("is_warm")] == [False, True]
    assert warm == cold
    assert warm_end == cold_end == [7, "beside"]
    assert warm["parent"] == os.getpid()
    assert warm["read"] == "read me"


@pytest.mark.parametrize("name", ["LANG", "LD_PRELOAD_X", "PYTHONHASHSEED", "FORCE_COLOR", "TZ"])
def test_what_an_interpreter_may_have_read_when_it_started_is_started_cold(name: str, warm: None) -> None:
    said, *_ = probe(env={**os.environ, name: "1"})
    assert not said["is_warm"]
    assert said["environment"][name] == "1"


def test_what_is_too_much_for_an_order_is_started_cold(warm: None) -> None:
    said, *_ = probe(env={**os.environ, "TIERLINK_LONG": "x" * 100_000})
    assert said["is_warm"]
    said, *_ = probe(env={**os.environ, "TIERLINK_LONG": "x" * 100_000, "TIERLINK_LONGER": "y" * 100_000})
    assert not said["is_warm"]
    assert len(said["environment"]["TIERLINK_LONGER"]) == 100_000


def test_without_a_variable_that_the_starter_had_it_is_started_cold(
    warm: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert probe()[0]["is_warm"]
    monkeypatch.delenv("PATH")
    assert not probe()[0]["is_warm"]


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "services.operator", "serve", "bed"),
        ("-m", "services.referral.refold"),
        ("-X", "importtime", "-m", "services.operator", "token"),
        ("-c", "print()"),
    ],
)
def test_what_is_tried_as_a_person_starts_it_is_started_cold(command: tuple[str, ...]) -> None:
    assert not is_known((sys.executable, *command))
    assert not is_known(("/usr/bin/python3", "-m", "services.operator", "token"))


@pytest.mark.parametrize("command", ["up", "demo", "bench", "bench-guard"])
@pytest.mark.parametrize("choice", ["", "warm"])
def test_a_platform_is_started_cold_unless_its_test_says_otherwise(
    command: str, choice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Asked(Starter):
        def __init__(self) -> None:
            self.environment = {**os.environ}  # type: ignore[misc]

        def start(self, call: Call, environment: Mapping[str, str]) -> bool:
            raise InterruptedError(f"warm {environment[CHOICE]}")

    def cold(*_given: Any) -> None:
        raise InterruptedError("cold")

    monkeypatch.setattr(starts, "COLD", cold)
    for _ in starting(warm_execute(Asked)):
        with pytest.raises(InterruptedError, match=f"^{'warm warm' if choice else 'cold'}$"):
            subprocess.Popen(
                [sys.executable, "-m", "services.operator", command], env={**os.environ, CHOICE: choice}
            )


@pytest.mark.parametrize(
    ("given", "status"), [(signal.SIGKILL, -9), (signal.SIGTERM, -15), (signal.SIGHUP, -1)]
)
def test_a_signal_ends_it_and_its_parent_sees_which(given: int, status: int, warm: None) -> None:
    with subprocess.Popen(
        ENDLESS, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["is_warm"]
        assert process.poll() is None
        process.send_signal(given)
        assert process.wait(30) == status


async def test_an_event_loop_waits_for_it(warm: None) -> None:
    process = await asyncio.create_subprocess_exec(
        *PROBE, cwd=PROJECT, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 7
    assert json.loads(out)["is_warm"]


def test_many_threads_start_some_at_once(warm: None) -> None:
    async def main() -> list[Probed]:
        return await asyncio.gather(*(asyncio.to_thread(probe, str(each)) for each in range(12)))

    assert [said["arguments"] for said, *_ in asyncio.run(main())] == [[str(each)] for each in range(12)]


def test_the_orphans_of_others_stay_others(warm: None) -> None:
    probe()
    middle = "import subprocess; print(subprocess.Popen(['sleep', '30'], stdout=-3).pid)"
    done = subprocess.run([sys.executable, "-c", middle], stdout=subprocess.PIPE, timeout=30, check=True)
    orphan = psutil.Process(int(done.stdout))
    assert orphan.ppid() != os.getpid()
    orphan.kill()


def test_a_service_is_guarded_and_its_environment_is_nobodys_to_read(warm: None, tmp_path: Path) -> None:
    """It cannot start: it has no settings. What it says of that is its own."""
    service = ServiceProcess(
        "referral", folder=tmp_path / "service", environment={"TIERLINK_PARTS": "nonsense"}
    )
    with pytest.raises(PlatformError, match=r"ended with status [12] while it started(.|\n)*nonsense"):
        service.start()
    assert not (tmp_path / "service" / "environment.json").exists()


def test_its_service_ends_with_whoever_started_it(tmp_path: Path) -> None:
    """As a run of tests does that is killed."""
    keys = write_key_files(generate_signing_key(), tmp_path / "keys")
    program = f"""
import sys
from pathlib import Path
from services.operator.platform.service_process import ServiceProcess
from tests.warm_starts.calls import set_execute
from tests.warm_starts.starts import starter_on_demand, warm_execute
set_execute(warm_execute(starter_on_demand()))
settings = {{"TIERLINK_JWKS": {str(keys.jwks)!r}}}
service = ServiceProcess("board", folder=Path({str(tmp_path)!r}), environment=settings)
service.start()
print(service.pid, flush=True)
sys.stdin.read()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT
    ) as run:
        assert run.stdout is not None
        service = psutil.Process(int(run.stdout.readline()))
        others = psutil.Process(run.pid).children(recursive=True)
        assert service in others
        run.kill()
        _, alive = psutil.wait_procs([service, *others], timeout=30)
    assert alive == []
