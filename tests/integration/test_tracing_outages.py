"""A collector that is dead or hangs: commands are answered as ever, spans are dropped and counted, and the
process stops in time."""

import asyncio
import socket
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.doubles.collector import running_collector
from tests.integration.hospital import referral_service
from tests.stack import CreateDatabase

COMMANDS = 30
#: What thirty commands and a stop may take on a busy machine; each try of the exporter lasts 3 s.
COMMANDS_S_MAX, STOP_S_MAX = 12.0, 8.0


@asynccontextmanager
async def dead() -> AsyncIterator[str]:
    """The address of nobody."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        # Bound and not listening: nobody else gets it, and whoever connects is refused.
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@asynccontextmanager
async def hanging() -> AsyncIterator[str]:
    async with running_collector(hangs=True) as collector:
        yield collector.endpoint


def dropped(operations: str) -> float:
    with urllib.request.urlopen(f"http://{operations}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "tierlink_tracing_spans_total" and sample.labels["outcome"] != "exported"
    )


@pytest.mark.parametrize("collector", [dead, hanging])
async def test_commands_do_not_wait_for_the_collector_and_neither_does_the_stop(
    collector: type, database: CreateDatabase, tmp_path: Path
) -> None:
    async with collector() as endpoint:
        settings = {
            "TIERLINK_TRACING_ENDPOINT": endpoint,
            "TIERLINK_TRACING_RATIO": "1",
            "TIERLINK_REFERRAL_OPERATIONS_PORT": "0",
        }
        async with referral_service(tmp_path, dsn=await database(), settings=settings) as (hospital, process):
            began_s = time.monotonic()
            for _ in range(COMMANDS):
                await hospital.create()
            assert time.monotonic() - began_s < COMMANDS_S_MAX
            operations = process.ready.operations
            assert operations is not None
            until_s = time.monotonic() + 30
            while await asyncio.to_thread(dropped, operations) == 0:
                assert time.monotonic() < until_s, "nothing of what is lost was counted"
                await asyncio.sleep(0.1)
            # Some wait, and a batch may be on its way, when the process is told to stop.
            await hospital.create()
            began_s = time.monotonic()
            await asyncio.to_thread(process.stop)
            assert time.monotonic() - began_s < STOP_S_MAX
        assert "Traceback" not in process.log_path.read_text(encoding="utf-8")
