"""A process that verifies a share of a store: `python -m services.shared.audit.verifier`.

It reads one JSON document from standard input, the share, and writes a line a page to standard output. It
ends when it is done, or when whoever started it is gone.
"""

import json
import sys
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

import asyncpg
import uvloop

from services.shared.audit.scan import SCAN_SESSION, Depth, Page, StoreScan, VerifiedPage
from services.shared.eventstore.aggregate import AggregateKind


async def serve() -> None:
    """Verifies the share. Raises asyncpg's errors, OSError."""
    share = json.loads(sys.stdin.readline())

    connection = await asyncpg.connect(share["dsn"], timeout=10.0, server_settings=SCAN_SESSION)
    try:
        scan = StoreScan(
            connection, depth=Depth(share["depth"]), kinds=lambda: _kinds(share["codecs"]), kind=share["kind"]
        )
        pages = [Page(after=after, until=until) for after, until in share["pages"]]
        async for page in scan.verify(pages):
            sys.stdout.write(f"{json.dumps(line_of(page))}\n")
            sys.stdout.flush()
    finally:
        await connection.close(timeout=5.0)


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
    try:
        uvloop.run(serve())
    except BrokenPipeError:
        sys.exit(1)
