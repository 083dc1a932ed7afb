"""A consumer that was killed is succeeded at once, not when Kafka has missed it for the length of a session.

Each consumer holds a lock in the service's database, on a connection of its own. The operating system closes
that connection the moment the process is dead, and the lock is free; so whoever of the group lives finds out
within a fraction of a second, and has the dead one leave. Nothing that must be right rests on it: who is
taken for dead in error joins anew, and what two then handle is a duplicate for the inbox. A machine that
vanishes without closing its connections is missed by Kafka, as ever.

Kafka's static membership (KIP-345) is no way: aiokafka's heartbeats do not carry the instance's id, so that
two processes of one id by mistake would put each other out for ever, and it helps only who is started again.
"""

import asyncio
import os
import socket
import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import structlog
from aiokafka.errors import KafkaError

from services.shared.database.pool import Database
from services.shared.inbox.parking import SQL
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.group_members import GroupMember, GroupMembers, open_group
from services.shared.kernel.refusals import DependencyDown

_log = structlog.get_logger(__name__)

#: How often the members are looked at.
_LOOK_S = 0.25
#: After a loss of the database's connections every member has lost its lock: each has this long to come back.
_SETTLE_S = 3.0
#: One who is out may be alive and join anew; it is not taken for dead again at once.
_AGAIN_S = 60.0
_RETRY_S = 1.0


class Succession:
    """One consumer's sign of life, and its eye on those of the others in its group."""

    def __init__(self, database: Database, kafka: KafkaAddress, group: str) -> None:
        self._database = database
        self._kafka = kafka
        self._group = group
        #: by which Kafka's members and the database's locks know this consumer
        self.client_id = f"{group}@{socket.gethostname()}.{os.getpid()}.{uuid4().hex[:12]}"
        #: set while the lock is held: only then is it time to join
        self.shows_life = asyncio.Event()
        self._removed_s: dict[str, float] = {}

    async def run(self) -> None:
        """Until it is cancelled; outlives outages of both Kafka and PostgreSQL."""
        judges_from_s = 0.0
        while True:
            try:
                async with self._database.own_connection() as connection:
                    await connection.execute(SQL["show_life"], self.client_id)
                    self.shows_life.set()
                    await self._watch(connection, judges_from_s)
            except (DependencyDown, OSError) as error:
                judges_from_s = time.monotonic() + _RETRY_S + _SETTLE_S
                _log.warning("succession_waits", group=self._group, error=repr(error))
            except Exception:
                _log.exception("succession_failed", group=self._group)
            finally:
                self.shows_life.clear()
            await asyncio.sleep(_RETRY_S)

    async def _watch(self, connection: Any, judges_from_s: float) -> None:
        """As long as the connection lasts. Raises OSError, or what the database's driver raises, when it is
        lost."""
        while True:
            try:
                async with open_group(self._kafka, group=self._group, client_id=self.client_id) as members:
                    while True:
                        _ensure_open(connection)
                        if time.monotonic() >= judges_from_s:
                            await self._look(connection, members)
                        await asyncio.sleep(_LOOK_S)
            except (KafkaError, OSError) as error:
                _ensure_open(connection)
                # Who may not look, or finds no coordinator, waits for the session of who died.
                _log.warning("succession_waits", group=self._group, error=repr(error))
            await asyncio.sleep(_RETRY_S)

    async def _look(self, connection: Any, members: GroupMembers) -> None:
        """Has the dead leave. Not before this consumer has joined: a group that is left by its last member
        has its next first one wait for others."""
        found = await members.now()
        others = _others(found, self._group, self.client_id)
        if not others or all(member.client_id != self.client_id for member in found):
            return
        rows = await connection.fetch(SQL["without_life"], sorted(others))
        for client_id in (row["client_id"] for row in rows):
            now_s = time.monotonic()
            if now_s - self._removed_s.get(client_id, -_AGAIN_S) < _AGAIN_S:
                continue
            self._removed_s[client_id] = now_s
            for member in others[client_id]:
                if await members.remove(member):
                    _log.info("consumer_succeeded", group=self._group, member=member.member_id)


def _ensure_open(connection: Any) -> None:
    if connection.is_closed():
        raise ConnectionResetError("the database closed the connection: the lock is lost")


def _others(found: Iterable[GroupMember], group: str, own: str) -> dict[str, list[GroupMember]]:
    """By client id; without those who show no life in this way, such as a consumer of an earlier version."""
    others: dict[str, list[GroupMember]] = {}
    for member in found:
        if member.client_id != own and member.client_id.startswith(f"{group}@"):
            others.setdefault(member.client_id, []).append(member)
    return others
