"""Databases on a PostgreSQL server, by name."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_CONNECT_TIMEOUT_S: Final = 15.0
_COMMAND_TIMEOUT_S: Final = 60.0


def with_database(dsn: str, database: str) -> str:
    """Return `dsn` with another database name."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def create_database(server_dsn: str, name: str, *, template: str | None = None) -> str:
    """Create a database, as a copy of `template` if given, and return its DSN.

    `server_dsn` names any other database of the server. Raises asyncpg.DuplicateDatabaseError when it exists.
    """
    source = "" if template is None else f" TEMPLATE {_quoted(template)}"
    await _run(server_dsn, f"CREATE DATABASE {_quoted(name)}{source}")
    return with_database(server_dsn, name)


async def ensure_database(server_dsn: str, name: str) -> str:
    """Create a database unless it exists, and return its DSN."""
    try:
        return await create_database(server_dsn, name)
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        # The second is what the loser sees when two create it at once.
        return with_database(server_dsn, name)


async def drop_database(server_dsn: str, name: str) -> None:
    """Drop a database if it exists, ending the sessions in it."""
    await _run(server_dsn, f"DROP DATABASE IF EXISTS {_quoted(name)} WITH (FORCE)")


async def _run(server_dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(
        server_dsn, timeout=_CONNECT_TIMEOUT_S, command_timeout=_COMMAND_TIMEOUT_S
    )
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
