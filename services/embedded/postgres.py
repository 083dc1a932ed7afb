"""PostgreSQL as a child process."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import ClassVar, Final

from services.embedded import ports
from services.embedded.accounts import DEFAULT_ACCOUNT, account_for
from services.embedded.errors import EmbeddedError
from services.embedded.postgres_binaries import bin_folder
from services.embedded.server import EmbeddedServer
from services.embedded.supervise import Child, ChildSpec, SystemUser, run_to_end

#: The role that owns everything; connections from this machine need no password.
ROLE: Final = "tierlink"
MAX_CONNECTIONS: Final = 200

#: How long PostgreSQL may take to end its own processes when Tierlink has died.
_LOSS_GRACE_S: Final = 6.0

_SETTINGS: Final = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",  # their paths may have 107 characters only
    "max_connections": str(MAX_CONNECTIONS),
    "shared_buffers": "64MB",
    "max_wal_size": "512MB",
    "io_method": "sync",  # three processes fewer
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # In the data folder, so that a kill -9 leaves nothing elsewhere.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "lc_messages": "C",
}
#: For data that need not survive a crash of the machine. A crash of PostgreSQL alone still loses nothing.
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer(EmbeddedServer):
    """One PostgreSQL server on 127.0.0.1, with its data in `folder`."""

    NAME: ClassVar[str] = "PostgreSQL"

    def __init__(
        self,
        folder: Path,
        *,
        port: int | None = None,
        durable: bool = True,
        cache: Path | None = None,
        is_temporary: bool = False,
        account: str = DEFAULT_ACCOUNT,
    ) -> None:
        """`account` is who runs it when Tierlink runs as root."""
        super().__init__(folder, port=port, is_temporary=is_temporary)
        self._durable = durable
        self._cache = cache
        self._account = account
        self._user: SystemUser | None = None
        self._bin: Path | None = None

    def dsn(self, database: str = "postgres") -> str:
        """Return the address of a database, as asyncpg and libpq take it."""
        return f"postgresql://{ROLE}@{ports.LOOPBACK}:{self.port}/{database}"

    @property
    def bin_folder(self) -> Path:
        """Where psql, pg_dump and pgbench are. Raises EmbeddedError before the first start."""
        if self._bin is None:
            raise EmbeddedError("PostgreSQL's programs are not known before its first start")
        return self._bin

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _prepare(self, lock_file: int, deadline_s: float) -> None:
        self._user = account_for(self._data, name=self._account)
        if self._bin is None:
            # Asked once: as root it forks, and a fork beside gRPC's threads can crash at a later start.
            self._bin = bin_folder(self._user, cache=self._cache)
        if not self._data.exists():
            self._initialise(lock_file, deadline_s)
        elif not os.access(self._data, os.R_OK | os.W_OK | os.X_OK):
            raise EmbeddedError(
                f"The PostgreSQL data in {self._data} belongs to user {self._data.stat().st_uid}. "
                "Run Tierlink as that user or as root, or choose another data folder."
            )
        # The folder's lock is ours, so whatever wrote these is gone. PostgreSQL itself would ask whether the
        # process number is in use, and in a restarted container it often is, by somebody else.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _initialise(self, lock_file: int, deadline_s: float) -> None:
        # Beside, then renamed: a folder named `data` is complete, even when this is killed half way.
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(unfinished, self._user.uid, self._user.gid)
        options = (
            "--encoding=UTF8",
            "--locale=C",
            # Rules of PostgreSQL's own: the order of texts does not depend on the system's libraries.
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth=trust",
            f"--username={ROLE}",
            "--no-instructions",
            *(() if self._durable else ("--no-sync",)),
        )
        spec = self._child_spec("initdb", options, data=unfinished, lock_file=lock_file)
        run_to_end(spec, timeout_s=deadline_s - time.monotonic(), abandoned=self._abandoned)
        unfinished.rename(self._data)

    def _spec(self, port: int, lock_file: int) -> ChildSpec:
        settings = {**_SETTINGS, **({} if self._durable else _NOT_DURABLE), "port": str(port)}
        options = tuple(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))
        return self._child_spec("postgres", options, data=self._data, lock_file=lock_file)

    def _child_spec(self, program: str, options: tuple[str, ...], *, data: Path, lock_file: int) -> ChildSpec:
        # The account that it runs under may not reach the data by its path (below a closed home folder, say).
        # The guardian, as root, makes it the working folder, and from there Linux needs no path.
        by_working_folder = self._user is not None and sys.platform == "linux"
        return ChildSpec(
            name=self.NAME,
            command=(
                str(self.bin_folder / program),
                "-D",
                "/proc/self/cwd" if by_working_folder else str(data),
                *options,
            ),
            cwd=data,
            log_path=self.log_path,
            environment={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            stop_signal=signal.SIGINT,  # "fast": ends the sessions and writes everything
            loss_signal=signal.SIGQUIT,  # "immediate": ends its own processes, and recovers at the next start
            loss_grace_s=_LOSS_GRACE_S,
            user=self._user,
            inherited_files=(lock_file,),
            remove_after_loss=self.folder if self.is_temporary else None,
        )

    def _is_ready(self, child: Child, port: int) -> bool:
        # Its own statement of its state; see src/include/utils/pidfile.h.
        try:
            lines = (self._data / "postmaster.pid").read_text("utf-8").splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready"
