"""The whole platform: what is not given is started, kept running, and stopped again in order."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from services.embedded import EmbeddedStack
from services.embedded.ports import LOOPBACK
from services.embedded.server import EmbeddedServer
from services.embedded.stack import DATABASE_PREFIX
from services.operator.platform.errors import PlatformError
from services.operator.platform.given import KAFKA_VARIABLE, Given, variable
from services.operator.platform.identity_keys import ensure_contact_keys, ensure_identity_keys
from services.operator.platform.key_folder import (
    answer_keys,
    ensure_board_key,
    ensure_checkpoint_key,
    ensure_keys,
)
from services.operator.platform.service_process import ServiceProcess
from services.operator.platform.supervision import Process, Supervisor, supervise
from services.shared.rpc.channels import SERVICES, Addresses
from services.shared.rpc.signing import KeyFiles, SigningKey, SigningKeyError

KAFKA: Final = "kafka"
POSTGRES: Final = "postgres"
BOARD: Final = "board"
AVAILABILITY: Final = "availability"

#: Settings that name a service's file of keys for personal data.
_SEALING_KEYS: Final = {"referral": "IDENTITY_KEYS", "notification": "CONTACT_KEYS"}


@dataclass(frozen=True, kw_only=True, slots=True)
class PlatformSettings:
    """What to start, and where."""

    given: Given
    #: None for a temporary folder, which is removed at the end
    folder: Path | None = None
    #: gRPC ports by service; free ones are chosen for the others
    ports: Mapping[str, int] = field(default_factory=dict)
    #: the alert board, and the worker that computes availability
    with_board: bool = False
    log_level: str = "INFO"


class Platform:
    """Running processes; made by `running_platform`."""

    def __init__(
        self,
        *,
        folder: Path,
        servers: Mapping[str, EmbeddedServer],
        services: Mapping[str, ServiceProcess],
        key: SigningKey,
        key_files: KeyFiles,
        kafka_bootstrap: str,
    ) -> None:
        self.folder = folder
        self.kafka_bootstrap = kafka_bootstrap
        self.key = key
        self.key_files = key_files
        #: the embedded ones, by name: kafka, postgres
        self.servers = servers
        self.services = services
        #: None where none was asked for
        self.board: ServiceProcess | None = None
        self.availability: ServiceProcess | None = None

    @property
    def addresses(self) -> Addresses:
        """Where the services' gRPC is."""
        grpc = {name: service.ready.grpc for name, service in self.services.items()}
        return Addresses(referral=grpc["referral"], bed=grpc["bed"], notification=grpc["notification"])

    @property
    def processes(self) -> Mapping[str, EmbeddedServer | ServiceProcess]:
        """Every process that was started, by name."""
        return {**self.servers, **self.services, **self.beside}

    @property
    def beside(self) -> Mapping[str, ServiceProcess]:
        """What runs beside the services, by name."""
        found = {BOARD: self.board, AVAILABILITY: self.availability}
        return {name: process for name, process in found.items() if process is not None}

    def log_paths(self) -> tuple[Path, ...]:
        """The logs of all of them."""
        return tuple(process.log_path for process in self.processes.values())


@asynccontextmanager
async def running_platform(
    settings: PlatformSettings, on_restart: Callable[[str], None] | None = None
) -> AsyncIterator[Platform]:
    """The platform for the time of the block. What dies meanwhile is started again, and `on_restart` told.

    Raises PlatformError or EmbeddedError when it cannot be started, or something does not stay up: the block
    is then cancelled.
    """
    async with _servers(settings) as (folder, servers, given):
        with _explained():
            key, key_files = ensure_keys(folder / "services" / "keys")
            sealing_keys = {
                "referral": ensure_identity_keys(folder / "services" / "keys"),
                "notification": ensure_contact_keys(folder / "services" / "keys"),
            }
        services = {
            name: ServiceProcess(
                name,
                folder=folder / "services" / name,
                environment={
                    **_environment(name, settings, given, key_files, sealing_keys),
                    **_checkpoint_key(folder),
                    **(_answer_links(settings, folder) if name == "notification" else {}),
                },
                port=settings.ports.get(name),
                is_temporary=settings.folder is None,
            )
            for name in SERVICES
        }
        platform = Platform(
            folder=folder,
            servers=servers,
            services=services,
            key=key,
            key_files=key_files,
            kafka_bootstrap=given.kafka_bootstrap or "",
        )
        try:
            await _start_all(services)
            if settings.with_board:
                platform.board = _board(platform, settings)
                platform.availability = _availability(platform, settings, given)
                await _start_all(platform.beside)
            async with _supervised(platform, on_restart or (lambda name: None)):
                yield platform
        finally:
            await asyncio.gather(*(asyncio.to_thread(process.stop) for process in platform.beside.values()))
            await asyncio.gather(*(asyncio.to_thread(service.stop) for service in services.values()))


@asynccontextmanager
async def _servers(
    settings: PlatformSettings,
) -> AsyncIterator[tuple[Path, Mapping[str, EmbeddedServer], Given]]:
    """The folder, the embedded servers, and Kafka and databases, all of them given now."""
    given = settings.given
    missing = tuple(name for name, dsn in given.dsns.items() if dsn is None)
    if not given.needs_kafka and not missing:
        folder = settings.folder or Path(tempfile.mkdtemp(prefix="tierlink-"))
        try:
            yield folder, {}, given
        finally:
            if settings.folder is None:
                await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
        return
    stack = EmbeddedStack(
        settings.folder,
        databases=tuple(f"{DATABASE_PREFIX}{name}" for name in missing),
        with_kafka=given.needs_kafka,
        with_postgres=bool(missing),
    )
    async with stack:
        servers: dict[str, EmbeddedServer] = {}
        if given.needs_kafka:
            servers[KAFKA] = stack.kafka
        if missing:
            servers[POSTGRES] = stack.postgres
        started = {name: stack.postgres_dsn(f"{DATABASE_PREFIX}{name}") for name in missing}
        bootstrap = given.kafka_bootstrap or stack.kafka_bootstrap
        yield stack.folder, servers, Given(kafka_bootstrap=bootstrap, dsns={**given.dsns, **started})


async def _start_all(services: Mapping[str, ServiceProcess]) -> None:
    """Starts the services at the same time. Raises PlatformError once all have started or failed."""
    starting = asyncio.gather(
        *(asyncio.to_thread(service.start) for service in services.values()), return_exceptions=True
    )
    try:
        results = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # A thread cannot be cancelled: it ends soon when its process does.
        for service in services.values():
            service.abandon()
        await starting
        raise
    for result in results:
        if isinstance(result, BaseException):
            raise result


@asynccontextmanager
async def _supervised(platform: Platform, on_restart: Callable[[str], None]) -> AsyncIterator[None]:
    """Keeps every process up; when one does not stay up, cancels the block and raises why."""
    processes: Mapping[str, Process] = platform.processes
    supervisors = [Supervisor(name, process, on_restart) for name, process in processes.items()]
    block = asyncio.current_task()
    assert block is not None, "a platform runs in a task"
    watching = asyncio.create_task(supervise(supervisors), name="keep the platform running")
    watching.add_done_callback(lambda task: None if task.cancelled() else block.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if watching.done() and not watching.cancelled():
            block.uncancel()
            watching.result()
        raise
    finally:
        watching.cancel()
        await asyncio.wait({watching})


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (OSError, SigningKeyError) as error:
        raise PlatformError(f"the keys cannot be used: {error}") from error


def _board(platform: Platform, settings: PlatformSettings) -> ServiceProcess:
    """The board's process: it needs no more than the services' addresses and the keys of tokens."""
    return ServiceProcess(
        BOARD,
        folder=platform.folder / "services" / BOARD,
        environment={
            # Whoever is signed in stays so when the platform is started again.
            "TIERLINK_BOARD_SESSION_KEY": str(ensure_board_key(platform.folder / "services" / "keys")),
            **{variable(name, "ADDRESS"): at for name, at in platform.addresses.by_service().items()},
            "TIERLINK_BOARD_SIGNING_KEY": str(answer_keys(platform.folder / "services" / "keys").board),
            "TIERLINK_JWKS": str(platform.key_files.jwks),
            "TIERLINK_LOG_LEVEL": settings.log_level,
        },
        port=settings.ports.get(BOARD),
        is_temporary=settings.folder is None,
    )


def _checkpoint_key(folder: Path) -> Mapping[str, str]:
    """What checkpoints are signed with; a site's own key, in the environment, goes before."""
    name = "TIERLINK_CHECKPOINT_KEY"
    return {} if os.environ.get(name) else {name: str(ensure_checkpoint_key(folder / "services" / "keys"))}


def _answer_links(settings: PlatformSettings, folder: Path) -> Mapping[str, str]:
    """What messages carry links with, where a board opens them. A site's own settings go before."""
    port = settings.ports.get(BOARD)
    if not settings.with_board or port is None:
        return {}
    keys = answer_keys(folder / "services" / "keys")
    own = {
        "TIERLINK_NOTIFICATION_ANSWER_URL": f"http://{LOOPBACK}:{port}/answer",
        "TIERLINK_NOTIFICATION_ANSWER_KEY": str(keys.links),
        "TIERLINK_NOTIFICATION_ANSWER_SIGNING_KEY": str(keys.signing),
    }
    return {name: value for name, value in own.items() if not os.environ.get(name)}


def _availability(platform: Platform, settings: PlatformSettings, given: Given) -> ServiceProcess:
    """The bed service's worker, which speaks to Kafka alone."""
    return ServiceProcess(
        AVAILABILITY,
        folder=platform.folder / "services" / AVAILABILITY,
        environment={
            KAFKA_VARIABLE: given.kafka_bootstrap or "",
            "TIERLINK_LOG_LEVEL": settings.log_level,
        },
        is_temporary=settings.folder is None,
        module="services.bed.availability",
    )


def _environment(
    name: str, settings: PlatformSettings, given: Given, key_files: KeyFiles, sealing_keys: Mapping[str, Path]
) -> Mapping[str, str]:
    """What a service needs to know. Each is told its own database only, and its own keys for personal data.

    A site's own keys, in the environment, go before the platform's.
    """
    keys_variable = variable(name, _SEALING_KEYS[name]) if name in _SEALING_KEYS else ""
    told_keys = bool(keys_variable) and not os.environ.get(keys_variable)
    return {
        **({keys_variable: str(sealing_keys[name])} if told_keys else {}),
        KAFKA_VARIABLE: given.kafka_bootstrap or "",
        variable(name, "DSN"): given.dsns[name] or "",
        variable(name, "OPERATIONS_PORT"): "0",
        "TIERLINK_JWKS": str(key_files.jwks),
        "TIERLINK_LOG_LEVEL": settings.log_level,
    }
