"""One service as a child process that ends with this program, however it ends."""

import json
import os
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.embedded.errors import EmbeddedError
from services.embedded.ports import LOOPBACK, free_port, is_free
from services.embedded.supervise import Child, ChildSpec, log_tail, spawn
from services.operator.platform import launch
from services.operator.platform.errors import PlatformError
from services.operator.platform.given import variable

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 25.0
_READY_POLL_S = 0.02
#: what a service says, what the board does, which speaks HTTP, and what a worker does, which nobody calls
_READY_KEYS = ({"service", "grpc", "operations"}, {"service", "http"}, {"service"})
_PORT_TRIES = 5
#: Certificates are for a site's own deployment; what is started here listens on the loopback address only.
_NOT_INHERITED = ("TIERLINK_TLS_",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """What a service says when it serves."""

    #: empty for the board
    grpc: str = ""
    #: None when it is off
    operations: str | None = None
    #: empty for all but the board
    http: str = ""


class ServiceProcess:
    """`python -m services.<name>`. The methods block; use one object from one thread at a time.

    After it has ended, `start()` starts it again on the same port.
    """

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        environment: Mapping[str, str],
        port: int | None = None,
        is_temporary: bool = False,
        module: str = "",
    ) -> None:
        """`folder` is for its log; with `is_temporary` it goes when this program is killed.

        `environment` is added to this program's own. A port that is taken is given up for
        a free one, as long as it never served; without a port a free one is chosen. Without a `module`
        it is the one of its name.
        """
        self.name = name
        self._folder = folder
        self._environment = dict(environment)
        self._chosen_port = port
        self._is_temporary = is_temporary
        self._module = module or f"services.{name}"
        self._child: Child | None = None
        self._ready: Ready | None = None
        self._abandoned = threading.Event()

    @property
    def ready(self) -> Ready:
        """Where it serves. Raises PlatformError before its first start."""
        if self._ready is None:
            raise PlatformError(f"the {self.name} service was not started")
        return self._ready

    @property
    def pid(self) -> int:
        """The process itself. Raises PlatformError when it does not run."""
        if self._child is None or not self._child.is_running:
            raise PlatformError(f"the {self.name} service is not running")
        return self._child.pid

    @property
    def is_running(self) -> bool:
        return self._child is not None and self._child.is_running

    @property
    def log_path(self) -> Path:
        return self._folder / f"{self.name}.log"

    def start(self) -> None:
        """Starts it and returns when it serves. Raises PlatformError with the end of its log."""
        if self._child is not None:
            self._child.kill()  # it has ended by itself; this closes what is open to it
        self._folder.mkdir(parents=True, exist_ok=True)
        for tries_left in range(_PORT_TRIES - 1, -1, -1):
            port = self._chosen_port or free_port()
            try:
                self._ready = self._start_on(port)
            except PlatformError:
                # Somebody may have taken a port that was free a moment ago; one that served stays.
                is_fixed = self._ready is not None or self._abandoned.is_set()
                if is_fixed or tries_left == 0 or is_free(port):
                    raise
                self._chosen_port = None
            else:
                self._chosen_port = port
                return

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Asks it to finish what is in progress, and kills it when it has not after `timeout_s` seconds."""
        if self._child is not None:
            self._child.stop(timeout_s)

    def kill(self) -> None:
        """Ends it as kill -9 does."""
        if self._child is not None:
            self._child.kill()

    def abandon(self) -> None:
        """Makes a `start()` that runs in another thread fail soon. The object starts no more."""
        self._abandoned.set()

    def _start_on(self, port: int) -> Ready:
        log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        try:
            child = spawn(self._spec(port))
        except (EmbeddedError, OSError) as error:
            raise PlatformError(str(error)) from error
        self._child = child
        try:
            return self._wait_until_ready(child, log_start)
        except BaseException:
            child.kill()
            raise

    def _spec(self, port: int) -> ChildSpec:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_INHERITED)}
        environment_path = self._folder / "environment.json"
        environment = {
            **inherited,
            **self._environment,
            variable(self.name, "HOST"): LOOPBACK,
            variable(self.name, "PORT"): str(port),
            # The ready line must not wait in a buffer.
            "PYTHONUNBUFFERED": "1",
        }
        launch.write_environment(environment_path, environment)
        script = (sys.executable, "-I", "-S", launch.__file__)
        return ChildSpec(
            name=f"the {self.name} service",
            command=(*script, str(environment_path), self._module),
            cwd=self._folder,
            log_path=self.log_path,
            environment={},
            remove_after_loss=self._folder if self._is_temporary else None,
        )

    def _wait_until_ready(self, child: Child, log_start: int) -> Ready:
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while True:
            ended = child.exit_status
            ready = _find_ready(self.log_path, log_start, self.name)
            if ready is not None:
                return ready
            if ended is not None:
                raise PlatformError(
                    f"the {self.name} service ended with status {ended} while it started.\n"
                    f"{log_tail(self.log_path)}"
                )
            if self._abandoned.is_set():
                raise PlatformError(f"the start of the {self.name} service was abandoned")
            if time.monotonic() > deadline_s:
                raise PlatformError(
                    f"the {self.name} service was not ready after {START_TIMEOUT_S:.0f} s.\n"
                    f"{log_tail(self.log_path)}"
                )
            time.sleep(_READY_POLL_S)


def _find_ready(log_path: Path, log_start: int, name: str) -> Ready | None:
    """The ready line in what was written since the start; the log has standard output and error alike."""
    with log_path.open("rb") as log:
        log.seek(log_start)
        content = log.read()
    for line in content.splitlines():
        if not line.startswith(b"{"):
            continue
        try:
            said = json.loads(line)
        except ValueError:
            continue  # half written, or another's line
        if isinstance(said, dict) and set(said) in _READY_KEYS and said["service"] == name:
            return Ready(**{key: value for key, value in said.items() if key != "service"})
    return None
