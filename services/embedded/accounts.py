"""Which account PostgreSQL runs under: it refuses to run as root."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Final

from services.embedded.errors import EmbeddedError
from services.embedded.supervise import SystemUser

DEFAULT_ACCOUNT: Final = "nobody"


def account_for(data: Path, *, name: str = DEFAULT_ACCOUNT) -> SystemUser | None:
    """Return the account for a server on the folder `data`, or None for the current user, who is not root.

    For root it is the owner of data that is there already, else the account `name`.
    Raises EmbeddedError when there is no such account, or the current user has no name.
    """
    if os.geteuid() != 0:
        _check_named(os.geteuid())
        return None
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return SystemUser(name=f"user {owner.st_uid}", uid=owner.st_uid, gid=owner.st_gid)
    try:
        entry = pwd.getpwnam(name)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and this system has no account {name!r} to run it under. "
            "Run Tierlink as another user."
        ) from error
    return SystemUser(name=name, uid=entry.pw_uid, gid=entry.pw_gid)


def _check_named(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError as error:
        raise EmbeddedError(
            f"PostgreSQL's initdb looks up the name of the user that runs it, and user {uid} has none here. "
            "Run Tierlink as a named user or as root (in a container: leave out --user)."
        ) from error
