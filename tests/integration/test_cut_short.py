"""Commands that a full disk, an outage or a hand cuts: they say so, go on, and double nothing."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio

from services.embedded.databases import with_database
from services.referral.adapters.aggregate_codecs import REFERRAL_TOPIC
from services.referral.entrypoints.bed_news import BED_TOPIC
from tests.integration.cut_rebuilds import (
    KAFKA,
    STORE,
    all_started,
    are_whole,
    begin,
    begun_and_held,
    drop,
    rebuild,
    rebuilds,
)
from tests.integration.cut_site import Ended, Site, ended, running_site
from tests.integration.event_copies import by_key, histories, new_topic, put, records_of
from tests.integration.messaging import until
from tests.integration.projection_desk import Desk

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

AGGREGATES, VERSIONS = 20, 20
VERIFY = ("projection", "verify-state", "--service", "referral", "--execute", "--keep", "--output", "json")
#: The program with less patience for a Kafka that does not answer: half a minute is long for a test.
HASTY = (
    "import services.operator.replay.sending as sending; sending._ACK_TIMEOUT_S = 2.0;"
    "import services.operator.commands.projection_asking as asking; asking._AWAY_S = 0.5;"
    "from services.operator.main import app; app()"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with running_site(tmp_path_factory.mktemp("cut")) as made:
        await made.desk.live(6)
        yield made


async def test_a_broker_that_restarts_is_waited_for_by_each_of_them(site: Site) -> None:
    assert (await site.tierlink(*VERIFY)).code == 0
    topic, order = await _replay_of(site, "restart.json")
    await site.desk.live(6)
    await begin(site, "listing", KAFKA)
    ward = await site.letters.poisoned()
    async with (
        site.held_back(site.desk.dsn, "building.listing") as rows,
        site.held_back(_anew(site), "refolding.places") as places,
        site.started(*order) as replay,
        site.started(*rebuild("listing", KAFKA)) as built,
        site.started(*VERIFY) as verify,
    ):
        await until(lambda: _sent(site, "restart.json") >= 100)
        await rows.somebody_waits()
        await places.somebody_waits()
        site.kafka.kill()
        assert (await site.tierlink(*_redrive(ward))).code == 0, "a redrive needs no broker"
        await rows.release()
        await places.release()
        await asyncio.to_thread(site.kafka.start)
        found = await asyncio.gather(*(ended(each) for each in (replay, built, verify)))
    assert [each.code for each in found] == [0, 0, 0], found
    await _is_whole(site, topic)
    assert json.loads(found[1].out)["same"] and json.loads(found[2].out)["referral"]["same"]
    await _was_redriven_once(site, ward)
    await drop(site, "listing")


async def test_rebuilds_and_a_redrive_outlive_a_restart_of_postgresql(site: Site) -> None:
    ward = await site.letters.poisoned()
    async with (
        begun_and_held(site) as rows,
        site.held_back(site.desk.dsn, "dead_letters") as letters,
        all_started(site, *rebuilds(), _redrive(ward)) as programs,
    ):
        # The decision is written, and the deed is not.
        await until(lambda: _decisions(site, ward, 1))
        for each in (*rows, letters):
            await each.somebody_waits()
        await site.restart_postgres()
        *built, found = await asyncio.gather(*(ended(each) for each in programs))
    assert found.code == 0, found
    await _was_redriven_once(site, ward)
    await are_whole(site, built)


async def test_rebuilds_and_a_redrive_whose_service_is_killed_are_carried_out_once(site: Site) -> None:
    ward = await site.letters.poisoned()
    async with (
        begun_and_held(site) as rows,
        site.held_back(site.desk.dsn, "dead_letters") as letters,
        all_started(site, *rebuilds(), _redrive(ward)) as programs,
    ):
        await until(lambda: _decisions(site, ward, 1))
        for each in (*rows, letters):
            await each.somebody_waits()
        site.desk.process.kill()
        # PostgreSQL has not noticed, and does what the dead process asked for.
        for each in (*rows, letters):
            await each.release()
        await asyncio.to_thread(site.desk.process.start)
        *built, found = await asyncio.gather(*(ended(each) for each in programs))
    assert found.code == 0, found
    await _was_redriven_once(site, ward)
    await are_whole(site, built)


async def test_each_of_them_is_ended_by_hand_and_the_same_command_goes_on(site: Site) -> None:
    ward = await site.letters.poisoned()
    await site.desk.live(4)
    orders = (*rebuilds(), _redrive(ward))
    before = await site.left_behind(_anew(site))
    async with (
        begun_and_held(site) as rows,
        site.held_back(site.desk.dsn, "dead_letters") as letters,
        site.held_back(_anew(site), "refolding.places") as places,
    ):
        held = (*rows, letters, places)
        for sent, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
            async with all_started(site, *orders, VERIFY) as programs:
                for hold in held:
                    await hold.somebody_waits()
                for each in programs:
                    each.send_signal(sent)
                found = await asyncio.gather(*(ended(each) for each in programs))
            # The service, and the program that verifies, notice that nobody listens any more.
            for hold in held:
                await hold.nobody_waits()
            await until(lambda: _is_left_as(site, before))
            assert [each.code for each in found] == [code] * len(programs), found
    assert all("人工中止" in each.said and "interrupted" in each.said for each in found), found
    *built, redriven, again = await asyncio.gather(*(site.tierlink(*each) for each in (*orders, VERIFY)))
    assert redriven.code == 0, redriven
    # Three orders are on record, and one of them was carried out.
    await _was_redriven_once(site, ward, decisions=3)
    assert (again.code, json.loads(again.out)["referral"]["same"]) == (0, True), again
    await are_whole(site, built)


async def test_postgresql_without_room_is_named_and_nothing_is_lost_or_doubled(site: Site) -> None:
    from_store, from_kafka = rebuild("listing", STORE), rebuild("clock_readings", KAFKA)
    ward = await site.letters.poisoned()
    await site.desk.live(40)
    await begin(site, "listing", STORE)
    await begin(site, "clock_readings", KAFKA)
    # What is written ahead of everything else has its room: it is the tables that find none.
    await site.desk.fetch("SELECT pg_switch_wal()")
    await site.desk.fetch("CHECKPOINT")
    site.postgres_disk.fill(but_bytes=64 * 1024)
    found = await asyncio.gather(site.tierlink(*from_store), site.tierlink(*VERIFY))
    site.postgres_disk.fill()
    # So long that no row has room for it: it takes pages of its own.
    wordy = "".join(chr(0x20000 + each) for each in range(500))
    last = await asyncio.gather(site.tierlink(*_redrive(ward, wordy)), site.tierlink(*from_kafka))
    full = (*found, *last)
    told = [f"{each.code} {'磁盘已满' in _words(each)} {'is full' in _words(each)}" for each in full]
    assert told == ["2 True True"] * 4, full
    site.postgres_disk.empty()
    if not site.postgres.is_running:
        await asyncio.to_thread(site.postgres.start)
    await until(lambda: _answers(site.desk))
    orders = (from_store, from_kafka, _redrive(ward, wordy), VERIFY)
    *built, redrive, verify = await asyncio.gather(*(site.tierlink(*each) for each in orders))
    assert (redrive.code, verify.code) == (0, 0), (redrive, verify)
    assert json.loads(verify.out)["referral"]["same"]
    await _was_redriven_once(site, ward)
    await are_whole(site, built)


async def test_a_replay_finds_no_room_here_or_there_and_goes_on(site: Site) -> None:
    topic, order = await _replay_of(site, "full.json")
    again = ("events", "replay", "--resume", order[-1], "--execute")
    async with site.started(*order) as replay:
        await until(lambda: _sent(site, "full.json") >= 50)
        site.own_disk.fill()
        here = await ended(replay)
    for part in ("磁盘已满", "disk is full", "full.json", "--resume"):
        assert part in here.said, here
    site.own_disk.empty()
    before = _sent(site, "full.json")
    # The broker's: it gives itself up, as brokers do.
    async with site.started(*again, program=("-c", HASTY)) as replay:
        await until(lambda: _sent(site, "full.json") >= before + 100)
        site.kafka_disk.fill()
        there = await ended(replay)
    assert (here.code, there.code) == (2, 2), (here, there)
    for part in ("Kafka 不可用", "Kafka is not available", "--resume"):
        assert part in there.said, there
    # A rebuild that reads from it has nothing to read.
    await begin(site, "listing", KAFKA)
    unread = await site.tierlink(*rebuild("listing", KAFKA), program=("-c", HASTY))
    assert unread.code == 2, unread
    for part in (
        "服务读不到 Kafka",
        "cannot read from Kafka",
        "以同样的命令继续",
        "The same command goes on",
    ):
        assert part in unread.said, unread
    site.kafka_disk.empty()
    site.kafka.kill()
    await asyncio.to_thread(site.kafka.start)
    assert _sent(site, "full.json") < AGGREGATES * VERSIONS
    done, built = await asyncio.gather(
        site.tierlink(*again, "--rate", "100000"), site.tierlink(*rebuild("listing", KAFKA))
    )
    assert done.code == 0, done
    await are_whole(site, [built], ["listing"])
    await _is_whole(site, topic)


async def test_events_that_kafka_has_deleted_are_named_and_a_rebuild_from_the_store_is_advised(
    site: Site,
) -> None:
    # The last of this module: what it deletes does not come back.
    await begin(site, "listing", KAFKA)
    await site.delete_records(REFERRAL_TOPIC)
    found = await asyncio.gather(
        site.tierlink(*rebuild("listing", KAFKA)), site.tierlink(*VERIFY, "--into-suffix", "_gone")
    )
    for each in found:
        assert each.code == 2, each
        for part in ("已删除尚未读取的事件", "has deleted events", f"{REFERRAL_TOPIC}/", "--source store"):
            assert part in _words(each), each


async def _is_left_as(site: Site, before: object) -> bool:
    return await site.left_behind(_anew(site)) == before


def _anew(site: Site) -> str:
    return with_database(site.desk.dsn, "tierlink_referral_refold")


def _words(found: Ended) -> str:
    return found.out + found.said


def _redrive(ward: str, reason: str = "已修复") -> tuple[str, ...]:
    order = ("dlq", "redrive", BED_TOPIC, f"wards/{ward}", "--service", "referral")
    return (*order, "--reason", reason, "--execute")


async def _replay_of(site: Site, state: str) -> tuple[str, tuple[str, ...]]:
    """A topic with histories, and the command that replays it slowly."""
    topic = await new_topic(site.stack)
    await put(site.stack, topic, histories(AGGREGATES, VERSIONS))
    order = ("events", "replay", topic, "--to-suffix", ".copy", "--rate", "200", "--execute")
    return topic, (*order, "--state", str(site.own_disk.folder / state))


def _sent(site: Site, state: str) -> int:
    path = site.own_disk.folder / state
    return int(json.loads(path.read_bytes())["sent"]) if path.exists() else 0


async def _is_whole(site: Site, topic: str) -> None:
    copies = await records_of(site.stack, f"{topic}.copy", count=AGGREGATES * VERSIONS)
    whole = list(range(1, VERSIONS + 1))
    assert by_key(copies) == {f"referrals/{number}": whole for number in range(AGGREGATES)}


async def _decisions(site: Site, ward: str, count: int) -> bool:
    name = f"deadletters/{BED_TOPIC}/wards/{ward}"
    return len(await site.desk.fetch("SELECT FROM events WHERE stream_id = $1", name)) == count


async def _was_redriven_once(site: Site, ward: str, *, decisions: int = 1) -> None:
    """Its letter failed again, as it must, and what waited behind it waits still."""
    letters = "SELECT resolution, version FROM dead_letters WHERE aggregate_id = $1 ORDER BY id"
    parked = "SELECT version FROM parked_events WHERE aggregate_id = $1"

    async def again() -> bool:
        found = await site.desk.fetch(letters, f"wards/{ward}")
        return [tuple(row) for row in found] == [("REDRIVEN", 1), (None, 1)]

    await until(again)
    assert [row["version"] for row in await site.desk.fetch(parked, f"wards/{ward}")] == [2]
    assert await _decisions(site, ward, decisions)


async def _answers(desk: Desk) -> bool:
    try:
        await desk.shown()
    except grpc.aio.AioRpcError:
        return False
    return True
