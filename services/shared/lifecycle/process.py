"""One service process from its first line to its last: migrate, serve, say so, drain."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

import grpc
import structlog
import uvloop

from services.shared.clocks.agreement import ClockAgreement
from services.shared.clocks.day_clock import DAY_CLOCK
from services.shared.database.migrations import migrate
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.kernel.refusals import DependencyDown
from services.shared.lifecycle.collector import spare_what_stays
from services.shared.lifecycle.foundation import Foundation
from services.shared.lifecycle.settings import Part
from services.shared.operations.certificate import valid_until
from services.shared.operations.condition import ConditionReader
from services.shared.operations.metrics import ConditionMetrics, ConditionWatch
from services.shared.rpc.admission import Admission
from services.shared.rpc.call import RpcRuntime
from services.shared.rpc.credentials import TokenSettings, TokenVerifier
from services.shared.rpc.rpc_metrics import RpcMetrics
from services.shared.rpc.server import RpcServer
from services.shared.rpc.stop_signals import StopSignals, stop_signals
from services.shared.telemetry.logging import LogSettings, configure_logging
from services.shared.telemetry.operations_endpoint import OperationsEndpoint, OperationsSettings

_log = structlog.get_logger(__name__)

#: How long a process waits for its database and Kafka when it starts.
_START_TIMEOUT_S = 60.0

#: How long the loops wait for their topics when a process starts.
_TOPICS_FIRST_S = 5.0


class Loop(Protocol):
    """Something that works until it is stopped: a relay, a consumer, a worker."""

    async def run(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """What a service adds to the foundation."""

    #: called with the runtime of all RPCs once the keys are read
    handlers: Callable[[RpcRuntime], Sequence[grpc.ServiceRpcHandler]]
    loops: Sequence[Loop]
    topics: Sequence[TopicSpec]
    #: done before anything is served: what the service needs to have read
    prepare: Sequence[Callable[[], Awaitable[None]]] = field(default_factory=tuple)
    #: closed when all has stopped
    closing: Sequence[Callable[[], Awaitable[None]]] = field(default_factory=tuple)
    host: str
    port: int
    operations_port: int | None


Assemble = Callable[[Foundation], Assembly]


def run_process(build: Callable[[], Foundation], assemble: Assemble, *, service: str, log_level: str) -> int:
    """Runs a service process until it is told to stop. Returns its exit code.

    Prints one line of JSON when it serves: the service and where it listens.
    """
    configure_logging(LogSettings(service=service, level=log_level))

    async def main() -> int:
        foundation = build()
        try:
            with stop_signals() as signals:
                return await _serve(foundation, assemble(foundation), signals)
        finally:
            await foundation.close()

    return uvloop.run(main())


async def _serve(foundation: Foundation, assembly: Assembly, signals: StopSignals) -> int:
    try:
        await _ready_database(foundation, signals)
    except DependencyDown as error:
        _log.error("database_away", reason=str(error.__cause__ or error))
        return 1
    if signals.stop.is_set():
        return 0
    agreement = ClockAgreement(DAY_CLOCK, foundation.reading)
    with suppress(DependencyDown):
        # Before anything is recorded; the loop goes on asking.
        await agreement.round()
    for step in assembly.prepare:
        await step()
    settings = foundation.settings
    verifier = TokenVerifier(
        TokenSettings(jwks=settings.jwks, audience=settings.token_audience), now=DAY_CLOCK.seconds
    )
    await verifier.open()
    admission = Admission(calls_max=settings.calls_max, streams_max=settings.streams_max)
    runtime = RpcRuntime(
        authenticator=verifier,
        admission=admission,
        metrics=RpcMetrics(foundation.registry),
        tracer=foundation.tracer,
    )
    server = RpcServer(
        settings.rpc(assembly.host, assembly.port),
        handlers=assembly.handlers(runtime) if Part.GRPC in foundation.parts else (),
        admission=admission,
        readiness=foundation.reading.is_ready,
    )
    endpoint = _endpoint(foundation, assembly, server)
    try:
        spare_what_stays()
        await server.start()
        operations = None
        if endpoint is not None:
            operations = f"{assembly.host}:{endpoint.start()}"
        serving = {"service": foundation.service, "grpc": server.address, "operations": operations}
        sys.stdout.write(json.dumps(serving) + "\n")
        sys.stdout.flush()
        return await _run_loops(foundation, assembly, signals, server, agreement)
    finally:
        await server.stop(signals.hurry)
        if endpoint is not None:
            await endpoint.stop()
        await verifier.close()
        for close in assembly.closing:
            await close()


async def _ready_database(foundation: Foundation, signals: StopSignals) -> None:
    """Migrates, waiting for a server that is still starting. Raises DependencyDown when it does not come."""
    until_s = time.monotonic() + _START_TIMEOUT_S
    while not signals.stop.is_set():
        try:
            await migrate(foundation.reading, foundation.migrations)
            return
        except DependencyDown as error:
            if time.monotonic() > until_s:
                raise
            _log.warning("waiting_for_database", reason=str(error.__cause__ or error))
            await asyncio.sleep(0.2)


def _endpoint(foundation: Foundation, assembly: Assembly, server: RpcServer) -> OperationsEndpoint | None:
    if assembly.operations_port is None:
        return None
    return OperationsEndpoint(
        OperationsSettings(host=assembly.host, port=assembly.operations_port),
        registry=foundation.registry,
        is_ready=lambda: server.is_ready,
    )


async def _run_loops(
    foundation: Foundation,
    assembly: Assembly,
    signals: StopSignals,
    server: RpcServer,
    agreement: ClockAgreement,
) -> int:
    """Runs every loop until a signal comes, or one of them ends by itself, which is a fault."""
    loops: list[Loop] = [*assembly.loops, _condition_watch(foundation), agreement]
    if foundation.relay is not None and foundation.listener is not None:
        loops += [foundation.relay, foundation.listener]
    topics = asyncio.create_task(_keep_asking_for_topics(foundation, assembly), name="topics")
    stop = asyncio.create_task(signals.stop.wait(), name="stop")
    # Consumers that begin before their topics exist would back off first; without Kafka they begin anyway.
    await asyncio.wait((topics, stop), timeout=_TOPICS_FIRST_S, return_when=asyncio.FIRST_COMPLETED)
    tasks = {asyncio.create_task(loop.run(), name=type(loop).__name__): loop for loop in loops}
    done, _ = await asyncio.wait({*tasks, stop}, return_when=asyncio.FIRST_COMPLETED)
    fault = next((task for task in done if task is not stop), None)
    if fault is not None:
        error = None if fault.cancelled() else fault.exception()
        _log.error("loop_ended", loop=fault.get_name(), exc_info=error)
    stop.cancel()
    topics.cancel()
    # Callers first: what they are answered is still published and followed by the loops of this process.
    await server.stop(signals.hurry)
    await asyncio.gather(*(loop.stop() for loop in loops), return_exceptions=True)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, stop, topics, return_exceptions=True)
    return 0 if fault is None else 1


def _condition_watch(foundation: Foundation) -> ConditionWatch:
    metrics = ConditionMetrics(foundation.registry)
    metrics.certificates(
        callers=valid_until(foundation.settings.tls_certificate),
        kafka=valid_until(foundation.settings.kafka_certificate),
    )
    return ConditionWatch(ConditionReader(foundation.reading, foundation.migrations), metrics)


def _replicated(foundation: Foundation, topics: Sequence[TopicSpec]) -> list[TopicSpec]:
    return [replace(topic, replicas=foundation.settings.kafka_replicas) for topic in topics]


async def _keep_asking_for_topics(foundation: Foundation, assembly: Assembly) -> None:
    """Topics are made where they are missing; commands are answered meanwhile, Kafka or not."""
    while True:
        try:
            await ensure_topics(foundation.kafka, _replicated(foundation, assembly.topics))
            return
        except DependencyDown as error:
            _log.warning("topics_not_ready", error=str(error))
