"""A desk of answer links with an alert, a table in memory, and a clock."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from services.notification.adapters.aggregate_codecs import build_aggregates
from services.notification.application.answer_links import AnswerDesk, AnswerPolicy, Link
from services.notification.application.delivery_table import DueDelivery
from services.notification.domain import alert as alerts
from services.notification.domain.alert_state import Alert, alert_name
from services.notification.domain.answer import (
    AnswerAction,
    AnswerLink,
)
from services.shared.eventstore.runner import CommandRunner
from services.shared.eventstore.work import Work
from services.shared.kernel.actor import Actor
from tests.doubles.memory_store import MemoryEventStore
from tests.unit.notification.scenario import HOSPITAL, KEY, NOW, SYSTEM, context

SECRET = bytes(range(32))
KINDS = build_aggregates()
NAME = alert_name(KEY, None)


class MemoryLinks:
    """Implements `AnswerTable`."""

    def __init__(self) -> None:
        self.links: dict[bytes, AnswerLink] = {}

    def draw_nonce(self) -> bytes:
        return (len(self.links) + 1).to_bytes(16, "big")

    async def keep(self, link: AnswerLink) -> AnswerLink:
        known = next((each for each in self.links.values() if each.delivery == link.delivery), None)
        return known or self.links.setdefault(link.nonce, link)

    async def find(self, nonce: bytes) -> AnswerLink | None:
        return self.links.get(nonce)

    async def use(self, nonce: bytes, action: AnswerAction, reason: str, at: datetime) -> bool:
        link = self.links[nonce]
        if link.used_at is not None:
            return False
        self.links[nonce] = replace(link, used_at=at, used_action=action.value, used_reason=reason)
        return True


class Tokens:
    """Implements `Minting`; says whom it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Actor] = []

    def token_for(self, actor: Actor, now: datetime) -> str:
        self.asked.append(actor)
        return f"token of {actor.user}"


class Site:
    """A desk, an alert, and a clock."""

    def __init__(self, *, minting: bool = True) -> None:
        self.now = NOW
        self.table = MemoryLinks()
        self.tokens = Tokens()
        self.runner = CommandRunner(MemoryEventStore())
        self.desk = AnswerDesk(
            runner=self.runner,
            kinds=KINDS,
            table=self.table,
            policy=AnswerPolicy(url="https://board/answer", key=SECRET),
            minting=self.tokens if minting else None,
            now=lambda: self.now,
        )

    async def alert(self) -> Alert:
        loaded = (await self.runner.read(KINDS.alert, NAME)).state
        assert loaded is not None
        return loaded

    async def give(self, command: Any, by: Actor = SYSTEM, request: str = "r-1") -> None:
        async def reaction(work: Work) -> None:
            state: Alert | None = await work.load(KINDS.alert, NAME)
            await work.record(KINDS.alert, NAME, alerts.decide(state, command, work.context))

        await self.runner.react(reaction, context(by, at=self.now, request=request), target=NAME, inbox=None)

    async def link(self, user: str = "dr-li", facility: str = HOSPITAL, delivery: str = "d-1") -> Link:
        due = DueDelivery(
            id=delivery,
            alert=NAME,
            step=0,
            round=1,
            recipient=user,
            recipient_name=user,
            facility=facility,
            channel="sms",
            called_at=NOW,
            attempt=1,
            refused_before=0,
        )
        return await self.desk.link_for(due, await self.alert(), language="zh")

    async def redeem(self, code: str, action: str, reason: str = "") -> Any:
        return await self.desk.redeem(code, AnswerAction(action), reason, "")
