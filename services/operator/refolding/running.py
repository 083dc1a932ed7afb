"""One service's program as a child process, and the lines that it says."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.operator.platform.given import KAFKA_VARIABLE, variable
from services.operator.refolding.target import Target

#: A verdict carries the differences that are shown.
_LINE_BYTES_MAX = 16 * 1024 * 1024
_STOP_TIMEOUT_S = 10.0
#: Told, of several programs together; all are counted.
_FAULTS_MAX = 100

#: Told how many events are folded, and how many there were to fold.
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Refolded:
    """How the program ended."""

    #: 0 the same, 1 not the same, 2 impossible
    code: int
    #: None where it came to none
    verdict: Mapping[str, Any] | None
    #: why not, by a code that has its words; empty where it came to one, or ended without a word
    why: str
    #: the same as who found it says it, empty where it came to one
    reason: str


async def refold(
    target: Target, *, kafka: str, source: str, shown_max: int, on_progress: OnProgress
) -> Refolded:
    """Runs the program of the target's service to its end. A cancelled one goes on when it is run again."""
    variables = {variable(target.service, "DSN"): target.live_dsn, "REFOLD_INTO_DSN": target.dsn}
    arguments = ("--source", source, "--max", str(shown_max))
    return await _ran(target.service, arguments, variables, kafka, on_progress)


async def try_fold(
    service: str, *, kafka: str, topics: Sequence[str] = (), processes: int, on_progress: OnProgress
) -> Refolded:
    """Has programs of a service fold in memory what its topics have, or what these `topics` have instead.

    Each of the `processes` reads partitions of its own. Their verdicts become one; of several that came to
    none, the first says why.
    """
    told = [(0, 0)] * processes

    def tell(number: int, folded: int, events: int) -> None:
        told[number] = (folded, events)
        on_progress(sum(each for each, _ in told), sum(each for _, each in told))

    named = tuple(word for topic in topics for word in ("--topic", topic))
    async with asyncio.TaskGroup() as tasks:
        running = [
            tasks.create_task(
                _ran(
                    service,
                    ("--trial", "--share", f"{number}/{processes}", *named),
                    {},
                    kafka,
                    partial(tell, number),
                )
            )
            for number in range(processes)
        ]
    return _as_one([each.result() for each in running])


def _as_one(ended: Sequence[Refolded]) -> Refolded:
    code = max(each.code for each in ended)
    verdicts = [each.verdict for each in ended if each.verdict is not None]
    if len(verdicts) < len(ended):
        return next(each for each in ended if each.verdict is None)
    summed = ("read", "events", "aggregates", "left_alone", "faults_count", "memory_mib")
    verdict = {
        "same": all(each["same"] for each in verdicts),
        **{name: sum(each[name] for each in verdicts) for name in summed},
        "faults": [fault for each in verdicts for fault in each["faults"]][:_FAULTS_MAX],
        "fold_s": max(each["ended_s"] for each in verdicts) - min(each["begun_s"] for each in verdicts),
    }
    return Refolded(code=code, verdict=verdict, why="", reason="")


async def _ran(
    service: str,
    arguments: Sequence[str],
    variables: Mapping[str, str],
    kafka: str,
    on_progress: OnProgress,
) -> Refolded:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}.refold", *arguments, "--while-asked"),
        # Nothing is written to it: it ends with us, however we end.
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES_MAX,
        env={**os.environ, **variables, **({KAFKA_VARIABLE: kafka} if kafka else {})},
    )
    assert process.stdout is not None and process.stderr is not None
    stderr = asyncio.create_task(process.stderr.read())
    verdict: Mapping[str, Any] | None = None
    why = reason = ""
    try:
        while line := await process.stdout.readline():
            said = json.loads(line)
            match said.pop("say"):
                case "progress":
                    on_progress(said["folded"], said["events"])
                case "verdict":
                    verdict = said
                case "impossible":
                    why, reason = said["why"], said["reason"]
        code = await process.wait()
        errors = (await stderr).decode(errors="replace").strip()
    finally:
        await _ended(process)
        stderr.cancel()
    if verdict is None and not reason:
        reason = errors.rpartition("\n")[2] or f"exit code {code}"
    return Refolded(code=code, verdict=verdict, why=why, reason=reason)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
