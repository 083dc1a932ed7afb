"""What somebody waits for has the callers' bound: for a server that is gone, nobody waits half a minute."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from services.notification.adapters.stored_answer_links import StoredAnswerLinks
from services.notification.adapters.stored_deliveries import StoredDeliveries
from services.notification.domain.answer import AnswerAction
from services.referral.adapters.view_log import PostgresViewLog
from services.shared.audit.checkpoint_store import CheckpointStore
from services.shared.inbox.desk import DeadLetterDesk

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


class ForCallers:
    """A database that can be asked for callers, and in no other way. It has no rows."""

    async def fetch_for_caller(self, statement: str, *arguments: object) -> list[Any]:
        return []


DATABASE: Any = ForCallers()
ASKED: dict[str, Callable[[], Awaitable[Any]]] = {
    "an answer's link": lambda: StoredAnswerLinks(DATABASE).find(b"nonce"),
    "an answer by link": lambda: StoredAnswerLinks(DATABASE).use(b"nonce", AnswerAction.ACKNOWLEDGE, "", NOW),
    "an alert's deliveries": lambda: StoredDeliveries(DATABASE).shown("alerts/1", limit=1),
    "a dead letter": lambda: DeadLetterDesk(DATABASE).record(1),
    "open dead letters": lambda: DeadLetterDesk(DATABASE).open_letters(),
    "an aggregate's letters": lambda: DeadLetterDesk(DATABASE).letters_of("topic", "referrals/1"),
    "a checkpoint": lambda: CheckpointStore(DATABASE, "referral").get(1),
    "checkpoints": lambda: CheckpointStore(DATABASE, "referral").latest(before=None, limit=1),
    "who looked": lambda: PostgresViewLog(DATABASE).reads(("referrals/1",), None, None, after=None, limit=1),
}


@pytest.mark.parametrize("asked", ASKED)
async def test_a_caller_waits_no_longer_than_a_caller_may(asked: str) -> None:
    found = await ASKED[asked]()
    assert not getattr(found, "reads", found), "there is nothing"
