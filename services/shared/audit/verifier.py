"""A process that verifies a share of a store: `python -m services.shared.audit.verifier`.

It reads one JSON document from standard input, the share, and writes a line a page to standard output. Of
chains that lie in several shares it writes what it knows; the process that concludes reads what the others
wrote of them from standard input, to its end. It ends when it is done, or when whoever started it is gone.
"""

import gc
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache, partial
from importlib import import_module
from typing import Any

import asyncpg
import uvloop

from services.shared.audit.chain_walk import ChainWalk, Span
from services.shared.audit.runs import Run
from services.shared.audit.scan import SCAN_SESSION, Page, StoreScan, VerifiedPage
from services.shared.eventstore.aggregate import AggregateKind

#: How a line begins that is for the process that concludes.
LEFT = b'{"left"'
_RUNS_A_LINE = 1_000
_YOUNG_OBJECTS_MAX = 100_000


async def serve() -> None:
    """Verifies the share. Raises asyncpg's errors, OSError."""
    share = json.loads(sys.stdin.readline())

    connection = await asyncpg.connect(share["dsn"], timeout=10.0, server_settings=SCAN_SESSION)
    try:
        kinds = partial(_kinds, share["codecs"])
        if "pages" in share:
            scan = StoreScan(connection, kinds=kinds, kind=share["kind"])
            await _write(scan.verify([Page(after=after, until=until) for after, until in share["pages"]]))
            return
        walk = ChainWalk(connection, kinds=kinds, kind=share["kind"])
        spans = [Span(first_block=first, end_block=end, row_blocks=row) for first, end, row in share["spans"]]
        await _write(walk.verify(spans))
        # While the others do: who concludes has what they leave to see to, and no more.
        await _write(walk.settle())
        if not share["concludes"]:
            for line in lines_left(walk):
                sys.stdout.write(line)
            return
        for line in sys.stdin:
            take_over(walk, line)
        await _write(walk.conclude())
    finally:
        await connection.close(timeout=5.0)


async def _write(pages: AsyncIterator[VerifiedPage]) -> None:
    async for page in pages:
        sys.stdout.write(f"{json.dumps(line_of(page))}\n")
        sys.stdout.flush()


def lines_left(walk: ChainWalk) -> Iterator[str]:
    """What one process knows of the chains that go on in another's share, for the one that concludes."""
    yield f"{json.dumps({'left': {'settled': walk.settled_count, 'suspects': sorted(walk.runs.suspects)}})}\n"
    runs = list(walk.runs.rest())
    for begin in range(0, len(runs), _RUNS_A_LINE):
        line = [
            (each.stream_id, each.first_version, each.root.hex(), each.last_version, each.last_hash.hex())
            for each in runs[begin : begin + _RUNS_A_LINE]
        ]
        yield f"{json.dumps({'left': {'runs': line}})}\n"


def take_over(walk: ChainWalk, line: str) -> None:
    """Adds what another process has left."""
    left = json.loads(line)["left"]
    walk.settled_count += left.get("settled", 0)
    walk.runs.suspect(left.get("suspects", ()))
    walk.runs.merge(
        Run(stream_id, first, bytes.fromhex(root), last, bytes.fromhex(last_hash))
        for stream_id, first, root, last, last_hash in left.get("runs", ())
    )


@cache
def _kinds(codecs: str) -> Mapping[str, AggregateKind[Any, Any]]:
    """Those of the service. Imported when they are asked for: it takes longer than hashing a small store."""
    own: Mapping[str, AggregateKind[Any, Any]] = import_module(codecs).build_aggregates().by_name()
    decisions = import_module("services.shared.lifecycle.decision_kinds").decision_kinds()
    return {**own, **decisions}


def line_of(page: VerifiedPage) -> dict[str, Any]:
    """A page as a line of the answer."""
    return {
        "aggregates": page.aggregates_count,
        "events": page.events_count,
        "findings": [
            {
                "aggregate_kind": each.aggregate_kind,
                "aggregate_id": each.aggregate_id,
                "version": each.version,
                "code": each.code.value,
                "description": each.description,
            }
            for each in page.findings
        ],
    }


if __name__ == "__main__":
    # What is kept of open chains is in no cycle, and would be gone through again and again.
    gc.set_threshold(_YOUNG_OBJECTS_MAX)
    try:
        uvloop.run(serve())
        sys.stdout.flush()
    except BrokenPipeError:
        sys.exit(1)
    # At once: to take apart what is kept of a large store takes as long as to verify a part of it.
    os._exit(0)
