"""`python -m services.bed.availability`: the worker that computes availability; several share the work."""

import asyncio
import json
import logging
import sys
import tempfile
import time

import faust
import structlog
from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from services.bed.adapters.availability_generation import usable_generation
from services.bed.adapters.availability_stream import StreamSettings, build_app, topics
from services.bed.settings import BedSettings
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.backoff import Backoff
from services.shared.kafka.topics import ensure_topics
from services.shared.kernel.refusals import DependencyDown
from services.shared.lifecycle.tracing import build_tracing
from services.shared.telemetry.logging import LogSettings, configure_logging

SERVICE = "availability"

#: As every service waits for what it needs when it starts.
_START_TIMEOUT_S = 60.0

_log = structlog.get_logger(__name__)


def main() -> int:
    """Runs the worker until it is told to stop. Prints one line of JSON when it begins."""
    settings = BedSettings()
    configure_logging(LogSettings(service=SERVICE, level=settings.log_level))
    # faust tells each of its steps.
    logging.getLogger("faust").setLevel(logging.WARNING)
    logging.getLogger("mode").setLevel(logging.ERROR)
    name = asyncio.run(_prepare(settings.kafka()))
    # The worker has no metrics: what is lost is told in its log.
    tracing = build_tracing(SERVICE, settings, CollectorRegistry())
    with tempfile.TemporaryDirectory(prefix="tierlink-availability-") as folder:
        app = build_app(
            StreamSettings(
                kafka=settings.kafka(),
                stale_after_s=settings.stale_after_s,
                folder=folder,
                app=name,
                tracer=None if tracing is None else tracing.tracer,
            )
        )
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        sys.stdout.write(json.dumps({"service": SERVICE}) + "\n")
        sys.stdout.flush()
        worker = faust.Worker(
            app,
            loop=loop,
            # Logs are ours: configured above, as every process has them.
            override_logging=False,
            loglevel=logging.WARNING,
            logfile=None,
            redirect_stdouts=False,
            quiet=True,
        )
        try:
            # It ends by raising this, whatever happened.
            worker.execute_from_commandline()
        except SystemExit as ended:
            return int(ended.code or 0)
        finally:
            if tracing is not None:
                asyncio.run(tracing.close())


async def _prepare(kafka: KafkaAddress) -> str:
    """Makes what topics are missing; the name of the group to join.

    Waits for a Kafka that is still starting, or has no coordinator of groups yet. Raises KafkaError, OSError
    or DependencyDown when it does not come.
    """
    until_s = time.monotonic() + _START_TIMEOUT_S
    backoff = Backoff(first_s=0.1, last_s=1.0)
    while True:
        try:
            name = await usable_generation(kafka)
            await ensure_topics(kafka, topics(name))
        except (KafkaError, OSError, DependencyDown) as error:
            if time.monotonic() > until_s:
                raise
            _log.info("waiting_for_kafka", error=repr(error))
            await asyncio.sleep(backoff.next_s())
        else:
            return name


if __name__ == "__main__":
    sys.exit(main())
