"""Orders of an operator that are cut, and what must have come of them in the end."""

import json

import grpc

from services.embedded.databases import with_database
from services.referral.entrypoints.bed_news import BED_TOPIC
from tests.integration.cut_site import Ended, Site
from tests.integration.event_copies import by_key, histories, new_topic, put, records_of
from tests.integration.messaging import until
from tests.integration.projection_desk import Desk

AGGREGATES, VERSIONS = 20, 20
VERIFY = ("projection", "verify-state", "--service", "referral", "--execute", "--keep", "--output", "json")
#: The program with less patience for a Kafka that does not answer: half a minute is long for a test.
HASTY = (
    "import services.operator.replay.sending as sending; sending._ACK_TIMEOUT_S = 2.0;"
    "import services.operator.commands.projection_asking as asking; asking._AWAY_S = 0.5;"
    "from services.operator.main import app; app()"
)


async def is_left_as(site: Site, before: object) -> bool:
    """Whether what verifications could leave is what it was."""
    return await site.left_behind(anew(site)) == before


def anew(site: Site) -> str:
    """DSN of the database that events are folded into."""
    return with_database(site.desk.dsn, "tierlink_referral_refold")


def words(found: Ended) -> str:
    """All that it said."""
    return found.out + found.said


def redrive(ward: str, reason: str = "已修复") -> tuple[str, ...]:
    order = ("dlq", "redrive", BED_TOPIC, f"wards/{ward}", "--service", "referral")
    return (*order, "--reason", reason, "--execute")


async def replay_of(site: Site, state: str) -> tuple[str, tuple[str, ...]]:
    """A topic with histories, and the command that replays it slowly."""
    topic = await new_topic(site.stack)
    await put(site.stack, topic, histories(AGGREGATES, VERSIONS))
    order = ("events", "replay", topic, "--to-suffix", ".copy", "--rate", "200", "--execute")
    return topic, (*order, "--state", str(site.own_disk.folder / state))


def sent_so_far(site: Site, state: str) -> int:
    """By its state file."""
    path = site.own_disk.folder / state
    return int(json.loads(path.read_bytes())["sent"]) if path.exists() else 0


async def copy_is_whole(site: Site, topic: str) -> None:
    copies = await records_of(site.stack, f"{topic}.copy", count=AGGREGATES * VERSIONS)
    whole = list(range(1, VERSIONS + 1))
    assert by_key(copies) == {f"referrals/{number}": whole for number in range(AGGREGATES)}


async def decided(site: Site, ward: str, count: int) -> bool:
    name = f"deadletters/{BED_TOPIC}/wards/{ward}"
    return len(await site.desk.fetch("SELECT FROM events WHERE stream_id = $1", name)) == count


async def was_redriven_once(site: Site, ward: str, *, decisions: int = 1) -> None:
    """Its letter failed again, as it must, and what waited behind it waits still."""
    letters = "SELECT resolution, version FROM dead_letters WHERE aggregate_id = $1 ORDER BY id"
    parked = "SELECT version FROM parked_events WHERE aggregate_id = $1"

    async def again() -> bool:
        found = await site.desk.fetch(letters, f"wards/{ward}")
        return [tuple(row) for row in found] == [("REDRIVEN", 1), (None, 1)]

    await until(again)
    assert [row["version"] for row in await site.desk.fetch(parked, f"wards/{ward}")] == [2]
    assert await decided(site, ward, decisions)


async def answers(desk: Desk) -> bool:
    try:
        await desk.shown()
    except grpc.aio.AioRpcError:
        return False
    return True
