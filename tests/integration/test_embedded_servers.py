"""The embedded servers, real ones: crashes, restarts, and two instances that want the same thing."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from services.embedded import (
    EmbeddedStack,
    FolderInUseError,
    PortTakenError,
    StackAddresses,
    ports,
    resolve_stack,
)
from services.embedded.accounts import account_for
from services.embedded.kafka import KafkaServer, count_brokers
from services.embedded.postgres import PostgresServer

_BOUND_S = 60.0
_TOPIC = "kept"

#: Starts both servers in the folder that it is given, says where they are, and waits to be killed.
_PARENT = """
import asyncio, json, sys
from pathlib import Path
from services.embedded import EmbeddedStack

async def main():
    stack = EmbeddedStack(Path(sys.argv[1]), databases=["kept"])
    async with stack:
        print(json.dumps({
            "kafka": stack.kafka_bootstrap,
            "dsn": stack.postgres_dsn("kept"),
            "pids": [stack.kafka.pid, stack.postgres.pid],
        }), flush=True)
        await asyncio.sleep(600)

asyncio.run(main())
"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _KilledStack:
    """What a process that was killed with -9 left behind."""

    folder: Path
    #: What the second instance on the folder was told while the first one ran.
    refusal: str
    #: All processes of the first instance.
    pids: tuple[int, ...]


async def _write_to_both(bootstrap: str, dsn: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(_TOPIC, num_partitions=1, replication_factor=1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        await producer.send_and_wait(_TOPIC, "转诊".encode())
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept (text text); INSERT INTO kept VALUES ('转诊')")
    await connection.close()


async def _read_from_both(bootstrap: str, dsn: str) -> tuple[str, str]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(_TOPIC, 0)])
        record = await asyncio.wait_for(consumer.getone(), _BOUND_S)
    finally:
        await consumer.stop()
    connection = await asyncpg.connect(dsn)
    row = await connection.fetchval("SELECT text FROM kept")
    await connection.close()
    return record.value.decode(), row


def _until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + _BOUND_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not so within {_BOUND_S} s"
        time.sleep(0.02)


def _is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _family(pid: int) -> list[int]:
    """Return the process, its guardian and what it started itself, such as PostgreSQL's backends."""
    process = psutil.Process(pid)
    return [process.ppid(), pid, *(child.pid for child in process.children(recursive=True))]


@pytest.fixture(scope="module")
def killed_stack(tmp_path_factory: pytest.TempPathFactory) -> _KilledStack:
    """A stack whose process was killed with -9 after it had data; its path has spaces and Chinese in it."""
    folder = tmp_path_factory.mktemp("closed") / "我的 数据, it's here"
    # As root, PostgreSQL runs under another account, which must manage below a closed folder.
    folder.parent.chmod(0o700)
    parent = subprocess.Popen([sys.executable, "-c", _PARENT, str(folder)], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout:
        started = json.loads(parent.stdout.readline())
        asyncio.run(_write_to_both(started["kafka"], started["dsn"]))
        pids = [pid for server_pid in started["pids"] for pid in _family(server_pid)]
        refusals = []
        for server in (KafkaServer(folder / "kafka"), PostgresServer(folder / "postgres")):
            with pytest.raises(FolderInUseError) as refused:
                server.start()
            refusals.append(str(refused.value))
        parent.kill()
    return _KilledStack(folder=folder, refusal="\n".join(refusals), pids=(parent.pid, *pids))


def test_kill_9_of_the_parent_takes_every_process_with_it(killed_stack: _KilledStack) -> None:
    assert len(killed_stack.pids) >= 6
    for pid in killed_stack.pids:
        _until(lambda pid=pid: _is_gone(pid))  # type: ignore[misc]


def test_a_second_instance_on_the_folder_is_refused_by_name(killed_stack: _KilledStack) -> None:
    assert f"in use by process {killed_stack.pids[0]}" in killed_stack.refusal
    assert "choose another data folder" in killed_stack.refusal
    assert str(killed_stack.folder / "kafka") in killed_stack.refusal
    assert str(killed_stack.folder / "postgres") in killed_stack.refusal


@pytest.fixture
def stale_pid_file(killed_stack: _KilledStack) -> Iterator[None]:
    """What a kill -9 can leave, with the worst number in it: that of a live process of the same account."""
    _until(lambda: all(_is_gone(pid) for pid in killed_stack.pids))
    data = killed_stack.folder / "postgres" / "data"
    user = account_for(data)
    with subprocess.Popen(["sleep", "600"], user=None if user is None else user.uid) as other:
        (data / "postmaster.pid").write_text(f"{other.pid}\n{data}\n0\n5432\n\n127.0.0.1\n\nready\n")
        yield
        other.kill()


@pytest.mark.usefixtures("stale_pid_file")
async def test_data_outlive_crashes_of_the_parent_and_of_the_servers(killed_stack: _KilledStack) -> None:
    async with EmbeddedStack(killed_stack.folder, databases=["kept"]) as stack:
        before = (stack.kafka_bootstrap, stack.postgres_dsn("kept"))
        assert await _read_from_both(*before) == ("转诊", "转诊")
        for server in (stack.kafka, stack.postgres):
            server.kill()
            assert not server.is_running
        await asyncio.gather(asyncio.to_thread(stack.kafka.start), asyncio.to_thread(stack.postgres.start))
        assert (stack.kafka_bootstrap, stack.postgres_dsn("kept")) == before
        assert await _read_from_both(*before) == ("转诊", "转诊")


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ports.LOOPBACK, ports.free_port()))
        listener.listen(1)
        yield listener.getsockname()[1]


@pytest.mark.parametrize("server", ["kafka", "postgres"])
async def test_a_fixed_port_that_is_taken_is_refused_and_leaves_nothing(server: str, taken_port: int) -> None:
    given = {f"{server}_port": taken_port}
    stack = EmbeddedStack(**given)  # type: ignore[arg-type]
    with pytest.raises(PortTakenError, match=f"127.0.0.1:{taken_port}"):
        await stack.start()
    assert not stack.kafka.is_running
    assert not stack.postgres.is_running
    assert not stack.folder.exists()


def test_a_free_port_lost_to_another_is_replaced(
    tmp_path: Path, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first choice seems free, as it does when somebody takes it just after the look.
    choices = [taken_port, ports.free_port()]
    monkeypatch.setattr(ports, "free_port", lambda **_: choices.pop(0))
    server = PostgresServer(tmp_path / "postgres", durable=False)
    server.start()
    try:
        assert server.port != taken_port
        assert choices == []
    finally:
        server.stop()


def test_kafka_replaces_a_lost_port_as_well(
    tmp_path: Path, taken_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Broker and controller port of the first try, then of the second.
    choices = [ports.free_port(), taken_port, ports.free_port(), ports.free_port()]
    monkeypatch.setattr(ports, "free_port", lambda **_: choices.pop(0))
    server = KafkaServer(tmp_path / "kafka")
    server.start()
    try:
        assert count_brokers(server.port) == 1
        assert choices == []
    finally:
        server.stop()


def test_servers_that_start_at_once_do_not_disturb_one_another(tmp_path: Path) -> None:
    servers = [PostgresServer(tmp_path / str(number), durable=False) for number in range(4)]
    with ExitStack() as stops:
        for server in servers:
            stops.callback(server.stop)

        async def start_all() -> None:
            await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))

        asyncio.run(start_all())
        assert len({server.port for server in servers}) == len(servers)
        assert all(server.is_running for server in servers)


async def test_a_cancelled_start_leaves_nothing() -> None:
    stack = EmbeddedStack()
    start = asyncio.create_task(stack.start())
    # Its folder is made by the start; before that there is only the one for all temporary folders.
    everybodys = stack.folder
    await asyncio.to_thread(
        _until, lambda: stack.folder != everybodys and any(stack.folder.glob("postgres/data*"))
    )
    start.cancel()
    with pytest.raises(asyncio.CancelledError):
        await start
    assert not stack.kafka.is_running
    assert not stack.postgres.is_running
    assert not stack.folder.exists()


@pytest.fixture
async def missing_only() -> AsyncIterator[StackAddresses]:
    """Kafka and one database are given, the other database is not."""
    given = {"referral": "postgresql://elsewhere/referral", "bed": None}
    async with resolve_stack(kafka_bootstrap="elsewhere:9092", dsns=given) as addresses:
        yield addresses


async def test_only_what_is_missing_is_started(missing_only: StackAddresses) -> None:
    assert missing_only.kafka_bootstrap == "elsewhere:9092"
    assert missing_only.dsns["referral"] == "postgresql://elsewhere/referral"
    connection = await asyncpg.connect(missing_only.dsns["bed"])
    assert await connection.fetchval("SELECT current_database()") == "tierlink_bed"
    await connection.close()


async def test_with_everything_given_nothing_is_started() -> None:
    given = {"referral": "postgresql://elsewhere/referral"}
    before = psutil.Process().children()
    async with resolve_stack(kafka_bootstrap="elsewhere:9092", dsns=given) as addresses:
        assert addresses == StackAddresses(kafka_bootstrap="elsewhere:9092", dsns=given)
        assert psutil.Process().children() == before
