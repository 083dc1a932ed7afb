"""A site's limits of a pathway are those of the running service, and a restart moves no deadline."""

from pathlib import Path

import asyncpg
import pytest

from services.embedded.databases import drop_database
from tests.integration.hospital import new_id, referral_service
from tests.stack import SharedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")

SITE = """\
sources:
  map: {zh: 本市溶栓地图, en: the city's thrombolysis map}
values:
  - {name: acknowledge_s, urgency: EMERGENCY, pathway: STROKE, value: 3, source: map, confidence: B}
  - {name: decide_s, urgency: EMERGENCY, pathway: STROKE, value: 3000, source: map, confidence: B}
"""


async def deadlines(dsn: str, name: str) -> dict[str, float]:
    """When each open deadline is due, by what is due."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("SELECT key, due_at FROM deadlines WHERE stream_id = $1", name)
        return {row["key"].partition(":")[0]: row["due_at"].timestamp() for row in rows}
    finally:
        await connection.close()


async def test_limits_of_a_pathway_are_kept_across_a_restart(stack: SharedStack, tmp_path: Path) -> None:
    dsn = await stack.create_database(f"deadlines_{new_id()[:8]}")
    site = tmp_path / "policy.yaml"
    site.write_text(SITE, "utf-8")
    settings = {"TIERLINK_REFERRAL_POLICY": str(site)}
    async with referral_service(tmp_path / "first", dsn=dsn, settings=settings) as (hospital, _):
        stroke = await hospital.create()
        pain = await hospital.create(pathway="PATHWAY_CHEST_PAIN", patient="P-2")
    before = {each.name: await deadlines(dsn, each.name) for each in (stroke, pain)}
    for referral, limits in ((stroke, (3, 3000)), (pain, (120, 600))):
        (offer,) = referral.offers
        ends = (offer.acknowledge_by.seconds, offer.decide_by.seconds)
        assert tuple(end - offer.sent_at.seconds for end in ends) == limits
    # Another configuration, another process: what was promised when the offer was sent stands.
    async with referral_service(tmp_path / "second", dsn=dsn, parts="grpc"):
        after = {each.name: await deadlines(dsn, each.name) for each in (stroke, pain)}
    assert after == before
    assert before[stroke.name]["decide"] - before[stroke.name]["acknowledge"] == pytest.approx(2997)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])
