"""A collector that is dead or hangs: commands are answered as ever, spans are dropped and counted, and the
process stops in time."""

import asyncio
import socket
import time
import urllib.request
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from services.operator.platform.service_process import ServiceProcess
from tests.doubles.collector import running_collector
from tests.integration.hospital import Hospital, referral_service
from tests.stack import CreateDatabase

COMMANDS = 30
#: What thirty commands and a stop may take on a busy machine; each try of the exporter lasts 3 s.
COMMANDS_S_MAX, STOP_S_MAX = 12.0, 8.0


def lost(operations: str) -> float:
    """Spans that the process says it has lost."""
    with urllib.request.urlopen(f"http://{operations}/metrics", timeout=10) as reply:
        text = reply.read().decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "tierlink_tracing_spans_total" and sample.labels["outcome"] != "exported"
    )


async def commands(hospital: Hospital) -> None:
    began_s = time.monotonic()
    for _ in range(COMMANDS):
        await hospital.create()
    assert time.monotonic() - began_s < COMMANDS_S_MAX


async def stopped(process: ServiceProcess) -> None:
    """Stops the process, within the bound and in good order."""
    began_s = time.monotonic()
    await asyncio.to_thread(process.stop)
    assert time.monotonic() - began_s < STOP_S_MAX
    assert "Traceback" not in process.log_path.read_text(encoding="utf-8")


def recording(endpoint: str) -> dict[str, str]:
    return {
        "TIERLINK_TRACING_ENDPOINT": endpoint,
        "TIERLINK_TRACING_RATIO": "1",
        "TIERLINK_REFERRAL_OPERATIONS_PORT": "0",
    }


async def test_without_a_collector_commands_go_on_and_what_is_lost_is_counted_and_seldom_told(
    database: CreateDatabase, tmp_path: Path
) -> None:
    # Bound and not listening: nobody else gets it, and whoever connects is refused.
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings = recording(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        async with referral_service(tmp_path, dsn=await database(), settings=settings) as (hospital, process):
            await commands(hospital)
            operations = process.ready.operations
            assert operations is not None
            until_s = time.monotonic() + 30
            while await asyncio.to_thread(lost, operations) == 0:
                assert time.monotonic() < until_s, "nothing of what is lost was counted"
                await asyncio.sleep(0.1)
            await commands(hospital)
            await stopped(process)
        told = process.log_path.read_text(encoding="utf-8").count("while exporting traces")
        told += process.log_path.read_text(encoding="utf-8").count("Failed to export traces")
        assert told == 1


async def test_a_collector_that_hangs_holds_up_neither_commands_nor_the_stop(
    database: CreateDatabase, tmp_path: Path
) -> None:
    async with running_collector(hangs=True) as collector:
        settings = recording(collector.endpoint)
        async with referral_service(tmp_path, dsn=await database(), settings=settings) as (hospital, process):
            await commands(hospital)
            # A batch is on its way and will not be answered; more wait behind it.
            await collector.until(bool)
            await commands(hospital)
            await stopped(process)
