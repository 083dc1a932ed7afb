"""Apache Kafka as a child process: one node that is broker and controller."""

from __future__ import annotations

import base64
import secrets
import shutil
import signal
import socket
import struct
import time
from pathlib import Path
from typing import ClassVar, Final

from services.embedded import java, ports
from services.embedded.jars import ensure_jars
from services.embedded.server import EmbeddedServer
from services.embedded.supervise import Child, ChildSpec, run_to_end

_PROBE_TIMEOUT_S: Final = 1.0
_METADATA_KEY: Final = 3

_SETTINGS: Final = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "inter.broker.listener.name": "BROKER",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    # A consumer group's first member need not wait for others.
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # Topics are declared; a misspelt name must fail, not make a topic with the wrong settings.
    "auto.create.topics.enable": "false",
    # The default takes 128 MB of heap at the start, for logs much larger than these.
    "log.cleaner.dedupe.buffer.size": "4194304",
    "log.segment.delete.delay.ms": "1000",
    "num.network.threads": "2",
    "num.io.threads": "4",
    "background.threads": "2",
    # After a kill -9 the controller takes the dead broker for alive until its session ends, and refuses
    # the new one so long.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "400",
}


class KafkaServer(EmbeddedServer):
    """One Kafka node on 127.0.0.1, with its data in `folder`."""

    NAME: ClassVar[str] = "Kafka"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        cache: Path | None = None,
        is_temporary: bool = False,
        record_archive: Path | None = None,
    ) -> None:
        super().__init__(folder, port=port, is_temporary=is_temporary)
        self._cache = cache
        self._record_archive = record_archive
        self._class_path: tuple[Path, ...] = ()

    @property
    def bootstrap(self) -> str:
        """The address for clients, `127.0.0.1:port`."""
        return f"{ports.LOOPBACK}:{self.port}"

    def _prepare(self, lock_file: int, deadline_s: float) -> None:
        self._class_path = ensure_jars(self._cache)
        temporary = self.folder / "tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        if not (self.folder / "data").exists():
            self._format(lock_file, deadline_s)

    def _format(self, lock_file: int, deadline_s: float) -> None:
        # Beside, then renamed: a folder named `data` is complete, even when this is killed half way.
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._write_settings("format.properties", port=1, controller_port=2, data=unfinished.name)
        cluster_id = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
        if cluster_id.startswith("-"):
            cluster_id = f"A{cluster_id[1:]}"  # or the tool takes it for an option
        spec = self._java_spec(
            java.command(
                self._class_path,
                "kafka.tools.StorageTool",
                *("format", "--cluster-id", cluster_id, "--config", "format.properties"),
                *self._format_options(),
            ),
            lock_file,
        )
        run_to_end(spec, timeout_s=deadline_s - time.monotonic(), abandoned=self._abandoned)
        unfinished.rename(self.folder / "data")

    def _format_options(self) -> tuple[str, ...]:
        """What the data begin with beside it: nothing here."""
        return ()

    def _spec(self, port: int, lock_file: int) -> ChildSpec:
        controller_port = ports.free_port(excluded=(port,))
        self._write_settings("server.properties", port=port, controller_port=controller_port, data="data")
        command = java.command(
            self._class_path, "kafka.Kafka", "server.properties", record=self._record_archive
        )
        return self._java_spec(command, lock_file)

    def _java_spec(self, command: tuple[str, ...], lock_file: int) -> ChildSpec:
        return ChildSpec(
            name=self.NAME,
            command=command,
            # Paths in the settings are relative to it: Kafka splits them at commas.
            cwd=self.folder,
            log_path=self.log_path,
            environment=java.environment(),
            stop_signal=signal.SIGTERM,
            inherited_files=(lock_file,),
            remove_after_loss=self.folder if self.is_temporary else None,
        )

    def _write_settings(self, name: str, *, port: int, controller_port: int, data: str) -> None:
        broker = f"BROKER://{ports.LOOPBACK}:{port}"
        settings = {
            **_SETTINGS,
            "listeners": f"{broker},CONTROLLER://{ports.LOOPBACK}:{controller_port}",
            "advertised.listeners": broker,
            # Named here and not in the data, so that the port may change from start to start.
            "controller.quorum.voters": f"1@{ports.LOOPBACK}:{controller_port}",
            "log.dirs": data,
        }
        text = "".join(f"{key}={value}\n" for key, value in settings.items())
        (self.folder / name).write_text(text, "ascii")

    def _is_ready(self, child: Child, port: int) -> bool:
        return count_brokers(port) > 0


def count_brokers(port: int) -> int:
    """Ask Kafka on 127.0.0.1:`port` how many brokers take requests; 0 when it does not answer.

    This speaks the protocol itself: a client library would log an error for every try before Kafka is up.
    """
    # Request: size, key, version 0, correlation id, no client id; no topic named.
    request = struct.pack(">ihhihi", 14, _METADATA_KEY, 0, 1, -1, 0)
    try:
        with socket.create_connection((ports.LOOPBACK, port), timeout=_PROBE_TIMEOUT_S) as connection:
            connection.sendall(request)
            # Answer: size, correlation id, number of brokers, ...
            answer = connection.recv(12, socket.MSG_WAITALL)
    except OSError:
        return 0
    return int(struct.unpack(">iii", answer)[2]) if len(answer) == 12 else 0
