"""The other end of a worker: starts it, gives it jobs, and ends it."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Self

from services.embedded.supervise import log_tail

_LINE_BYTES_MAX = 16 * 1024 * 1024
_END_TIMEOUT_S = 10.0


class BenchFailed(Exception):
    """A figure could not be measured; the text says why."""


class Worker:
    """One worker process. `async with` starts and ends it; one job at a time."""

    def __init__(self, log: Path) -> None:
        #: for what is said of failures
        self.name = log.stem
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """Raises BenchFailed when it does not run."""
        return self._running().pid

    async def __aenter__(self) -> Self:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "services.operator.bench.worker",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=_LINE_BYTES_MAX,
                # Ctrl-C reaches the bench alone; the worker ends with its standard input.
                start_new_session=True,
                env=os.environ | {"GRPC_VERBOSITY": "ERROR"},
            )
        return self

    async def __aexit__(self, *_error: object) -> None:
        process = self._running()
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END_TIMEOUT_S)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def do(self, job: str, *, timeout_s: float, **parameters: Any) -> dict[str, Any]:
        """Has a job done. Raises BenchFailed when it fails, or takes too long."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"job": job, **parameters}).encode() + b"\n")
        try:
            await process.stdin.drain()
            line = await asyncio.wait_for(process.stdout.readline(), timeout_s)
        except TimeoutError:
            process.kill()
            raise BenchFailed(f"{self.name}: {job} took longer than {timeout_s:.0f} s") from None
        except ConnectionError:
            line = b""
        if not line:
            raise BenchFailed(f"{self.name} ended while it did {job}.\n{log_tail(self._log)}")
        answer = json.loads(line)
        if "error" in answer:
            raise BenchFailed(f"{self.name}: {job} failed\n{answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _running(self) -> asyncio.subprocess.Process:
        if self._process is None:
            raise BenchFailed(f"{self.name} was not started")
        return self._process
