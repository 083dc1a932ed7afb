"""A bed service that is killed: what ended meanwhile holds no bed as soon as there is one again."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from services.bed.main import CONSUMES
from tests.integration.county import ENDS, County, of_intensive_care, open_county, refused_another_bed, until

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

#: For so long Kafka takes a dead consumer for alive, and keeps its partitions for it.
SESSION_S = CONSUMES.session_timeout_ms / 1000


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def county(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[County]:
    async with open_county(tmp_path_factory.mktemp("killed")) as found:
        yield found


async def seconds_until_free(county: County, ward: str) -> float:
    async def is_free() -> bool:
        return (await county.ward(ward)).counts.free == len(ENDS)

    return await until(is_free, "nobody has a bed")


async def test_what_ended_while_the_bed_service_was_dead_has_no_bed_when_it_is_back(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, names = await of_intensive_care(county, "icu")
    await asyncio.to_thread(county.bed_process.kill)
    killed_s = time.monotonic()
    for end, name in names.items():
        await ends.end(end, name)
    await asyncio.to_thread(county.bed_process.start)
    ready_s = time.monotonic()
    free_s = await seconds_until_free(county, "icu")
    with capsys.disabled():
        print(f"\nafter kill -9, ready {ready_s - killed_s:.2f} s later; {free_s:.2f} s on, no bed is held")
    # A second where the machine has nothing else to do. The dead one's session is not waited for.
    assert free_s < SESSION_S / 2
    await refused_another_bed(county, names)


async def test_what_ends_when_one_of_two_bed_services_is_killed_has_no_bed(
    county: County, capsys: pytest.CaptureFixture[str]
) -> None:
    ends, names = await of_intensive_care(county, "icu")
    other = county.second_bed_process
    await asyncio.to_thread(other.start)
    try:
        await asyncio.sleep(SESSION_S / 2)
        other.kill()
        for end, name in names.items():
            await ends.end(end, name)
        free_s = await seconds_until_free(county, "icu")
    finally:
        other.kill()
    with capsys.disabled():
        print(f"\nafter kill -9 of one of two, {free_s:.2f} s after the last end no bed is held")
    assert free_s < SESSION_S / 2
