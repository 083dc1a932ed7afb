"""Kafka and PostgreSQL as each process of a stand reaches them: by a line of its own.

Kafka tells its clients where it is, so a proxy before it would be left at once. Here it has a listener for
each process, and says of each that it is at the end of that process's line.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from services.embedded import EmbeddedStack, ports
from services.embedded.kafka import KafkaServer
from services.embedded.server import EmbeddedServer
from tests.faults.line import Line, ProcessLines


class LinedKafka(KafkaServer):
    """With a listener for each line."""

    def __init__(self, folder: Path, *, lines: Sequence[Line]) -> None:
        super().__init__(folder)
        self._lines = lines

    def _write_settings(self, name: str, *, port: int, controller_port: int, data: str) -> None:
        super()._write_settings(name, port=port, controller_port=controller_port, data=data)
        if name != "server.properties":
            return
        path = self.folder / name
        settings = dict(line.split("=", 1) for line in path.read_text("ascii").splitlines())
        taken = {port, controller_port}
        for number, line in enumerate(self._lines):
            # Chosen anew at each start: somebody may have taken the last one meanwhile.
            line.target_port = ports.free_port(excluded=tuple(taken))
            taken.add(line.target_port)
            listener = f"LINE{number}"
            settings["listeners"] += f",{listener}://{ports.LOOPBACK}:{line.target_port}"
            settings["advertised.listeners"] += f",{listener}://{ports.LOOPBACK}:{line.port}"
            settings["listener.security.protocol.map"] += f",{listener}:PLAINTEXT"
            settings[f"listener.name.{listener.lower()}.num.network.threads"] = "1"
        path.write_text("".join(f"{key}={value}\n" for key, value in settings.items()), "ascii")


class LinedStack(EmbeddedStack):
    """Both servers, each process's lines leading to them."""

    def __init__(self, folder: Path, *, databases: Sequence[str], lines: Mapping[str, ProcessLines]) -> None:
        super().__init__(folder, databases=databases, durable=True)
        self._lines = lines

    async def start(self) -> None:
        await super().start()
        for lines in self._lines.values():
            lines.postgres.target_port = self.postgres.port

    def _make_servers(self) -> list[EmbeddedServer]:
        super()._make_servers()
        self._kafka = LinedKafka(self.folder / "kafka", lines=[lines.kafka for lines in self._lines.values()])
        return self._servers()
