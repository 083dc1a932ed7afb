"""Has the referral service's program try another directory or policy on what Kafka has.

The program is started as `tierlink serve` starts services: its rules are the service's own, and this one does
not know them. It is given the events by its standard input and can reach nothing else.
"""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from services.operator.events.source import Reach, TopicSource, open_source
from services.operator.events.topics import topics_named
from services.shared.kafka.address import KafkaAddress

PROGRAM = "services.referral.composition.what_if"
#: Topics by the kind of their aggregates.
_KINDS = {"referral": "referral", "episode": "episode"}
#: A patient comes through the door, and a referral is opened, before what is asked about is requested.
_BEFORE = timedelta(days=1)
_LINES_AT_ONCE = 500


class NotTried(Exception):
    """The program refused: a file is faulty; or it ended before it was done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be tried."""

    #: an ApplyDirectoryRequest as bytes
    directory: bytes
    policy: Path | None
    targets: Path | None
    #: of the requests that are compared
    since: datetime | None
    until: datetime | None

    def line(self) -> str:
        """As the program reads it."""
        fields = {
            "directory": base64.b64encode(self.directory).decode(),
            "policy": None if self.policy is None else str(self.policy),
            "targets": None if self.targets is None else str(self.targets),
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
        }
        return json.dumps(fields)


async def try_on(kafka: KafkaAddress, order: Order, on_read: Callable[[int], None]) -> dict[str, Any]:
    """The program's document. `on_read` is told how many events were read so far.

    Raises NotTried, DependencyDown when Kafka or a topic is not there.
    """
    async with open_source(kafka, topics_named(tuple(_KINDS))) as source:
        await source.seek(Reach(since=None if order.since is None else order.since - _BEFORE))
        return await _run(order, _lines(source, on_read))


async def _lines(source: TopicSource, on_read: Callable[[int], None]) -> AsyncIterator[str]:
    count = 0
    async for page in source.read():
        lines = [
            json.dumps({"kind": _KINDS[record.topic.short], "value": base64.b64encode(record.value).decode()})
            for record in page
            if record.message is not None and not record.is_tombstone
        ]
        count += len(lines)
        on_read(count)
        for start in range(0, len(lines), _LINES_AT_ONCE):
            yield "\n".join(lines[start : start + _LINES_AT_ONCE]) + "\n"


async def _run(order: Order, lines: AsyncIterator[str]) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", PROGRAM),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    try:
        try:
            process.stdin.write(f"{order.line()}\n".encode())
            async for line in lines:
                process.stdin.write(line.encode())
                await process.stdin.drain()
        except ConnectionError:
            pass  # it has ended, and says why
        # It begins when nothing more comes.
        process.stdin.close()
        out, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise NotTried(said.decode(errors="replace").strip())
    document: dict[str, Any] = json.loads(out)
    return document
