"""A referral service on servers of its own, which a test may kill and whose disks it may fill."""

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from services.embedded.databases import ensure_database
from services.embedded.kafka import KafkaServer
from services.embedded.postgres import PostgresServer
from services.operator.rpc.people import OPERATOR, TokenBook
from services.referral.entrypoints.bed_news import BED_TOPIC
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from tests.integration.hospital import referral_service
from tests.integration.letter_desk import LetterDesk
from tests.integration.messaging import until
from tests.integration.projection_desk import Desk
from tests.integration.small_disk import SmallDisk, small_disk
from tests.stack import SharedStack

OPERATOR_PROGRAM = ("-m", "services.operator")
_DATABASE = "tierlink_referral"
#: As far as a topic goes, by Kafka's protocol.
_ALL_RECORDS = -1
_TRACES = {
    "sessions": "SELECT application_name FROM pg_stat_activity WHERE application_name LIKE '%refold%'",
    "snapshots": "SELECT application_name FROM pg_stat_activity"
    " WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND application_name LIKE '%refold%'",
    "prepared": "SELECT gid FROM pg_prepared_xacts",
    "slots": "SELECT slot_name FROM pg_replication_slots",
    "temporary": "SELECT relname FROM pg_class WHERE relpersistence = 't'",
    "locks": "SELECT objid FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    "databases": "SELECT datname FROM pg_database ORDER BY 1",
}
#: Neither leaves room for much: both begin with what an empty server takes.
_KAFKA_MIB, _POSTGRES_MIB, _OWN_MIB = 64, 160, 1
_WAL_MIB = 256
_WAL_MESSAGE_BYTES = 256 * 1024


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    said: str


@dataclass(frozen=True, kw_only=True)
class Site:
    """The servers, the service, an operator's desks and the operator's own disk."""

    kafka: KafkaServer
    postgres: PostgresServer
    kafka_disk: SmallDisk
    postgres_disk: SmallDisk
    #: where PostgreSQL writes ahead
    wal_disk: SmallDisk
    own_disk: SmallDisk
    desk: Desk
    letters: LetterDesk

    @property
    def stack(self) -> SharedStack:
        """Its servers, for what is made on those of a run elsewhere."""
        return SharedStack(
            backend="own",
            kafka_bootstrap=self.kafka.bootstrap,
            postgres_dsn=self.postgres.dsn(),
            prefix="cut_",
        )

    @asynccontextmanager
    async def started(
        self, *arguments: str, program: Sequence[str] = OPERATOR_PROGRAM
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """`tierlink …` as a process that is killed when the block ends."""
        hospital = self.desk.hospital
        addresses = {
            f"TIERLINK_{each}_ADDRESS": self.desk.process.ready.grpc
            for each in ("REFERRAL", "BED", "NOTIFICATION")
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *program, *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # As a shell does: what a terminal sends, it sends to the program and to what that has begun.
            start_new_session=True,
            env={
                **os.environ,
                **addresses,
                "TIERLINK_TOKEN": TokenBook(hospital.key).token(OPERATOR),
                "TIERLINK_KAFKA_BOOTSTRAP": self.kafka.bootstrap,
                "TIERLINK_REFERRAL_DSN": self.desk.dsn,
            },
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def tierlink(self, *arguments: str, program: Sequence[str] = OPERATOR_PROGRAM) -> Ended:
        """`tierlink …` to its end."""
        async with self.started(*arguments, program=program) as process:
            return await ended(process)

    @asynccontextmanager
    async def held_back(self, dsn: str, table: str) -> AsyncIterator["Hold"]:
        """Nobody writes to a table of a database for the block, nor until it is released."""
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("BEGIN")
            await connection.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
            yield Hold(connection=connection, table=table)
        finally:
            connection.terminate()

    async def use_up_wal(self) -> None:
        """No byte of the disk of the WAL is left, and what has its room there is written: PostgreSQL ends."""
        self.wal_disk.fill()
        connection = await asyncpg.connect(self.desk.dsn)
        message = f"SELECT pg_logical_emit_message(false, '', repeat('x', {_WAL_MESSAGE_BYTES}))"
        try:
            for _ in range(_WAL_MIB * 1024 * 1024 // _WAL_MESSAGE_BYTES):
                await connection.execute(message)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await until(lambda: not self.postgres.is_running)
        finally:
            connection.terminate()
        assert not self.postgres.is_running
        assert "No space left on device" in self.postgres.log_path.read_text()

    async def left_behind(self, dsn: str) -> Mapping[str, Sequence[str]]:
        """What a verification into this database could leave: on the server, in Kafka, and as processes."""
        found = {"groups": sorted(await self._groups()), "processes": _refolding_processes(self.desk.dsn)}
        connection = await asyncpg.connect(dsn)
        try:
            for what, statement in _TRACES.items():
                found[what] = [str(row[0]) for row in await connection.fetch(statement)]
        finally:
            await connection.close()
        return found

    async def _groups(self) -> set[str]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        try:
            return {name for name, *_ in await admin.list_consumer_groups()}
        finally:
            await admin.close()

    async def delete_records(self, topic: str) -> None:
        """All that it has now, as a retention does."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.bootstrap)
        await admin.start()
        try:
            (described,) = await admin.describe_topics([topic])
            partitions = (TopicPartition(topic, each["partition"]) for each in described["partitions"])
            await admin.delete_records(
                {each: RecordsToDelete(before_offset=_ALL_RECORDS) for each in partitions}
            )
        finally:
            await admin.close()

    async def restart_postgres(self) -> None:
        """As kill -9 does; returns when it serves again."""
        self.postgres.kill()
        await asyncio.to_thread(self.postgres.start)


@dataclass(frozen=True, kw_only=True)
class Hold:
    """A table that nobody may write to."""

    connection: Any
    table: str

    async def somebody_waits(self) -> None:
        """Returns when a statement waits for the table."""
        await until(self._is_waited_for)

    async def nobody_waits(self) -> None:
        """Returns when no statement waits for the table any more."""

        async def is_free() -> bool:
            return not await self._is_waited_for()

        await until(is_free)

    async def _is_waited_for(self) -> bool:
        # Not pg_stat_activity, which is the same throughout a transaction.
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass"
        return bool(await self.connection.fetchval(waiting, self.table))

    async def release(self) -> None:
        await self.connection.execute("ROLLBACK")


class _WritingAheadElsewhere(PostgresServer):
    """Its WAL is on a disk of its own, as on servers of hospitals."""

    def __init__(self, disk: SmallDisk, wal: SmallDisk) -> None:
        super().__init__(disk.folder / "server", durable=False)
        self._wal = wal.folder

    def _initialise(self, lock_file: int, deadline_s: float) -> None:
        super()._initialise(lock_file, deadline_s)
        here, there = self._data / "pg_wal", self._wal / "pg_wal"
        owner = here.stat()
        shutil.copytree(here, there)
        shutil.rmtree(here)
        for each in (there, *there.rglob("*")):
            os.chown(each, owner.st_uid, owner.st_gid)
        # The account that it runs under may not pass through the folders above.
        here.symlink_to(os.path.relpath(there, self._data))


def _refolding_processes(dsn: str) -> list[str]:
    """Programs that fold what that database has, by id: other tests have theirs meanwhile."""
    found = []
    for each in Path("/proc").iterdir():
        with suppress(OSError):
            if (
                each.name.isdigit()
                and b"services.referral.refold" in (each / "cmdline").read_bytes()
                and dsn.encode() in (each / "environ").read_bytes()
            ):
                found.append(each.name)
    return found


async def ended(process: asyncio.subprocess.Process) -> Ended:
    """How a process ended. It may say what it likes, but nothing that only its authors understand."""
    out, said = await process.communicate()
    assert b"Traceback" not in said, said.decode()
    return Ended(code=process.returncode or 0, out=out.decode(), said=said.decode())


@asynccontextmanager
async def running_site(folder: Path) -> AsyncIterator[Site]:
    """The site for the block. Skips the test where no small disk can be mounted."""
    with (
        small_disk(folder / "kafka", mib=_KAFKA_MIB) as kafka_disk,
        small_disk(folder / "postgres", mib=_POSTGRES_MIB) as postgres_disk,
        small_disk(postgres_disk.folder / "wal", mib=_WAL_MIB) as wal_disk,
        small_disk(folder / "own", mib=_OWN_MIB) as own_disk,
    ):
        kafka = KafkaServer(kafka_disk.folder / "server")
        postgres = _WritingAheadElsewhere(postgres_disk, wal_disk)
        try:
            await asyncio.gather(asyncio.to_thread(kafka.start), asyncio.to_thread(postgres.start))
            await ensure_database(postgres.dsn(), _DATABASE)
            await ensure_topics(KafkaAddress(bootstrap=kafka.bootstrap), [TopicSpec(name=BED_TOPIC)])
            dsn = postgres.dsn(_DATABASE)
            async with referral_service(
                folder / "service", dsn=dsn, kafka=kafka.bootstrap, parts="grpc,relay,consumer"
            ) as (hospital, process):
                yield Site(
                    kafka=kafka,
                    postgres=postgres,
                    kafka_disk=kafka_disk,
                    postgres_disk=postgres_disk,
                    wal_disk=wal_disk,
                    own_disk=own_disk,
                    desk=Desk(hospital=hospital, process=process, dsn=dsn),
                    letters=LetterDesk(hospital=hospital, address=process.ready.grpc, kafka=kafka.bootstrap),
                )
        finally:
            with suppress(OSError):
                kafka_disk.empty()
                postgres_disk.empty()
                wal_disk.empty()
            await asyncio.gather(asyncio.to_thread(kafka.kill), asyncio.to_thread(postgres.kill))
