"""Has a whole store verified by several processes, beside the one that answers calls."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from queue import SimpleQueue
from typing import IO, Any

import structlog

from services.shared.audit.chain import Finding, FindingCode
from services.shared.audit.chain_walk import spans_of
from services.shared.audit.scan import Depth, VerifiedPage, pages_of, totals
from services.shared.audit.verifier import LEFT
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
            shared = await _work(connection, depth)
            aggregates_total, events_total = await totals(connection, kind)
        count = max(1, min(processes or self._processes_max, self._processes_max, len(shared.parts)))
        reached = Progress(aggregates_total=aggregates_total, events_total=events_total)
        yield reached
        loop = asyncio.get_running_loop()
        concluding = _Process(self._share(shared, 0, count, kind))
        running = [concluding]
        for place in range(1, count):
            running.append(_Process(self._share(shared, place, count, kind), hand=concluding.hand))
        done: asyncio.Queue[VerifiedPage | None] = asyncio.Queue()

        def tell(page: VerifiedPage | None) -> None:
            loop.call_soon_threadsafe(done.put_nowait, page)

        with ThreadPoolExecutor(max_workers=count, thread_name_prefix="verifier") as threads:
            ends = [loop.run_in_executor(threads, each.run, tell) for each in running]
            handing_over = asyncio.create_task(_end_of_handing_over(ends[1:], concluding))
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
                await asyncio.gather(handing_over, *ends)
            finally:
                for each in running:
                    each.kill()
                await asyncio.gather(handing_over, *ends, return_exceptions=True)

    def _share(self, shared: "_Work", place: int, count: int, kind: str) -> bytes:
        begin, end = (len(shared.parts) * edge // count for edge in (place, place + 1))
        share = {
            "dsn": self._database.dsn,
            "codecs": self._codecs,
            "kind": kind,
            shared.name: shared.parts[begin:end],
            "concludes": place == 0,
        }
        return f"{json.dumps(share)}\n".encode()


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What is shared among processes: pages of a scan, or spans of a walk."""

    name: str
    parts: Sequence[tuple[Any, ...]]


async def _work(connection: Any, depth: Depth) -> _Work:
    spans = await spans_of(connection) if depth is Depth.CHAINS else None
    if spans is not None:
        return _Work(name="spans", parts=[astuple(span) for span in spans])
    return _Work(name="pages", parts=[(page.after, page.until) for page in await pages_of(connection)])


async def _end_of_handing_over(ends: Sequence[Awaitable[None]], concluding: "_Process") -> None:
    """Tells the process that concludes that the others have. Raises DependencyDown when one failed."""
    try:
        await asyncio.gather(*ends)
    except DependencyDown:
        concluding.kill()
        raise
    concluding.hand(None)


class _Process:
    """One process and its share of the work, run by a thread.

    Not by the event loop: uvloop forks, and a fork of a process that serves gRPC may never come to life.
    """

    def __init__(self, share: bytes, *, hand: Callable[[bytes | None], None] | None = None) -> None:
        """With `hand`, what it has left goes there; without, it concludes, and is handed what others have."""
        self._given: SimpleQueue[bytes | None] = SimpleQueue()
        self._given.put(share)
        self._hand = hand
        if hand is not None:
            self._given.put(None)
        self._is_unwanted = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def hand(self, line: bytes | None) -> None:
        """Gives it one more line to read; None when there are no more."""
        self._given.put(line)

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
            feeding = threading.Thread(target=self._feed, args=(process.stdin,), daemon=True)
            feeding.start()
            for line in process.stdout:
                if self._hand is not None and line.startswith(LEFT):
                    self._hand(line)
                else:
                    tell(_page_of(json.loads(line)))
            self.hand(None)
            feeding.join()
        if process.returncode and not self._is_unwanted.is_set():
            complaints.seek(0)
            said = complaints.read().decode(errors="replace")[-_COMPLAINTS_SHOWN:]
            _log.warning("verifier_failed", exit_code=process.returncode, said=said)
            raise DependencyDown("verification", "a process ended before it was done; try again")

    def _feed(self, stdin: IO[bytes]) -> None:
        """By the pipe: an environment or a command line is shown to others on the machine."""
        with suppress(OSError), stdin:
            while (line := self._given.get()) is not None:
                stdin.write(line)
                stdin.flush()

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
