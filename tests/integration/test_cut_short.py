"""Commands that an outage or a hand cuts: they say so, go on, and double nothing."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.cut_orders import (
    VERIFY,
    anew,
    copy_is_whole,
    decided,
    is_left_as,
    redrive,
    replay_of,
    sent_so_far,
    was_redriven_once,
)
from tests.integration.cut_rebuilds import (
    KAFKA,
    all_started,
    are_whole,
    begin,
    begun_and_held,
    drop,
    rebuild,
    rebuilds,
)
from tests.integration.cut_site import Site, ended, running_site
from tests.integration.messaging import until

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with running_site(tmp_path_factory.mktemp("cut")) as made:
        await made.desk.live(6)
        yield made


async def test_a_broker_that_restarts_is_waited_for_by_each_of_them(site: Site) -> None:
    assert (await site.tierlink(*VERIFY)).code == 0
    topic, order = await replay_of(site, "restart.json")
    await site.desk.live(6)
    await begin(site, "listing", KAFKA)
    ward = await site.letters.poisoned()
    async with (
        site.held_back(site.desk.dsn, "building.listing") as rows,
        site.held_back(anew(site), "refolding.places") as places,
        site.started(*order) as replay,
        site.started(*rebuild("listing", KAFKA)) as built,
        site.started(*VERIFY) as verify,
    ):
        await until(lambda: sent_so_far(site, "restart.json") >= 100)
        await rows.somebody_waits()
        await places.somebody_waits()
        site.kafka.kill()
        assert (await site.tierlink(*redrive(ward))).code == 0, "a redrive needs no broker"
        await rows.release()
        await places.release()
        await asyncio.to_thread(site.kafka.start)
        found = await asyncio.gather(*(ended(each) for each in (replay, built, verify)))
    assert [each.code for each in found] == [0, 0, 0], found
    await copy_is_whole(site, topic)
    assert json.loads(found[1].out)["same"] and json.loads(found[2].out)["referral"]["same"]
    await was_redriven_once(site, ward)
    await drop(site, "listing")


async def test_rebuilds_and_a_redrive_outlive_a_restart_of_postgresql(site: Site) -> None:
    ward = await site.letters.poisoned()
    async with (
        begun_and_held(site) as rows,
        site.held_back(site.desk.dsn, "dead_letters") as letters,
        all_started(site, *rebuilds(), redrive(ward)) as programs,
    ):
        # The decision is written, and the deed is not.
        await until(lambda: decided(site, ward, 1))
        for each in (*rows, letters):
            await each.somebody_waits()
        await site.restart_postgres()
        *built, found = await asyncio.gather(*(ended(each) for each in programs))
    assert found.code == 0, found
    await was_redriven_once(site, ward)
    await are_whole(site, built)


async def test_rebuilds_and_a_redrive_whose_service_is_killed_are_carried_out_once(site: Site) -> None:
    ward = await site.letters.poisoned()
    async with (
        begun_and_held(site) as rows,
        site.held_back(site.desk.dsn, "dead_letters") as letters,
        all_started(site, *rebuilds(), redrive(ward)) as programs,
    ):
        await until(lambda: decided(site, ward, 1))
        for each in (*rows, letters):
            await each.somebody_waits()
        site.desk.process.kill()
        # PostgreSQL has not noticed, and does what the dead process asked for.
        for each in (*rows, letters):
            await each.release()
        await asyncio.to_thread(site.desk.process.start)
        *built, found = await asyncio.gather(*(ended(each) for each in programs))
    assert found.code == 0, found
    await was_redriven_once(site, ward)
    await are_whole(site, built)


async def test_each_of_them_is_ended_by_hand_and_the_same_command_goes_on(site: Site) -> None:
    ward = await site.letters.poisoned()
    await site.desk.live(4)
    orders = (*rebuilds(), redrive(ward))
    before = await site.left_behind(anew(site))
    async with (
        begun_and_held(site) as rows,
        site.held_back(site.desk.dsn, "dead_letters") as letters,
        site.held_back(anew(site), "refolding.places") as places,
    ):
        held = (*rows, letters, places)
        for sent, code in ((signal.SIGKILL, -9), (signal.SIGINT, 130)):
            async with all_started(site, *orders, VERIFY) as programs:
                for hold in held:
                    await hold.somebody_waits()
                for each in programs:
                    if sent is signal.SIGINT:
                        os.killpg(each.pid, sent)
                    else:
                        each.send_signal(sent)
                found = await asyncio.gather(*(ended(each) for each in programs))
            # The service, and the program that verifies, notice that nobody listens any more.
            for hold in held:
                await hold.nobody_waits()
            await until(lambda: is_left_as(site, before))
            assert [each.code for each in found] == [code] * len(programs), found
    assert all("人工中止" in each.said and "interrupted" in each.said for each in found), found
    *built, redriven, again = await asyncio.gather(*(site.tierlink(*each) for each in (*orders, VERIFY)))
    assert redriven.code == 0, redriven
    # Three orders are on record, and one of them was carried out.
    await was_redriven_once(site, ward, decisions=3)
    assert (again.code, json.loads(again.out)["referral"]["same"]) == (0, True), again
    await are_whole(site, built)
