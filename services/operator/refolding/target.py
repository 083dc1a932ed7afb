"""Which live database is folded into which new one."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from services.embedded.databases import create_database, drop_database, with_database
from services.operator.platform.given import Given

#: PostgreSQL cuts names that are longer, and two may then be one.
_NAME_BYTES_MAX = 63


class BadTarget(ValueError):
    """A name that no new database can have."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """One service's databases, on one server."""

    #: referral, bed or notification
    service: str
    #: read only
    live_dsn: str
    name: str

    @property
    def live_name(self) -> str:
        return urlsplit(self.live_dsn).path.lstrip("/")

    @property
    def dsn(self) -> str:
        """Of the new database."""
        return with_database(self.live_dsn, self.name)

    async def make(self) -> None:
        """Raises asyncpg.DuplicateDatabaseError when it is there, asyncpg.PostgresError, OSError."""
        await create_database(self.live_dsn, self.name)

    async def drop(self) -> None:
        """For good. Raises asyncpg.PostgresError, OSError."""
        await drop_database(self.live_dsn, self.name)


def targets(given: Given, services: tuple[str, ...], suffix: str) -> tuple[Target, ...]:
    """The databases of these services. Raises BadTarget."""
    found = []
    for service in services:
        dsn = given.dsns[service]
        assert dsn is not None, "it was asked for"
        target = Target(service=service, live_dsn=dsn, name=f"{urlsplit(dsn).path.lstrip('/')}{suffix}")
        if target.name == target.live_name or len(target.name.encode()) > _NAME_BYTES_MAX:
            raise BadTarget(target.name)
        found.append(target)
    return tuple(found)
