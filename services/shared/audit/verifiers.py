"""Has a whole store verified by several processes, beside the one that answers calls."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import IO, Any

import structlog

from services.shared.audit.chain import Finding, FindingCode
from services.shared.audit.scan import Depth, Page, VerifiedPage, pages_of, totals
from services.shared.database.pool import Database
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)
_COMPLAINTS_SHOWN = 2_000
#: A process needs about a second to start, and a service as long to verify so many events itself.
_WORTH_EVENTS = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a verification has come, and what is new."""

    aggregates_count: int = 0
    events_count: int = 0
    aggregates_total: int = 0
    events_total: int = 0
    findings: tuple[Finding, ...] = ()


class Verifiers:
    """Starts processes for one verification, and ends them with it."""

    def __init__(self, database: Database, codecs: str, *, processes_max: int) -> None:
        #: module that has the `build_aggregates` of the service
        self._codecs = codecs
        self._database = database
        self._processes_max = processes_max

    async def is_worth_it(self) -> bool:
        """Whether the store is large enough that starting processes takes less time than it saves."""
        async with self._database.connection() as connection:
            _, events_total = await totals(connection)
        return events_total >= _WORTH_EVENTS

    async def verify(
        self, *, depth: Depth, kind: str = "", processes: int = 0
    ) -> AsyncGenerator[Progress, None]:
        """The whole store, or all aggregates of a kind, by `processes` of them or as many as are allowed.

        Raises DependencyDown when the database is away, or a process ends before it is done.
        """
        async with self._database.connection() as connection:
            pages = await pages_of(connection, depth)
            aggregates_total, events_total = await totals(connection, kind)
        count = max(1, min(processes or self._processes_max, self._processes_max, len(pages)))
        reached = Progress(aggregates_total=aggregates_total, events_total=events_total)
        yield reached
        loop = asyncio.get_running_loop()
        shares = [self._share(pages[place::count], depth, kind) for place in range(count)]
        running = [_Process(share) for share in shares]
        done: asyncio.Queue[VerifiedPage | None] = asyncio.Queue()

        def tell(page: VerifiedPage | None) -> None:
            loop.call_soon_threadsafe(done.put_nowait, page)

        with ThreadPoolExecutor(max_workers=count, thread_name_prefix="verifier") as threads:
            ends = [loop.run_in_executor(threads, each.run, tell) for each in running]
            try:
                left = count
                while left:
                    page = await done.get()
                    if page is None:
                        left -= 1
                        continue
                    reached = replace(
                        reached,
                        aggregates_count=reached.aggregates_count + page.aggregates_count,
                        events_count=reached.events_count + page.events_count,
                        findings=page.findings,
                    )
                    yield reached
                # One that failed says so here.
                await asyncio.gather(*ends)
            finally:
                for each in running:
                    each.kill()
                await asyncio.gather(*ends, return_exceptions=True)

    def _share(self, pages: Sequence[Page], depth: Depth, kind: str) -> bytes:
        share = {
            "dsn": self._database.dsn,
            "codecs": self._codecs,
            "depth": depth.value,
            "kind": kind,
            "pages": [(page.after, page.until) for page in pages],
        }
        return f"{json.dumps(share)}\n".encode()


class _Process:
    """One process and its share of the work, run by a thread.

    Not by the event loop: uvloop forks, and a fork of a process that serves gRPC may never come to life.
    """

    def __init__(self, share: bytes) -> None:
        self._share = share
        self._is_unwanted = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, tell: Callable[[VerifiedPage | None], None]) -> None:
        """Tells of each page, and with None that there are no more. Raises DependencyDown when it failed."""
        try:
            with tempfile.TemporaryFile() as complaints:
                self._run(tell, complaints)
        finally:
            tell(None)

    def _run(self, tell: Callable[[VerifiedPage | None], None], complaints: IO[bytes]) -> None:
        with subprocess.Popen(
            (sys.executable, "-m", "services.shared.audit.verifier"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
        ) as process:
            self._process = process
            if self._is_unwanted.is_set():
                process.kill()
            assert process.stdin is not None
            assert process.stdout is not None
            with suppress(OSError):
                # By the pipe: an environment or a command line is shown to others on the machine.
                process.stdin.write(self._share)
                process.stdin.flush()
            for line in process.stdout:
                tell(_page_of(json.loads(line)))
        if process.returncode and not self._is_unwanted.is_set():
            complaints.seek(0)
            said = complaints.read().decode(errors="replace")[-_COMPLAINTS_SHOWN:]
            _log.warning("verifier_failed", exit_code=process.returncode, said=said)
            raise DependencyDown("verification", "a process ended before it was done; try again")

    def kill(self) -> None:
        """Ends it, if it runs or is about to."""
        self._is_unwanted.set()
        if self._process is not None:
            self._process.kill()


def _page_of(line: dict[str, Any]) -> VerifiedPage:
    return VerifiedPage(
        aggregates_count=line["aggregates"],
        events_count=line["events"],
        findings=tuple(Finding(**{**each, "code": FindingCode(each["code"])}) for each in line["findings"]),
    )
