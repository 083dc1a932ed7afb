"""/metrics, /livez and /readyz over real sockets."""

import asyncio
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from prometheus_client import CollectorRegistry, Counter

from services.shared.telemetry.metrics import new_registry
from services.shared.telemetry.operations_endpoint import (
    EndpointUnavailableError,
    OperationsEndpoint,
    OperationsSettings,
)


@dataclass
class Process:
    """An endpoint around a registry and a flag."""

    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    ready: bool = True
    port: int = 0


@asynccontextmanager
async def running(settings: OperationsSettings) -> AsyncIterator[Process]:
    process = Process()
    endpoint = OperationsEndpoint(settings, registry=process.registry, is_ready=lambda: process.ready)
    process.port = endpoint.start()
    try:
        yield process
    finally:
        await endpoint.stop()


@pytest.fixture
async def process() -> AsyncIterator[Process]:
    async with running(OperationsSettings(loop_answer_s_max=30.0)) as process:
        yield process


def get(port: int, path: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
            return response.status, response.headers["Content-Type"], response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers["Content-Type"], error.read().decode()


async def fetch(process: Process, path: str) -> tuple[int, str, str]:
    return await asyncio.to_thread(get, process.port, path)


async def test_metrics_are_served_as_prometheus_reads_them(process: Process) -> None:
    Counter("tierlink_probe_things", "Things.", ["kind"], registry=process.registry).labels("a").inc(3)
    status, content_type, body = await fetch(process, "/metrics?x=1")
    assert status == 200
    assert content_type.startswith("text/plain; version=")
    assert 'tierlink_probe_things_total{kind="a"} 3.0' in body


async def test_readiness_follows_the_flag(process: Process) -> None:
    assert (await fetch(process, "/readyz"))[0] == 200
    process.ready = False
    assert (await fetch(process, "/readyz"))[0] == 503
    assert (await fetch(process, "/livez"))[0] == 200


async def test_a_stuck_loop_is_not_alive() -> None:
    async with running(OperationsSettings(loop_answer_s_max=0.1)) as process:
        answers: list[int] = []
        thread = threading.Thread(target=lambda: answers.append(get(process.port, "/livez")[0]))
        thread.start()
        thread.join()  # this blocks the event loop, which is the point
        assert answers == [503]


async def test_other_paths_and_methods_are_refused(process: Process) -> None:
    assert (await fetch(process, "/"))[0] == 404
    assert (await fetch(process, "/metrics/../etc"))[0] == 404

    def post() -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{process.port}/metrics", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=10)
        with refusal.value:
            return refusal.value.code

    assert await asyncio.to_thread(post) == 501


async def test_connections_over_the_bound_are_closed_and_the_rest_served(process: Process) -> None:
    idle = [socket.create_connection(("127.0.0.1", process.port)) for _ in range(8)]
    try:

        def ninth() -> bytes:
            with socket.create_connection(("127.0.0.1", process.port), timeout=10) as connection:
                return connection.recv(1)

        assert await asyncio.to_thread(ninth) == b""
    finally:
        for connection in idle:
            connection.close()


async def test_a_taken_port_is_a_clear_error(process: Process) -> None:
    second = OperationsEndpoint(
        OperationsSettings(port=process.port), registry=process.registry, is_ready=lambda: True
    )
    with pytest.raises(EndpointUnavailableError, match=rf"127\.0\.0\.1:{process.port}"):
        second.start()
    await second.stop()


async def test_a_stopped_endpoint_frees_its_port() -> None:
    endpoint = OperationsEndpoint(OperationsSettings(), registry=CollectorRegistry(), is_ready=lambda: True)
    port = endpoint.start()
    await endpoint.stop()
    await endpoint.stop()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_a_registry_knows_its_process_and_build() -> None:
    registry = new_registry(service="probe", version="1.2.3")
    labels = {"service": "probe", "version": "1.2.3"}
    assert registry.get_sample_value("tierlink_build_info", labels) == 1
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1_000_000
    assert registry is not new_registry(service="probe", version="1.2.3")
