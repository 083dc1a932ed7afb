"""Commands by batches are what they are by calls: the stories of the state table, told once more.

Each command travels in a batch and is then sent again as a call, which must give the first reply, or be
refused with the same status: code, text and every detail.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from services.embedded.databases import drop_database
from tests.integration import test_consultation_contract, test_referral_commands, test_referral_contract
from tests.integration.batching import BatchedHospital
from tests.integration.hospital import new_id, referral_service
from tests.integration.referral_site import Site
from tests.stack import SharedStack

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: What counts calls, or has many of them at once with one request id, is about calls.
_ABOUT_CALLS = {
    "test_many_at_once_with_one_request_id_write_once",
    "test_who_calls_without_a_token_learns_nothing",
}
STORIES = [
    pytest.param(story, id=name)
    for module in (test_referral_commands, test_referral_contract, test_consultation_contract)
    for name, story in vars(module).items()
    if name.startswith("test_") and name not in _ABOUT_CALLS
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(stack: SharedStack, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    dsn = await stack.create_database(f"batched_{new_id()[:8]}")
    async with referral_service(tmp_path_factory.mktemp("referral"), dsn=dsn) as (hospital, _):
        yield Site(BatchedHospital(key=hospital.key, channel=hospital.channel), dsn)
    await drop_database(stack.postgres_dsn, dsn.rsplit("/", 1)[1])


@pytest.mark.parametrize("story", STORIES)
async def test_by_batches(site: Site, story: Any) -> None:
    await story(site)
