"""Disks that are full, here and on the servers: who finds no room says so, goes on, and doubles nothing."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.referral.adapters.aggregate_codecs import REFERRAL_TOPIC
from tests.integration.cut_orders import (
    AGGREGATES,
    HASTY,
    VERIFY,
    VERSIONS,
    anew,
    answers,
    copy_is_whole,
    redrive,
    replay_of,
    sent_so_far,
    was_redriven_once,
    words,
)
from tests.integration.cut_rebuilds import (
    KAFKA,
    STORE,
    all_started,
    are_whole,
    begin,
    rebuild,
)
from tests.integration.cut_site import Site, ended, running_site
from tests.integration.messaging import until

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with running_site(tmp_path_factory.mktemp("cut")) as made:
        await made.desk.live(6)
        yield made


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
    last = await asyncio.gather(site.tierlink(*redrive(ward, wordy)), site.tierlink(*from_kafka))
    full = (*found, *last)
    told = [f"{each.code} {'磁盘已满' in words(each)} {'is full' in words(each)}" for each in full]
    assert told == ["2 True True"] * 4, full
    site.postgres_disk.empty()
    if not site.postgres.is_running:
        await asyncio.to_thread(site.postgres.start)
    await until(lambda: answers(site.desk))
    orders = (from_store, from_kafka, redrive(ward, wordy), VERIFY)
    *built, redriven, verify = await asyncio.gather(*(site.tierlink(*each) for each in orders))
    assert (redriven.code, verify.code) == (0, 0), (redriven, verify)
    assert json.loads(verify.out)["referral"]["same"]
    await was_redriven_once(site, ward)
    await are_whole(site, built)


async def test_postgresql_that_ends_for_want_of_room_for_its_wal_is_told_and_nothing_is_lost_or_doubled(
    site: Site,
) -> None:
    from_store, from_kafka = rebuild("listing", STORE), rebuild("clock_readings", KAFKA)
    assert (await site.tierlink(*VERIFY)).code == 0, "so that there is a table to hold"
    ward = await site.letters.poisoned()
    await site.desk.live(6)
    await begin(site, "listing", STORE)
    await begin(site, "clock_readings", KAFKA)
    async with (
        site.held_back(site.desk.dsn, "building.listing") as rows,
        site.held_back(site.desk.dsn, "dead_letters") as letters,
        site.held_back(anew(site), "refolding.places") as places,
        site.started(*from_store, program=("-c", HASTY)) as hasty,
        all_started(site, redrive(ward), VERIFY, from_kafka) as patient,
    ):
        for each in (rows, letters, places):
            await each.somebody_waits()
        await site.use_up_wal()
        cut, unmade = await asyncio.gather(ended(hasty), site.tierlink(*VERIFY, "--into-suffix", "_other"))
        site.wal_disk.empty()
        await asyncio.to_thread(site.postgres.start)
        redriven, verified, built = await asyncio.gather(*(ended(each) for each in patient))
    for each in (cut, unmade):
        assert each.code == 2, each
        for part in (
            "磁盘是否已满",
            "WAL（pg_wal）所在的盘",
            "disk of it is full",
            "The same command goes on",
        ):
            assert part in each.said, each
    assert verified.code == 0 and json.loads(verified.out)["referral"]["same"], verified
    decisions = 1
    if redriven.code:
        # Twenty seconds are its patience, and were over: it is ordered again.
        assert "disk of it is full" in redriven.said, redriven
        assert (await site.tierlink(*redrive(ward))).code == 0
        decisions = 2
    await was_redriven_once(site, ward, decisions=decisions)
    await are_whole(site, [built], ["clock_readings"])
    await are_whole(site, [await site.tierlink(*from_store)], ["listing"])


async def test_a_replay_finds_no_room_here_or_there_and_goes_on(site: Site) -> None:
    topic, order = await replay_of(site, "full.json")
    again = ("events", "replay", "--resume", order[-1], "--execute")
    async with site.started(*order) as replay:
        await until(lambda: sent_so_far(site, "full.json") >= 50)
        site.own_disk.fill()
        here = await ended(replay)
    for part in ("磁盘已满", "disk is full", "full.json", "--resume"):
        assert part in here.said, here
    site.own_disk.empty()
    before = sent_so_far(site, "full.json")
    # The broker's: it gives itself up, as brokers do.
    async with site.started(*again, program=("-c", HASTY)) as replay:
        await until(lambda: sent_so_far(site, "full.json") >= before + 100)
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
    assert sent_so_far(site, "full.json") < AGGREGATES * VERSIONS
    done, built = await asyncio.gather(
        site.tierlink(*again, "--rate", "100000"), site.tierlink(*rebuild("listing", KAFKA))
    )
    assert done.code == 0, done
    await are_whole(site, [built], ["listing"])
    await copy_is_whole(site, topic)


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
            assert part in words(each), each
