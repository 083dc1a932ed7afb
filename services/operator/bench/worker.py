"""A process of the bench: does the jobs that it reads from standard input, one JSON document a line.

It ends when its standard input does, and so with the process that started it.
"""

import asyncio
import json
import sys
import traceback
from typing import Any

import uvloop

from services.operator.bench.jobs.registry import Jobs
from services.shared.lifecycle.collector import spare_what_stays
from services.shared.telemetry.logging import LogSettings, configure_logging

#: A line may carry the replies of a whole life.
_LINE_BYTES_MAX = 16 * 1024 * 1024


async def serve() -> None:
    """Reads jobs until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_LINE_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    jobs = Jobs()
    # What is measured are the servers' pauses, not those of whoever measures.
    spare_what_stays()
    try:
        while line := await reader.readline():
            asked = json.loads(line)
            answer: dict[str, Any]
            try:
                answer = {"result": await jobs.find(asked.pop("job"))(**asked)}
            except Exception:
                answer = {"error": traceback.format_exc(limit=-6)}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()
    finally:
        await jobs.close()


if __name__ == "__main__":
    # Standard output is for the answers alone.
    configure_logging(LogSettings(service="bench", level="WARNING"))
    uvloop.run(serve())
