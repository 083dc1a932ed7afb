"""The servers of a bench run: Kafka and PostgreSQL of its own, durable, in a folder of its own.

Given servers are never used: a bench writes as much as it can.
"""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from services.embedded import EmbeddedStack
from services.embedded.databases import create_database
from services.embedded.stack import DATABASE_PREFIX
from services.embedded.supervise import ChildSpec
from services.operator.bench import four_statements
from services.operator.bench.life import PEOPLE
from services.operator.bench.memory_log import MemoryLog
from services.operator.bench.together import together
from services.operator.bench.worker_pool import WorkerPool
from services.operator.bench.worker_process import Worker
from services.operator.casefile.model import Site
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import KAFKA_VARIABLE, variable
from services.operator.platform.key_folder import ensure_keys
from services.operator.platform.service_process import ServiceProcess
from services.operator.playing.site_setup import SiteSetup
from services.operator.rpc.calling import Caller
from services.operator.rpc.people import TokenBook
from services.shared.kafka.address import KafkaAddress
from services.shared.kafka.topics import TopicSpec, ensure_topics
from services.shared.rpc.channels import SERVICES, Addresses, open_channels
from services.shared.rpc.signing import KeyFiles, SigningKey

ALL_PARTS = "grpc,relay,consumer,deadlines"
#: More than any round needs, so that a refusal for overload is never what is measured.
_CALLS_MAX = 2_000
#: What the referral service reads and the bed service makes. A consumer without a topic to read stops late.
_READ_BY_REFERRAL = TopicSpec(name="tierlink.bed.events.v1")


@dataclass(frozen=True, kw_only=True)
class BenchStack:
    """Running servers and the keys of everybody who calls."""

    folder: Path
    servers: EmbeddedStack
    key: SigningKey
    key_files: KeyFiles
    workers: WorkerPool
    memory: MemoryLog

    @property
    def kafka_bootstrap(self) -> str:
        return self.servers.kafka_bootstrap

    def dsn(self, service: str) -> str:
        """The database of a service."""
        return self.servers.postgres_dsn(f"{DATABASE_PREFIX}{service}")

    def tokens(self) -> dict[str, str]:
        """A token of each of `PEOPLE`, by their keys."""
        book = TokenBook(self.key)
        return {who: book.token(actor) for who, actor in PEOPLE.items()}

    async def new_database(self, name: str) -> str:
        """An empty database; its DSN."""
        return await create_database(self.servers.postgres_dsn(), f"bench_{name}")

    @asynccontextmanager
    async def service(
        self,
        name: str,
        *,
        label: str,
        parts: str = ALL_PARTS,
        dsn: str = "",
        is_baseline: bool = False,
        module: str = "",
        port: int | None = None,
        is_port_shared: bool = False,
    ) -> AsyncIterator[ServiceProcess]:
        """A process of a service for the time of the block; `label` tells two of one service apart.

        With `is_baseline` its store is the one that the event store is measured against; a `module` takes the
        place of the service's own.
        """
        make = FourStatementProcess if is_baseline else ServiceProcess
        process = make(
            name,
            folder=self.folder / "services" / label,
            environment={
                KAFKA_VARIABLE: self.kafka_bootstrap,
                variable(name, "DSN"): dsn or self.dsn(name),
                variable(name, "OPERATIONS_PORT"): "0",
                "TIERLINK_JWKS": str(self.key_files.jwks),
                "TIERLINK_LOG_LEVEL": "WARNING",
                "TIERLINK_PARTS": parts,
                "TIERLINK_CALLS_MAX": str(_CALLS_MAX),
                "TIERLINK_REUSE_PORT": str(is_port_shared).lower(),
            },
            module=module,
            port=port,
        )
        await asyncio.to_thread(process.start)
        try:
            yield process
        finally:
            if process.is_running:
                self.memory.note(label, process.pid)
            await asyncio.to_thread(process.stop)

    @asynccontextmanager
    async def platform(self, site: Site | None = None) -> AsyncIterator["Platform"]:
        """A process of each service, with all of their parts, and a site in force: the sample's, or this."""
        async with together(*(self.service(name, label=f"whole-{name}") for name in SERVICES)) as started:
            platform = Platform(stack=self, services=dict(zip(SERVICES, started, strict=True)))
            await self.apply_site(platform.addresses, wards_and_rosters=True, site=site)
            yield platform

    def worker(self, name: str) -> AbstractAsyncContextManager[Worker]:
        """A worker process for the time of the block."""
        return self.workers.borrowed(name)

    async def apply_site(
        self, addresses: Addresses, *, wards_and_rosters: bool, site: Site | None = None
    ) -> None:
        """Puts the sample site in force, or another; without wards and rosters where only referrals are
        served."""
        site = site or read_case(DEFAULT_CASE).site
        if not wards_and_rosters:
            site = replace(site, directory=replace(site.directory, wards={}), rosters={})
        async with open_channels(addresses) as channels:
            await SiteSetup(Caller(channels), TokenBook(self.key)).apply(site)

    async def apply_directory(self, referral_address: str) -> None:
        """Puts the sample directory in force at a referral service."""
        addresses = Addresses(referral=referral_address, bed=referral_address, notification=referral_address)
        await self.apply_site(addresses, wards_and_rosters=False)


@dataclass(frozen=True, kw_only=True)
class Platform:
    """All services on the stack's servers, with a process each."""

    stack: BenchStack
    services: Mapping[str, ServiceProcess]

    @property
    def addresses(self) -> Addresses:
        """Where they are reached."""
        grpc = {name: process.ready.grpc for name, process in self.services.items()}
        return Addresses(referral=grpc["referral"], bed=grpc["bed"], notification=grpc["notification"])


class FourStatementProcess(ServiceProcess):
    """The referral service with the baseline's store."""

    def _spec(self, port: int) -> ChildSpec:
        spec = super()._spec(port)
        # The last word is the module that the process becomes.
        return replace(spec, command=(*spec.command[:-1], four_statements.__name__))


@asynccontextmanager
async def bench_stack() -> AsyncIterator[BenchStack]:
    """The stack for the time of the block. Raises EmbeddedError, DependencyDown."""
    async with AsyncExitStack() as exits:
        folder = Path(tempfile.mkdtemp(prefix="tierlink-bench-"))
        exits.push_async_callback(asyncio.to_thread, shutil.rmtree, folder, ignore_errors=True)
        servers = EmbeddedStack(
            folder / "stack",
            databases=tuple(f"{DATABASE_PREFIX}{name}" for name in SERVICES),
            # As a site runs it: a command is answered when it is on the disk.
            durable=True,
        )
        await exits.enter_async_context(servers)
        # Nobody reads its data again, and it takes seconds to stop cleanly; PostgreSQL does so at once.
        exits.push_async_callback(asyncio.to_thread, servers.kafka.kill)
        await ensure_topics(KafkaAddress(bootstrap=servers.kafka_bootstrap), [_READ_BY_REFERRAL])
        key, key_files = ensure_keys(folder / "keys")
        workers = await exits.enter_async_context(WorkerPool(folder / "workers"))
        memory = MemoryLog(kafka=servers.kafka.pid, postgres=servers.postgres.pid)
        yield BenchStack(
            folder=folder, servers=servers, key=key, key_files=key_files, workers=workers, memory=memory
        )
