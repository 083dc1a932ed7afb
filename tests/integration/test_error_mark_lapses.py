"""A word that calls a referral an error lapses by its deadline, also one of before there was a deadline."""

from pathlib import Path

import grpc
import pytest

from services.shared.kernel.actor import Role
from tests.integration.hospital import BRANCH, COUNTY, OTHER, accept_request, new_id, referral_service
from tests.integration.messaging import until
from tests.integration.referral_site import Site, refused
from tests.integration.test_referral_commands import call, done, pb_state
from tests.stack import CreateDatabase

pytestmark = pytest.mark.asyncio(loop_scope="function")

WRONG = {"reason": {"code": "WRONG_PATIENT", "text": "患者选错"}}
DEADLINE = (
    "SELECT key, kind, due_at, set_version FROM deadlines WHERE stream_id = $1 AND key LIKE 'error_mark:%'"
)


async def marked(site: Site) -> str:
    """A referral that was accepted, and that its origin calls an error."""
    name = str((await site.hospital.create(patient=f"P-{new_id()[:8]}")).name)
    await site.hospital.referrals.AcceptReferral(accept_request(name), metadata=site.hospital.as_(COUNTY))
    asked = await done(site, "MarkEnteredInError", name, BRANCH, **WRONG)
    assert asked.HasField("error_mark")
    return name


async def lapsed(site: Site, name: str) -> list[str]:
    rows = await site.fetch("SELECT type FROM events WHERE stream_id = $1 ORDER BY version", name)
    return [row["type"] for row in rows if row["type"] == "ErrorMarkLapsed"]


async def test_it_lapses_once_and_nobody_confirms_it_any_more(
    database: CreateDatabase, tmp_path: Path
) -> None:
    dsn = await database()
    async with referral_service(tmp_path, dsn=dsn, parts="grpc,deadlines") as (hospital, _):
        site = Site(hospital, dsn)
        name = await marked(site)
        due = "UPDATE deadlines SET due_at = now() WHERE stream_id = $1 AND key LIKE 'error_mark:%'"
        await site.execute(due, name)

        async def is_over() -> bool:
            return await lapsed(site, name) == ["ErrorMarkLapsed"]

        await until(is_over)
        assert await site.fetch(DEADLINE, name) == []
        late = call(site, "MarkEnteredInError", name, OTHER, Role.COORDINATOR, **WRONG)
        details = await refused(late, grpc.StatusCode.FAILED_PRECONDITION)
        assert "ERROR_NOT_CLAIMED" in str(details)
        # The origin may say it again, and then it is confirmed.
        await done(site, "MarkEnteredInError", name, BRANCH, **WRONG)
        confirmed = await done(site, "MarkEnteredInError", name, OTHER, Role.COORDINATOR, **WRONG)
        assert confirmed.state == pb_state("ENTERED_IN_ERROR")
        assert await lapsed(site, name) == ["ErrorMarkLapsed"]


async def test_one_of_before_there_was_a_deadline_is_given_it_at_a_start(
    database: CreateDatabase, tmp_path: Path
) -> None:
    dsn = await database()
    async with referral_service(tmp_path / "first", dsn=dsn) as (hospital, _):
        site = Site(hospital, dsn)
        name, withdrawn = await marked(site), await marked(site)
        await done(site, "WithdrawErrorMark", withdrawn, BRANCH)
        as_written = await site.fetch(DEADLINE, name)
        assert len(as_written) == 1
        # Something else happened since: the deadline is that of the word, not of the last event.
        await done(site, "GrantBypass", name, COUNTY, reason={"code": "NO_BED", "text": "无床"})
    await site.execute("DELETE FROM deadlines WHERE key LIKE 'error_mark:%'")
    await site.execute("DELETE FROM projection_passes")
    async with referral_service(tmp_path / "second", dsn=dsn, parts="grpc,deadlines") as (hospital, _):
        site = Site(hospital, dsn)

        async def is_set() -> bool:
            return bool(await site.fetch(DEADLINE, name))

        await until(is_set)
        assert await site.fetch(DEADLINE, name) == as_written
        assert await site.fetch(DEADLINE, withdrawn) == []
