"""How `subprocess.Popen` starts a process: the one place where all that a test starts comes past.

Python does not promise it, and its parameters change with Python's version, so they are bound by name. What
this does not know, such as another user, is left to Python.
"""

import inspect
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

Execute = Callable[..., None]

COLD: Final[Execute] = subprocess.Popen._execute_child  # type: ignore[attr-defined]
_SIGNATURE: Final = inspect.signature(COLD)


@dataclass(frozen=True, kw_only=True)
class Call:
    """A process to start."""

    popen: Any
    command: tuple[str, ...]
    environment: dict[str, str] | None
    cwd: str | None
    #: the process's ends of its standard files; -1 is its parent's own
    files: tuple[int, int, int]
    has_session: bool
    process_group: int
    before: Callable[[], None] | None
    #: what closes this process's copies of those ends
    close: Callable[[], None]

    def started(self, pid: int) -> None:
        """As Python notes it."""
        self.popen.pid = pid
        self.popen._child_created = True
        self.close()


def known_call(*given: Any) -> Call | None:
    """The call of `_execute_child` with these arguments, or None if it asks for more than is known here."""
    said = _SIGNATURE.bind(*given).arguments
    environment, popen = said["env"], said["self"]
    is_known = (
        not isinstance(said["args"], (str, bytes))
        and all(isinstance(part, str) for part in said["args"])
        and said["executable"] is None
        and not said["shell"]
        and not said["pass_fds"]
        and {said["gid"], said["uid"], said["gids"]} == {None}
        and said["umask"] == -1
    )
    if not is_known:
        return None
    pipes = [said[name] for name in ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")]
    return Call(
        popen=popen,
        command=tuple(said["args"]),
        environment=None if environment is None else dict(environment),
        cwd=None if said["cwd"] is None else str(said["cwd"]),
        files=(said["p2cread"], said["c2pwrite"], said["errwrite"]),
        has_session=bool(said["start_new_session"]),
        process_group=said["process_group"],
        before=said["preexec_fn"],
        close=lambda: popen._close_pipe_fds(*pipes),
    )


def set_execute(execute: Execute) -> None:
    """From now on this process starts others so."""
    subprocess.Popen._execute_child = execute  # type: ignore[attr-defined]
