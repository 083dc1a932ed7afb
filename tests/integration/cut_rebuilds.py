"""Rebuilds that are cut: from the store and from the topics, begun, held back, and whole in the end."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.integration.cut_site import Ended, Hold, Site

STORE, KAFKA = "STORE", "KAFKA"
#: Two read models from two sources: both can be made at once.
BUILT_FROM = {"listing": KAFKA, "clock_readings": STORE}


def rebuild(model: str, source: str) -> tuple[str, ...]:
    """The command."""
    order = ("projection", "rebuild", model, "--source", source.lower(), "--execute")
    return (*order, "--reason", "演练", "--output", "json")


async def begin(site: Site, model: str, source: str) -> None:
    await site.desk.decide("BeginRebuild", model, source=f"PROJECTION_SOURCE_{source}")


async def drop(site: Site, model: str) -> None:
    await site.desk.decide("DropProjection", model, number=(await site.desk.shown(model)).building)


def rebuilds() -> tuple[tuple[str, ...], ...]:
    """The commands for both sources."""
    return tuple(rebuild(*each) for each in BUILT_FROM.items())


@asynccontextmanager
async def begun_and_held(site: Site) -> AsyncIterator[list[Hold]]:
    """Rebuilds from both sources are begun; their tables, which nobody may write to for the block."""
    async with AsyncExitStack() as block:
        rows = []
        for model, source in BUILT_FROM.items():
            await begin(site, model, source)
            rows.append(await block.enter_async_context(site.held_back(site.desk.dsn, f"building.{model}")))
        yield rows


@asynccontextmanager
async def all_started(site: Site, *orders: Sequence[str]) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Several `tierlink …` at once."""
    async with AsyncExitStack() as block:
        yield [await block.enter_async_context(site.started(*order)) for order in orders]


async def are_whole(site: Site, built: Sequence[Ended], models: Iterable[str] = BUILT_FROM) -> None:
    """Each row that serves is there, once; what was built is given up."""
    assert [each.code for each in built] == [0] * len(built), built
    for model, each in zip(models, built, strict=True):
        found = json.loads(each.out)
        assert found["same"] and found["aggregates"], each
        await drop(site, model)
