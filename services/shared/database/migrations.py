"""dbmate-style migrations: `<version>_<name>.sql` with `-- migrate:up` and `-- migrate:down` parts."""

import re
from dataclasses import dataclass
from importlib.resources import files

import structlog

from services.shared.database.pool import Database

_log = structlog.get_logger(__name__)

#: Any number that every process agrees on: two that start at once migrate one after the other.
_LOCK = 7_461_902_113
_FILE = re.compile(r"^(?P<version>\d{4,14})_[a-z0-9_]+\.sql$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    version: str
    name: str
    up: str
    down: str


def load_migrations(*packages: str) -> tuple[Migration, ...]:
    """Migrations of `packages` by version. Raises ValueError for a bad file or a version given twice."""
    found: dict[str, Migration] = {}
    for package in packages:
        for entry in sorted(files(package).iterdir(), key=lambda item: item.name):
            match = _FILE.match(entry.name)
            if not match:
                continue
            version = match["version"]
            if version in found:
                raise ValueError(f"migration {version} stands twice: {found[version].name}, {entry.name}")
            found[version] = _parse(version, entry.name, entry.read_text(encoding="utf-8"))
    return tuple(found[version] for version in sorted(found))


def _parse(version: str, name: str, text: str) -> Migration:
    before, marker, rest = text.partition("-- migrate:up")
    up, down_marker, down = rest.partition("-- migrate:down")
    if not marker or not down_marker or before.strip():
        raise ValueError(f"{name}: needs '-- migrate:up' first and '-- migrate:down' after it")
    return Migration(version=version, name=name, up=up.strip(), down=down.strip())


async def migrate(database: Database, migrations: tuple[Migration, ...]) -> tuple[str, ...]:
    """Applies what is missing, each in a transaction of its own; returns the versions applied.

    Raises DependencyDown when the server is away.
    """
    applied: list[str] = []
    async with database.connection() as connection:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        try:
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_migrations"
                " (version text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
            )
            rows = await connection.fetch("SELECT version FROM schema_migrations")
            known = {row["version"] for row in rows}
            for migration in migrations:
                if migration.version in known:
                    continue
                async with connection.transaction():
                    await connection.execute(migration.up)
                    await connection.execute(
                        "INSERT INTO schema_migrations (version) VALUES ($1)", migration.version
                    )
                applied.append(migration.version)
                _log.info("migrated", migration=migration.name)
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    return tuple(applied)
