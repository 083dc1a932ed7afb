"""The servers of a run: Kafka, PostgreSQL, two instances of each service, and a channel's far end.

Every instance reaches PostgreSQL and Kafka by lines of its own, on which it can be hurt.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from services.embedded import EmbeddedStack
from services.embedded.stack import DATABASE_PREFIX
from services.operator.casefile.packaged import DEFAULT_CASE
from services.operator.casefile.reading import read_case
from services.operator.platform.given import KAFKA_VARIABLE, variable
from services.operator.platform.identity_keys import ensure_contact_keys, ensure_identity_keys
from services.operator.platform.key_folder import ensure_checkpoint_key, ensure_keys
from services.operator.platform.service_process import ServiceProcess
from services.operator.platform.supervision import Process, Supervisor, supervise
from services.operator.playing.site_setup import SiteSetup
from services.operator.rpc.calling import Caller
from services.operator.rpc.methods import rpc_methods
from services.operator.rpc.people import OPERATOR, TokenBook
from services.shared.rpc.channels import Addresses, open_channels
from services.shared.rpc.signing import SigningKey
from tests.doubles.gateway import Gateway, running_gateway
from tests.faults import armed
from tests.faults.armed import BUG_VARIABLE, SERVICE_VARIABLE
from tests.faults.jumping_clock import JumpingClock
from tests.faults.line import ProcessLines, open_lines
from tests.faults.lined_stack import LinedStack
from tests.faults.schedule import INSTANCES, JOINED, KAFKA, POSTGRES, SERVICES, FaultKind
from tests.faults.small_disks import SmallDisk, small_disk

SECRET = "a-secret-of-a-run"

CHANNELS = """
channels:
  gateway:
    type: signed_webhook
    url: {url}/alerts
    secret: ${{TIERLINK_CHANNEL_SECRET}}
    personal: true
    for_everybody: true
    timeout_s: 3
    attempts_max: 12
    retry_first_s: 0.2
    retry_max_s: 1
"""


@dataclass(kw_only=True)
class Stand:
    """Running servers, and what is needed to hurt and to ask them."""

    folder: Path
    servers: EmbeddedStack
    instances: dict[str, ServiceProcess]
    #: by instance; those who join a service share one
    lines: Mapping[str, ProcessLines]
    #: by instance; none where no clock is to jump
    clocks: Mapping[str, JumpingClock]
    #: of Kafka and PostgreSQL; none where none is to be full
    disks: Mapping[str, SmallDisk]
    key: SigningKey
    gateway: Gateway
    environments: Mapping[str, Mapping[str, str]]
    #: module that the instances become, and what it is to do
    module: str = ""

    @property
    def bootstrap(self) -> str:
        return self.servers.kafka_bootstrap

    def dsn(self, service: str) -> str:
        """A service's database, past the proxy."""
        return self.servers.postgres_dsn(f"{DATABASE_PREFIX}{service}")

    def pid(self, target: str) -> int:
        """Raises PlatformError or EmbeddedError when it is down."""
        if target == KAFKA:
            return self.servers.kafka.pid
        if target == POSTGRES:
            return self.servers.postgres.pid
        return self.instances[target].pid

    def addresses(self, number: int = 1) -> Addresses:
        """The instances of this number."""
        at = {name: self.instances[f"{name}-{number}"].ready.grpc for name in SERVICES}
        return Addresses(referral=at["referral"], bed=at["bed"], notification=at["notification"])

    def ports_of(self, service: str) -> tuple[str, ...]:
        return tuple(self.instances[f"{service}-{number}"].ready.grpc for number in (1, 2))

    def new_instance(self, name: str) -> ServiceProcess:
        """An instance that is not started; its service is what stands before the dash."""
        return _Instance(self, name)


class _Instance(ServiceProcess):
    """An instance of a service, with its own log."""

    def __init__(self, stand: Stand, name: str) -> None:
        service = name.partition("-")[0]
        super().__init__(
            service,
            folder=stand.folder / "services" / name,
            environment=stand.environments.get(name) or stand.environments[f"{service}{JOINED}"],
            module=stand.module,
        )


@asynccontextmanager
async def running_stand(*, bug: str = "", hurt_by: Collection[FaultKind] = ()) -> AsyncIterator[Stand]:
    """The stand for the time of the block; with `bug` the services have it.

    It has what the faults of `hurt_by` need. Raises OSError where that cannot be had.
    """
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="tierlink-faults-")))
        places = (*INSTANCES, *(f"{service}{JOINED}" for service in SERVICES))
        lines = {name: await exits.enter_async_context(open_lines(Random(name))) for name in places}
        servers = LinedStack(
            folder / "stack", databases=tuple(f"{DATABASE_PREFIX}{name}" for name in SERVICES), lines=lines
        )
        disks: dict[str, SmallDisk] = {}
        if FaultKind.DISK_FULL in hurt_by:
            for server in (KAFKA, POSTGRES):
                disks[server] = exits.enter_context(small_disk(folder / "stack" / server))
        clocks: dict[str, JumpingClock] = {}
        if FaultKind.CLOCK_JUMP in hurt_by:
            clocks = {name: JumpingClock(folder / "clocks" / name) for name in INSTANCES}
        await exits.enter_async_context(servers)
        gateway = await exits.enter_async_context(running_gateway())
        key, key_files = ensure_keys(folder / "keys")
        stand = Stand(
            folder=folder,
            servers=servers,
            instances={},
            lines=lines,
            clocks=clocks,
            disks=disks,
            key=key,
            gateway=gateway,
            environments={
                place: {
                    **_environment(place.partition("-")[0], servers, lines[place], folder, gateway),
                    "TIERLINK_JWKS": str(key_files.jwks),
                    **({BUG_VARIABLE: bug, SERVICE_VARIABLE: place.partition("-")[0]} if bug else {}),
                    **(clocks[place].environment() if place in clocks else {}),
                }
                for place in places
            },
            module=armed.__name__ if bug else "",
        )
        for name in INSTANCES:
            instance = stand.instances[name] = stand.new_instance(name)
            exits.push_async_callback(asyncio.to_thread, instance.stop)
        await asyncio.gather(*(asyncio.to_thread(each.start) for each in stand.instances.values()))
        async with open_channels(stand.addresses()) as channels:
            await SiteSetup(Caller(channels), TokenBook(key)).apply(read_case(DEFAULT_CASE).site)
        await _until_told(stand)
        yield stand


async def _until_told(stand: Stand) -> None:
    """The second process of the referral service hears of the directory within its two seconds."""
    rpc = rpc_methods()["ListFacilities"]
    async with open_channels(stand.addresses(2)) as channels, asyncio.timeout(30):
        while True:
            answer: Any = await Caller(channels).call(
                rpc, rpc.request_type(), TokenBook(stand.key).token(OPERATOR)
            )
            if answer.message.facilities:
                return
            await asyncio.sleep(0.2)


@asynccontextmanager
async def kept_up(stand: Stand, restarts: list[str]) -> AsyncIterator[None]:
    """For the time of the block whatever dies is started again, and its name noted."""
    processes: dict[str, Process] = {
        KAFKA: stand.servers.kafka,
        POSTGRES: stand.servers.postgres,
        **stand.instances,
    }
    watching = asyncio.create_task(
        supervise([Supervisor(name, each, restarts.append) for name, each in processes.items()])
    )
    try:
        yield
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        await asyncio.wait({watching})


def _environment(
    name: str, servers: EmbeddedStack, lines: ProcessLines, folder: Path, gateway: Gateway
) -> dict[str, str]:
    direct = servers.postgres_dsn(f"{DATABASE_PREFIX}{name}")
    keys = folder / "keys"
    common = {
        KAFKA_VARIABLE: f"127.0.0.1:{lines.kafka.port}",
        variable(name, "DSN"): direct.replace(f":{servers.postgres.port}", f":{lines.postgres.port}"),
        variable(name, "OPERATIONS_PORT"): "0",
        "TIERLINK_LOG_LEVEL": "WARNING",
        "TIERLINK_CHECKPOINT_KEY": str(ensure_checkpoint_key(keys)),
    }
    if name == "referral":
        return {**common, variable(name, "IDENTITY_KEYS"): str(ensure_identity_keys(keys))}
    if name == "notification":
        channels = folder / "channels.yaml"
        channels.write_text(CHANNELS.format(url=gateway.url), encoding="utf-8")
        return {
            **common,
            variable(name, "CONTACT_KEYS"): str(ensure_contact_keys(keys)),
            variable(name, "CHANNELS"): str(channels),
            "TIERLINK_CHANNEL_SECRET": SECRET,
        }
    return common
