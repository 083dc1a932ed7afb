"""Where the test run's Kafka and PostgreSQL can come from; see tests/stack.py for the choice."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from services.embedded import EmbeddedStack, ports
from services.embedded.kafka import count_brokers

_KAFKA_IMAGE: Final = "apache/kafka:4.3.1"
_POSTGRES_IMAGE: Final = "postgres:18"
_PING_TIMEOUT_S: Final = 3
_READY_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, kw_only=True)
class StartedStack:
    """Running servers, and how to stop them."""

    name: str
    kafka_bootstrap: str
    #: With a role that may create databases.
    postgres_dsn: str
    stop: Callable[[], None]
    #: Whether the servers outlive the run, so that it must remove what it made there.
    is_kept: bool = False
    #: What a person should know, if the start was not as announced.
    note: str | None = None


class Backend(ABC):
    """One way to have the servers."""

    name: str

    def __init__(self, reason: str) -> None:
        #: Why this one was chosen, for the header of the run.
        self.reason = reason

    @abstractmethod
    def start(self) -> StartedStack:
        """Start the servers and wait until they answer."""


class GivenBackend(Backend):
    """Servers that run already."""

    name = "given"

    def __init__(self, reason: str, *, kafka_bootstrap: str, postgres_dsn: str) -> None:
        super().__init__(reason)
        self._kafka_bootstrap = kafka_bootstrap
        self._postgres_dsn = postgres_dsn

    def start(self) -> StartedStack:
        return StartedStack(
            name=self.name,
            kafka_bootstrap=self._kafka_bootstrap,
            postgres_dsn=self._postgres_dsn,
            stop=lambda: None,
            is_kept=True,
        )


class EmbeddedBackend(Backend):
    """The product's own embedded servers, in a temporary folder."""

    name = "embedded"

    def start(self) -> StartedStack:
        stack = EmbeddedStack()
        asyncio.run(stack.start())
        return StartedStack(
            name=self.name,
            kafka_bootstrap=stack.kafka_bootstrap,
            postgres_dsn=stack.postgres_dsn(),
            stop=lambda: asyncio.run(stack.stop()),
        )


class DockerBackend(Backend):
    """Containers of the published images; testcontainers removes them even when the run is killed."""

    name = "docker"

    def __init__(self, reason: str, *, kafka_image: str, postgres_image: str, is_required: bool) -> None:
        super().__init__(reason)
        self._kafka_image = kafka_image
        self._postgres_image = postgres_image
        self._is_required = is_required

    def start(self) -> StartedStack:
        containers: list[Any] = []
        try:
            with warnings.catch_warnings():
                # The tests' filter makes errors of warnings, and those of testcontainers are not ours.
                warnings.simplefilter("ignore")
                return self._start(containers)
        except Exception as error:
            _remove(containers)
            if self._is_required:
                raise
            # An engine without the images or a way to fetch them: the tests can run all the same.
            started = EmbeddedBackend(self.reason).start()
            return StartedStack(
                name=started.name,
                kafka_bootstrap=started.kafka_bootstrap,
                postgres_dsn=started.postgres_dsn,
                stop=started.stop,
                note=f"embedded, because Docker answered but could not start the servers: {error}",
            )

    def _start(self, containers: list[Any]) -> StartedStack:
        # Slow to import, and needed only here.
        from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415
        from testcontainers.core.container import DockerContainer  # noqa: PLC0415

        port = ports.free_port()
        kafka = DockerContainer(self._kafka_image).with_bind_ports(port, port)
        containers.append(kafka.with_envs(**_kafka_environment(port)))
        postgres = PostgresContainer(self._postgres_image, driver=None)
        containers.append(postgres.with_command("postgres -c fsync=off -c max_connections=200"))
        for container in containers:
            container.start()
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        while count_brokers(port) == 0:
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{self._kafka_image} did not answer in {_READY_TIMEOUT_S:.0f} s")
            time.sleep(0.1)
        return StartedStack(
            name=self.name,
            kafka_bootstrap=f"{ports.LOOPBACK}:{port}",
            postgres_dsn=postgres.get_connection_url(),
            stop=lambda: _remove(containers),
        )


def _remove(containers: list[Any]) -> None:
    for container in containers:
        container.stop()


def _kafka_environment(port: int) -> dict[str, str]:
    """Return the image's settings: like the embedded Kafka's where the tests depend on them."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"CLIENT://:{port},CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"CLIENT://{ports.LOOPBACK}:{port}",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "CLIENT",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
    }


def choose_backend(environ: Mapping[str, str]) -> Backend:
    """Choose by the environment and by whether a Docker engine answers. Raises ValueError."""
    wanted = environ.get("TIERLINK_TEST_BACKEND", "")
    if wanted not in ("", "given", "docker", "embedded"):
        raise ValueError(f"TIERLINK_TEST_BACKEND={wanted!r}: use given, docker or embedded")
    kafka_bootstrap = environ.get("TIERLINK_TEST_KAFKA_BOOTSTRAP")
    postgres_dsn = environ.get("TIERLINK_TEST_POSTGRES_DSN")
    if wanted == "given" or (not wanted and (kafka_bootstrap or postgres_dsn)):
        if not kafka_bootstrap or not postgres_dsn:
            raise ValueError("Set both TIERLINK_TEST_KAFKA_BOOTSTRAP and TIERLINK_TEST_POSTGRES_DSN")
        return GivenBackend(
            "TIERLINK_TEST_KAFKA_BOOTSTRAP and TIERLINK_TEST_POSTGRES_DSN are set",
            kafka_bootstrap=kafka_bootstrap,
            postgres_dsn=postgres_dsn,
        )
    if wanted == "embedded":
        return EmbeddedBackend("TIERLINK_TEST_BACKEND says so")
    if wanted == "docker" or _docker_answers(environ):
        return DockerBackend(
            "TIERLINK_TEST_BACKEND says so" if wanted else "an engine answers",
            kafka_image=environ.get("TIERLINK_TEST_KAFKA_IMAGE", _KAFKA_IMAGE),
            postgres_image=environ.get("TIERLINK_TEST_POSTGRES_IMAGE", _POSTGRES_IMAGE),
            is_required=wanted == "docker",
        )
    return EmbeddedBackend("no Docker engine answers")


def _docker_answers(environ: Mapping[str, str]) -> bool:
    if not environ.get("DOCKER_HOST") and not Path("/var/run/docker.sock").exists():
        return False
    # In a process of its own: the client is slow to import, and leaves sockets open when it fails.
    ping = f"import docker; docker.from_env(timeout={_PING_TIMEOUT_S}).ping()"
    try:
        done = subprocess.run(
            [sys.executable, "-c", ping], capture_output=True, timeout=_PING_TIMEOUT_S * 4, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0
